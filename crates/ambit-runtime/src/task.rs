//! One run, as its core sees it.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use ambit_core::{Bound, Digest, Event, LimitKey, Outcome, Policy, Rejection, RunId, escape};
use ambit_engine::{Answer, Call, Ended, Guest, Meter, host::HostSpec};
use tokio::sync::oneshot;

use crate::{
    bucket::Bucket,
    cpu_clock::{Stretch, Used},
    finished::End,
    gate::{Asks, Permit},
    module::LoadedModule,
    scheduler::Scheduler,
    scratch::Scratch,
    tenant::TenantShared,
    ticker::Ticker,
};

/// What a run does next.
pub(crate) enum Phase {
    /// Its module is being compiled on another thread.
    Compiling {
        module: oneshot::Receiver<Result<Arc<LoadedModule>, Rejection>>,
        host: Box<HostSpec>,
        /// `None` for an instance that is to be kept.
        call: Option<Call>,
        /// Tells that it was compiled.
        scheduler: Arc<Scheduler>,
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
    pub(crate) tenant: Arc<TenantShared>,
    /// The room it takes.
    pub(crate) asks: Asks,
    /// Given back when it has ended, before anybody hears of that.
    pub(crate) permit: Option<Permit>,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<Instant>,
    /// Until when it waits to be admitted.
    pub(crate) queue_until: Instant,
    pub(crate) cpu: Duration,
    pub(crate) bucket: Bucket,
    /// When its share of a core has refilled, if it has used that up.
    pub(crate) refill: Option<Instant>,
    pub(crate) compile_time: Option<Duration>,
    /// Removed from disk when the run is over.
    pub(crate) scratch: Option<Scratch>,
    /// Made by the core that first runs it.
    pub(crate) waker: Option<Waker>,
    pub(crate) done: Option<oneshot::Sender<Done>>,
    /// Whether its guest is kept if it returns.
    pub(crate) keep: bool,
    /// The guest that is kept.
    pub(crate) kept: Option<Box<dyn Guest>>,
    /// The room that a kept guest's memory takes, which goes where the guest goes.
    pub(crate) held: Option<Permit>,
}

/// What whoever waits for a run gets.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) end: End,
    pub(crate) remains: Option<Remains>,
}

/// What is left of a run whose guest is kept.
pub(crate) struct Remains {
    pub(crate) guest: Box<dyn Guest>,
    /// Its memory's room, given back with it.
    pub(crate) permit: Option<Permit>,
    /// Removed from disk with it.
    pub(crate) scratch: Option<Scratch>,
    /// Its share of a core, which it has over all its calls.
    pub(crate) bucket: Bucket,
}

impl std::fmt::Debug for Remains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remains")
    }
}

/// What came of a slice.
pub(crate) enum Slice {
    /// The guest waits, or wants to go on; it took this much CPU time.
    Pending(Used),
    /// The run is over.
    Ended(Box<End>, Used),
}

impl Task {
    /// Runs one slice on this thread. `stretch` is what it is billed.
    pub(crate) fn slice(&mut self, ticker: &Ticker, waker: &Waker, stretch: &Stretch) -> Slice {
        let mut cx = Context::from_waker(waker);
        let under_way = ticker.slice();
        let polled = catch_unwind(AssertUnwindSafe(|| self.step(&mut cx)));
        let polled = match polled {
            Ok(Poll::Pending) => None,
            // The guest is dropped before its time is read, so that its teardown is its own.
            Ok(Poll::Ready(ended)) => Some(catch_unwind(AssertUnwindSafe(|| self.leave())).map(|()| ended)),
            Err(panic) => {
                // What a panic left behind is dropped; should that panic too, it changes nothing.
                let _ = catch_unwind(AssertUnwindSafe(|| self.phase = Phase::Over));
                Some(Err(panic))
            }
        };
        let used = stretch.used();
        drop(under_way);
        self.cpu += used.cpu;
        let (outcome, answer) = match polled {
            None => return Slice::Pending(used),
            Some(Ok(ended)) => ended.outcome(&self.meter),
            Some(Err(panic)) => (panicked(&*panic), Answer::default()),
        };
        Slice::Ended(Box::new(self.finish(outcome, answer, used.now)), used)
    }

    /// The guest has ended, or does not begin: it is kept or dropped.
    pub(crate) fn leave(&mut self) {
        if let Phase::Running(mut guest) = std::mem::replace(&mut self.phase, Phase::Over)
            && self.keep
            && guest.kept().is_some()
        {
            self.kept = Some(guest);
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
                    if let Phase::Compiling { host, call, scheduler, .. } = std::mem::replace(&mut self.phase, Phase::Over) {
                        // Before anything of it runs.
                        scheduler.herald.tell(|| Event::Compiled { run: self.id });
                        let meter = Arc::clone(&self.meter);
                        self.phase = Phase::Running(loaded.guest(*host, meter, call));
                    }
                }
            }
        }
    }

    /// Whether it waits for its module.
    pub(crate) fn is_compiling(&self) -> bool {
        matches!(self.phase, Phase::Compiling { .. })
    }

    /// The last of a run whose end somebody waits for.
    pub(crate) fn close(mut self: Box<Self>, end: End, scheduler: &Scheduler) {
        let sender = self.done.take();
        let done = self.close_here(end, scheduler);
        if let Some(sender) = sender {
            // Nobody may be waiting any more.
            let _ = sender.send(done);
        }
    }

    /// The last of a run: removes what it leaves on disk, makes room for others, and tells whoever listens.
    pub(crate) fn close_here(mut self: Box<Self>, end: End, scheduler: &Scheduler) -> Done {
        let remains = self.remains();
        (self.permit, self.held, self.scratch) = (None, None, None);
        scheduler.counters.count_end(&end.outcome);
        self.tenant.ended.fetch_add(1, Relaxed);
        scheduler.herald.tell(|| Event::Ended {
            run: self.id,
            module: Some(self.digest),
            outcome: end.outcome.clone(),
            violations: end.violations.clone(),
        });
        Done { end, remains }
    }

    /// The guest that is kept, if one is, with what belongs to it.
    pub(crate) fn remains(&mut self) -> Option<Remains> {
        let guest = self.kept.take()?;
        let held = self.held.take();
        let permit = held.or_else(|| self.permit.take().map(Permit::between_runs));
        Some(Remains { guest, permit, scratch: self.scratch.take(), bucket: self.bucket })
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
    pub(crate) fn finish(&self, outcome: Outcome, answer: Answer, now: Instant) -> End {
        let mut usage = self.meter.usage();
        usage.wall_ns = Some(nanos(now.saturating_duration_since(self.started)));
        usage.cpu_ns = Some(nanos(self.cpu));
        usage.compile_ns = self.compile_time.map(nanos);
        End { outcome, answer, usage, violations: self.meter.violations() }
    }
}

fn limit(limit: LimitKey, allowed: Duration, used: Duration) -> Outcome {
    Outcome::LimitExceeded { limit, allowed: nanos(allowed), used: Some(nanos(used)) }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Puts a run on the queue when what it waits for is there.
pub(crate) fn waker(id: RunId, scheduler: &Arc<Scheduler>) -> Waker {
    Arc::new(TaskWaker { id, scheduler: Arc::downgrade(scheduler) }).into()
}

struct TaskWaker {
    id: RunId,
    scheduler: Weak<Scheduler>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(scheduler) = self.scheduler.upgrade() {
            scheduler.wake(self.id);
        }
    }
}

/// The outcome of a run in which the host panicked.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Outcome {
    Outcome::Lost { reason: format!("the host panicked: {}", message_of(panic)) }
}

/// What a panic says; escaped and capped.
pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    escape(message.unwrap_or("no message"), 512)
}
