//! A core: one thread that polls guests slice by slice.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use ambit_core::{Event, Outcome, RunId};
use tokio::time::Sleep;

use crate::{
    finished::End,
    task::{Phase, Slice, Task, TaskWaker, panicked},
    ticker::Ticker,
};

/// How long the core goes from slice to slice before it looks at timers and descriptors.
const STRETCH: Duration = Duration::from_millis(1);

/// What others tell a core.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<InboxState>,
    /// Runs that the core has and has not ended.
    pub(crate) load: AtomicUsize,
}

#[derive(Default)]
struct InboxState {
    messages: VecDeque<Message>,
    core: Option<Waker>,
}

enum Message {
    Start(Box<Task>),
    Wake(RunId),
    Cancel(RunId, String),
    Stop,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: Message) {
        let mut state = self.state();
        state.messages.push_back(message);
        let core = state.core.take();
        drop(state);
        if let Some(core) = core {
            core.wake();
        }
    }

    pub(crate) fn start(&self, task: Task) {
        self.load.fetch_add(1, Relaxed);
        self.send(Message::Start(Box::new(task)));
    }

    pub(crate) fn wake(&self, id: RunId) {
        self.send(Message::Wake(id));
    }

    pub(crate) fn cancel(&self, id: RunId, by: String) {
        self.send(Message::Cancel(id, by));
    }

    pub(crate) fn stop(&self) {
        self.send(Message::Stop);
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

/// Whoever listens to events.
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// A core: the future that its thread runs. It ends when it is told to stop; what still runs then is cancelled.
pub(crate) struct Core {
    inbox: Arc<Inbox>,
    ticker: Arc<Ticker>,
    listener: Option<Listener>,
    tasks: HashMap<RunId, Task>,
    /// Who wants to run, in order.
    ready: VecDeque<RunId>,
    /// When somebody's time is up: the first to look at, and the first to go.
    deadlines: BTreeSet<(Instant, RunId)>,
    /// Who has used up its share and may run again when.
    throttled: BTreeSet<(Instant, RunId)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Core {
    pub(crate) fn new(inbox: Arc<Inbox>, ticker: Arc<Ticker>, listener: Option<Listener>) -> Self {
        Self {
            inbox,
            ticker,
            listener,
            tasks: HashMap::new(),
            ready: VecDeque::new(),
            deadlines: BTreeSet::new(),
            throttled: BTreeSet::new(),
            timer: None,
        }
    }

    /// Takes what was sent. Gives back whether to stop.
    fn receive(&mut self, core: &Waker) -> bool {
        let messages = {
            let mut state = self.inbox.state();
            if state.messages.is_empty() {
                state.core = Some(core.clone());
                return false;
            }
            std::mem::take(&mut state.messages)
        };
        for message in messages {
            match message {
                Message::Start(task) => self.add(*task),
                // Woken while its share is used up, it waits until that has refilled.
                Message::Wake(id) if self.tasks.get(&id).is_some_and(|task| task.throttled) => {}
                Message::Wake(id) => self.ready.push_back(id),
                Message::Cancel(id, by) => self.end(id, |_| Outcome::Cancelled { by }),
                Message::Stop => return true,
            }
        }
        false
    }

    fn add(&mut self, mut task: Task) {
        let waker = Arc::new(TaskWaker { id: task.id, inbox: Arc::clone(&self.inbox), queued: true.into() });
        task.waker = Some((Arc::clone(&waker), waker.into()));
        if let Some(deadline) = task.deadline {
            self.deadlines.insert((deadline, task.id));
        }
        self.ready.push_back(task.id);
        self.tasks.insert(task.id, task);
    }

    /// Ends those whose time is up, and lets those run again whose share has refilled.
    fn expire(&mut self, now: Instant) {
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= now
        {
            self.end(id, Task::over_wall);
        }
        while let Some(&(again, id)) = self.throttled.first()
            && again <= now
        {
            self.throttled.pop_first();
            if let Some(task) = self.tasks.get_mut(&id) {
                task.throttled = false;
                self.ready.push_back(id);
            }
        }
    }

    /// Ends a run from outside: its guest is dropped wherever it is.
    fn end(&mut self, id: RunId, outcome: impl FnOnce(&Task) -> Outcome) {
        let Some(mut task) = self.tasks.remove(&id) else { return };
        let dropped = catch_unwind(AssertUnwindSafe(|| task.phase = Phase::Over));
        // A limit that the guest had already passed comes before whoever ended it a moment later.
        let outcome = match (task.meter.fatal(), dropped) {
            (Some(excess), _) => Outcome::LimitExceeded { limit: excess.limit, allowed: excess.allowed, used: Some(excess.used) },
            (None, Err(panic)) => panicked(&*panic),
            (None, Ok(())) => outcome(&task),
        };
        let end = task.finish(outcome, Vec::new(), Instant::now());
        self.report(task, end);
    }

    fn report(&mut self, mut task: Task, end: End) {
        self.inbox.load.fetch_sub(1, Relaxed);
        if let Some(deadline) = task.deadline {
            self.deadlines.remove(&(deadline, task.id));
        }
        task.close(&end, self.listener.as_ref());
        if let Some(done) = task.done.take() {
            // Nobody may be waiting any more.
            let _ = done.send(end);
        }
    }

    /// Runs one slice of one guest.
    fn slice(&mut self, id: RunId) {
        let Some(mut task) = self.tasks.remove(&id) else { return };
        let Some((flag, waker)) = task.waker.take() else { return };
        flag.queued.store(false, SeqCst);
        let slice = task.slice(&self.ticker, &waker);
        task.waker = Some((flag, waker));
        match slice {
            Slice::Ended(end) => self.report(task, *end),
            Slice::Pending(used) => {
                if let Some(outcome) = task.over_cpu() {
                    self.tasks.insert(id, task);
                    return self.end(id, |_| outcome);
                }
                self.throttle(&mut task, used);
                self.tasks.insert(id, task);
            }
        }
    }

    /// Charges a slice to the guest's share of a core. Who has used it up stays off the queue until it has refilled, even
    /// if it is woken meanwhile.
    fn throttle(&mut self, task: &mut Task, used: Duration) {
        let Some(again) = task.bucket.charge(used, Instant::now()) else { return };
        if let Some((flag, _)) = &task.waker {
            flag.queued.store(true, SeqCst);
        }
        task.throttled = true;
        self.throttled.insert((again, task.id));
    }

    fn stop(&mut self) {
        let ids: Vec<RunId> = self.tasks.keys().copied().collect();
        for id in ids {
            self.end(id, |_| Outcome::Cancelled { by: "shutdown".into() });
        }
    }

    /// Arms the timer for whatever comes first. Gives back whether it is already time.
    fn arm(&mut self, cx: &mut Context<'_>) -> bool {
        let next = [self.deadlines.first(), self.throttled.first()].into_iter().flatten().map(|&(when, _)| when).min();
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
            if core.receive(cx.waker()) {
                core.stop();
                return Poll::Ready(());
            }
            let now = Instant::now();
            core.expire(now);
            match core.ready.pop_front() {
                Some(id) => core.slice(id),
                // Nothing came in since the inbox was looked at, or the waker left there is woken.
                None => {
                    if !core.arm(cx) && core.inbox_is_empty(cx.waker()) {
                        return Poll::Pending;
                    }
                }
            }
            if now.duration_since(began) > STRETCH {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}

impl Core {
    /// Whether there is nothing to receive; leaves the waker so that the next message wakes the core.
    fn inbox_is_empty(&self, core: &Waker) -> bool {
        let mut state = self.inbox.state();
        let empty = state.messages.is_empty();
        if empty {
            state.core = Some(core.clone());
        }
        empty
    }
}
