//! A core: one thread that polls guests slice by slice.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use ambit_core::{Outcome, RejectReason, Rejection};
use ambit_engine::Answer;
use tokio::time::Sleep;

use crate::{
    cpu_clock::Stretch,
    finished::End,
    scheduler::{Doom, Scheduler, Why, Work},
    task::{self, Phase, Slice, Task, panicked},
    ticker::Ticker,
};

/// How long a core goes from slice to slice before it looks at timers and descriptors. Below a slice: it looks after each
/// full one.
const STRETCH: Duration = Duration::from_micros(500);

/// A core: the future that its thread runs. It ends when the runtime is over.
pub(crate) struct Core {
    number: usize,
    scheduler: Arc<Scheduler>,
    ticker: Arc<Ticker>,
    timer: Option<Pin<Box<Sleep>>>,
    /// It has not waited since its last slice. What it does between two slices is billed to the second, as what it takes to
    /// get there.
    went_on: bool,
}

impl Core {
    pub(crate) fn new(number: usize, scheduler: Arc<Scheduler>, ticker: Arc<Ticker>) -> Self {
        Self { number, scheduler, ticker, timer: None, went_on: false }
    }

    /// Runs one slice of one guest.
    fn slice(&mut self, mut task: Box<Task>) {
        let id = task.id;
        let waker = task.waker.get_or_insert_with(|| task::waker(id, &self.scheduler)).clone();
        self.scheduler.counters.slices.fetch_add(1, Relaxed);
        let stretch = if std::mem::replace(&mut self.went_on, true) { Stretch::go_on() } else { Stretch::begin() };
        match task.slice(&self.ticker, &waker, &stretch) {
            Slice::Ended(end, used) => {
                self.scheduler.ended(&task, used.cpu, used.now);
                self.close(task, *end);
            }
            Slice::Pending(used) => match task.over_cpu() {
                Some(outcome) => {
                    self.scheduler.ended(&task, used.cpu, used.now);
                    self.end(task, used.now, |_| outcome);
                }
                None => {
                    if let Some((task, doom)) = self.scheduler.put(task, used.cpu, used.now) {
                        self.doom(task, doom);
                    }
                }
            },
        }
    }

    fn doom(&self, mut task: Box<Task>, Doom { why, due }: Doom) {
        if matches!(why, Why::Queue) {
            // It never ran: a kept instance is what it was.
            task.leave();
        }
        self.end(task, due, |task| match why {
            Why::Deadline => task.over_wall(),
            Why::Queue => Outcome::Rejected(Rejection::new(
                RejectReason::Overloaded,
                format!("no room was made for the run within {:?}", task.queue_until.saturating_duration_since(task.started)),
            )),
            Why::Cancelled(by) => Outcome::Cancelled { by },
        });
    }

    /// Ends a run from outside: its guest is dropped wherever it is.
    fn end(&self, mut task: Box<Task>, due: Instant, outcome: impl FnOnce(&Task) -> Outcome) {
        let stretch = Stretch::begin();
        let dropped = catch_unwind(AssertUnwindSafe(|| task.phase = Phase::Over));
        let used = stretch.used();
        task.cpu += used.cpu;
        self.scheduler.charge(&task.tenant, used.cpu);
        // A limit that the guest had already passed comes before whoever ended it a moment later.
        let outcome = match (task.meter.fatal(), dropped) {
            (Some(excess), _) => Outcome::LimitExceeded { limit: excess.limit, allowed: excess.allowed, used: Some(excess.used) },
            (None, Err(panic)) => panicked(&*panic),
            (None, Ok(())) => outcome(&task),
        };
        let end = task.finish(outcome, Answer::default(), used.now);
        self.scheduler.counters.kill_latency.record(used.now.saturating_duration_since(due));
        self.close(task, end);
    }

    /// The last of a run. What it takes, removing files above all, is its tenant's; and nothing of an embedder's that is called
    /// here may end the core.
    fn close(&self, task: Box<Task>, end: End) {
        let (stretch, tenant) = (Stretch::begin(), Arc::clone(&task.tenant));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task.close(end, &self.scheduler))) {
            tracing::error!("the end of a run panicked: {}", task::message_of(&*panic));
        }
        self.scheduler.charge(&tenant, stretch.used().cpu);
    }

    /// Arms the timer. Gives back whether it is already time.
    fn arm(&mut self, next: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(next) = next else {
            self.timer = None;
            return false;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next.into())));
        if timer.deadline().into_std() != next {
            timer.as_mut().reset(next.into());
        }
        timer.as_mut().poll(cx).is_ready()
    }
}

impl Future for Core {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let core = self.get_mut();
        let began = Instant::now();
        loop {
            match core.scheduler.next(core.number, cx.waker()) {
                Work::Run(task) => core.slice(task),
                Work::End(task, doom) => core.doom(task, doom),
                Work::Wait(until) => {
                    core.went_on = false;
                    if !core.arm(until, cx) {
                        return Poll::Pending;
                    }
                }
                Work::Stop => return Poll::Ready(()),
            }
            if began.elapsed() > STRETCH {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}
