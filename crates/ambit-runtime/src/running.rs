//! A run that is under way.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use ambit_core::{LimitKey, Outcome, RunId, escape};
use ambit_engine::{Answer, Meter};
use tokio::sync::oneshot;

use crate::{
    finished::{End, Finished, Identity},
    scheduler::Scheduler,
    stats::RunState,
    task::{Done, Remains, nanos},
};

/// A run that is under way: cancel it, pause it, look at what it uses, wait for its end. A future of its [`Finished`].
///
/// Dropping it does not end the run.
#[derive(Debug)]
pub struct Running {
    pub(crate) identity: Identity,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) done: oneshot::Receiver<Done>,
    pub(crate) started: Instant,
}

/// Ends, pauses and looks at a run from any thread; see [`Running::control`].
#[derive(Debug, Clone)]
pub struct Control {
    id: RunId,
    scheduler: Arc<Scheduler>,
}

impl Control {
    /// Ends the run as `cancelled` by `by`, unless it has ended.
    pub fn cancel(&self, by: &str) {
        self.scheduler.cancel(self.id, escape(by, 128));
    }

    /// Keeps it from running until [`Control::resume`]. A slice under way is finished. Its deadline stays where it is, and
    /// ends it also while it is paused.
    pub fn pause(&self) {
        self.scheduler.pause(self.id);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.scheduler.resume(self.id);
    }

    /// What it is doing; `None` once it has ended.
    pub fn state(&self) -> Option<RunState> {
        self.scheduler.state_of(self.id)
    }
}

impl Running {
    /// Its number.
    pub fn id(&self) -> RunId {
        self.identity.run
    }

    /// What it has used so far.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Something that can end and pause it while this is waited for.
    pub fn control(&self) -> Control {
        Control { id: self.identity.run, scheduler: Arc::clone(&self.scheduler) }
    }

    /// Whether its module is still being compiled.
    pub fn is_compiling(&self) -> bool {
        self.state() == Some(RunState::Compiling)
    }

    /// What it is doing; `None` once it has ended.
    pub fn state(&self) -> Option<RunState> {
        self.control().state()
    }

    /// Keeps it from running until [`Running::resume`], as [`Control::pause`] does.
    pub fn pause(&self) {
        self.control().pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.control().resume();
    }

    /// What is to be said of a run that its deadline should have ended and did not, because its core's thread is inside an
    /// operation that cannot be interrupted in this process. Whoever calls this ends the process.
    pub fn overdue(self) -> Finished {
        let Self { identity, meter, started, .. } = self;
        let wall = nanos(started.elapsed());
        let allowed = identity.policy.limits.run.wall_time.ceiling();
        let mut usage = meter.usage();
        usage.wall_ns = Some(wall);
        let outcome = Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed, used: Some(wall) };
        Finished { identity, end: End { outcome, answer: Answer::default(), usage, violations: meter.violations() } }
    }

    /// Ends the run as `cancelled` by `by`, unless it has ended.
    pub fn cancel(&self, by: &str) {
        self.control().cancel(by);
    }

    /// Waits for the end, blocking the thread. Not to be called from inside async code.
    pub fn wait(self) -> Finished {
        self.wait_with_remains().0
    }

    pub(crate) fn wait_with_remains(self) -> (Finished, Option<Remains>) {
        let Self { identity, done, .. } = self;
        let Done { end, remains } = done.blocking_recv().unwrap_or_else(|_| lost());
        (Finished { identity, end }, remains)
    }

    pub(crate) fn poll_with_remains(&mut self, cx: &mut Context<'_>) -> Poll<(Finished, Option<Remains>)> {
        let Done { end, remains } = std::task::ready!(Pin::new(&mut self.done).poll(cx)).unwrap_or_else(|_| lost());
        Poll::Ready((Finished { identity: self.identity.clone(), end }, remains))
    }

    /// Waits for the end until `limit`, blocking the thread; gives the run back if it has not ended by then.
    ///
    /// # Errors
    /// The run goes on.
    #[expect(clippy::result_large_err, reason = "the run itself is given back, once in a run's life")]
    pub fn wait_until(mut self, limit: Instant) -> Result<Finished, Self> {
        let (wake, woken) = mpsc::channel();
        let waker = Arc::new(Unpark(wake)).into();
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(finished) = Pin::new(&mut self).poll(&mut cx) {
                return Ok(finished);
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left == Duration::ZERO || woken.recv_timeout(left).is_err() {
                return Err(self);
            }
        }
    }
}

struct Unpark(mpsc::Sender<()>);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        // Nobody listens any more once the wait is over.
        let _ = self.0.send(());
    }
}

impl Future for Running {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        self.poll_with_remains(cx).map(|(finished, _)| finished)
    }
}

/// The cores are gone: the runtime was dropped, or a thread died.
fn lost() -> Done {
    let end = End {
        outcome: Outcome::Lost { reason: "the runtime was shut down before the run ended".into() },
        answer: Answer::default(),
        usage: ambit_core::Usage::default(),
        violations: Vec::new(),
    };
    Done { end, remains: None }
}
