//! One run, as its core sees it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use ambit_core::{Bound, Digest, LimitKey, Outcome, Policy, Rejection, RunId};
use ambit_engine::{Call, Ended, Guest, Meter, host::HostSpec};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{bucket::Bucket, core_loop::Inbox, finished::End, module::LoadedModule};

/// What a run does next.
pub(crate) enum Phase {
    /// Its module is being compiled on another thread.
    Compiling { module: oneshot::Receiver<Result<Arc<LoadedModule>, Rejection>>, host: HostSpec, call: Call },
    /// It runs.
    Running(Box<dyn Guest>),
    /// It has ended, and only its report is left.
    Over,
}

/// One run, as its core sees it.
pub(crate) struct Task {
    pub(crate) id: RunId,
    pub(crate) digest: Digest,
    pub(crate) phase: Phase,
    pub(crate) meter: Arc<Meter>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<Instant>,
    pub(crate) cpu: Duration,
    pub(crate) bucket: Bucket,
    pub(crate) compile_time: Option<Duration>,
    /// Removed from disk when the run is over.
    pub(crate) scratch: Option<TempDir>,
    pub(crate) waker: Option<(Arc<TaskWaker>, Waker)>,
    pub(crate) done: Option<oneshot::Sender<End>>,
}

impl Task {
    /// The end this run must have for its CPU time, if it has used it up.
    pub(crate) fn over_cpu(&self) -> Option<Outcome> {
        let Bound::At(allowed) = self.policy.limits.run.cpu_time else { return None };
        (self.cpu >= allowed.duration()).then(|| limit(LimitKey::CpuTime, allowed.duration(), self.cpu))
    }

    /// The end this run has at its deadline.
    pub(crate) fn over_wall(&self) -> Outcome {
        let allowed = self.deadline.map_or(Duration::ZERO, |deadline| deadline - self.started);
        limit(LimitKey::WallTime, allowed, self.started.elapsed())
    }

    /// The outcome of a guest that ended of itself.
    pub(crate) fn end(&self, ended: Ended) -> End {
        let (outcome, results) = ended.outcome(&self.meter);
        self.finish(outcome, results)
    }

    /// The end of this run.
    pub(crate) fn finish(&self, outcome: Outcome, results: Vec<ambit_core::ResultValue>) -> End {
        let mut usage = self.meter.usage();
        usage.wall_ns = Some(nanos(self.started.elapsed()));
        usage.cpu_ns = Some(nanos(self.cpu));
        usage.compile_ns = self.compile_time.map(nanos);
        End { outcome, results, usage, violations: self.meter.violations() }
    }
}

fn limit(limit: LimitKey, allowed: Duration, used: Duration) -> Outcome {
    Outcome::LimitExceeded { limit, allowed: nanos(allowed), used: Some(nanos(used)) }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Puts a task on its core's queue when what it waits for is there.
pub(crate) struct TaskWaker {
    pub(crate) id: RunId,
    pub(crate) inbox: Arc<Inbox>,
    /// Whether it is on the queue already.
    pub(crate) queued: AtomicBool,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, SeqCst) {
            self.inbox.wake(self.id);
        }
    }
}
