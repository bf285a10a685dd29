//! One run, as its core sees it.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use ambit_core::{Bound, Digest, Event, LimitKey, Outcome, Policy, Rejection, RunId, escape};
use ambit_engine::{Call, Ended, Guest, Meter, host::HostSpec};
use tokio::sync::oneshot;

use crate::{
    bucket::Bucket,
    core_loop::{Inbox, Listener},
    cpu_clock::Stretch,
    finished::End,
    module::LoadedModule,
    scratch::Scratch,
    ticker::Ticker,
};

/// What a run does next.
pub(crate) enum Phase {
    /// Its module is being compiled on another thread.
    Compiling {
        module: oneshot::Receiver<Result<Arc<LoadedModule>, Rejection>>,
        host: Box<HostSpec>,
        call: Call,
        compiling: Arc<AtomicBool>,
    },
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
    /// It has used up its share of a core and is not to run until that has refilled.
    pub(crate) throttled: bool,
    pub(crate) compile_time: Option<Duration>,
    /// Removed from disk when the run is over.
    pub(crate) scratch: Option<Scratch>,
    /// Set by the core that runs it.
    pub(crate) waker: Option<(Arc<TaskWaker>, Waker)>,
    pub(crate) done: Option<oneshot::Sender<End>>,
}

/// What came of a slice.
pub(crate) enum Slice {
    /// The guest waits, or wants to go on; it took this much CPU time.
    Pending(Duration),
    /// The run is over.
    Ended(Box<End>),
}

impl Task {
    /// Runs one slice on this thread.
    pub(crate) fn slice(&mut self, ticker: &Ticker, waker: &Waker) -> Slice {
        let mut cx = Context::from_waker(waker);
        let under_way = ticker.slice();
        let stretch = Stretch::begin();
        let polled = catch_unwind(AssertUnwindSafe(|| self.step(&mut cx)));
        let polled = match polled {
            Ok(Poll::Pending) => None,
            // The guest is dropped before its time is read, so that its teardown is its own.
            Ok(Poll::Ready(ended)) => Some(catch_unwind(AssertUnwindSafe(|| self.phase = Phase::Over)).map(|()| ended)),
            Err(panic) => {
                // What a panic left behind is dropped; should that panic too, it changes nothing.
                let _ = catch_unwind(AssertUnwindSafe(|| self.phase = Phase::Over));
                Some(Err(panic))
            }
        };
        let used = stretch.used();
        drop(under_way);
        self.cpu += used.cpu;
        match polled {
            None => Slice::Pending(used.cpu),
            Some(Ok(ended)) => {
                let (outcome, answer) = ended.outcome(&self.meter);
                Slice::Ended(Box::new(self.finish(outcome, answer.into_values(), used.now)))
            }
            Some(Err(panic)) => Slice::Ended(Box::new(self.finish(panicked(&*panic), Vec::new(), used.now))),
        }
    }

    /// Goes on: waits for its module, then runs it.
    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            match &mut self.phase {
                Phase::Over => return Poll::Ready(Ended::Failed("polled after its end".into())),
                Phase::Running(guest) => return guest.poll_slice(cx),
                Phase::Compiling { module, .. } => {
                    let loaded = match std::task::ready!(Pin::new(module).poll(cx)) {
                        Ok(Ok(loaded)) => loaded,
                        Ok(Err(rejection)) => return Poll::Ready(Ended::Refused(rejection)),
                        Err(_) => return Poll::Ready(Ended::Failed("the compiler panicked, or had no thread".into())),
                    };
                    self.compile_time = Some(loaded.compile_time);
                    if let Phase::Compiling { host, call, .. } = std::mem::replace(&mut self.phase, Phase::Over) {
                        self.phase = Phase::Running(loaded.program.guest(*host, Arc::clone(&self.meter), call));
                    }
                }
            }
        }
    }

    /// Removes what the run leaves on disk, and tells whoever listens.
    pub(crate) fn close(&mut self, end: &End, listener: Option<&Listener>) {
        self.scratch = None;
        if let Some(listener) = listener {
            listener(&Event::Ended {
                run: self.id,
                module: Some(self.digest),
                outcome: end.outcome.clone(),
                violations: end.violations.clone(),
            });
        }
    }

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

    /// The end of this run.
    pub(crate) fn finish(&self, outcome: Outcome, results: Vec<ambit_core::ResultValue>, now: Instant) -> End {
        let mut usage = self.meter.usage();
        usage.wall_ns = Some(nanos(now.saturating_duration_since(self.started)));
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

/// The outcome of a run in which the host panicked.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Outcome {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Outcome::Lost { reason: format!("the host panicked: {}", escape(message.unwrap_or("no message"), 512)) }
}
