//! Who runs next: what the cores share.
//!
//! One lock guards it all. It is held for well under a microsecond per slice of a millisecond, and no guest is polled,
//! dropped or reported while it is held.

mod admission;
mod snapshot;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::Waker,
    time::{Duration, Instant},
};

use ambit_core::RunId;

use crate::{
    fair::FairQueue,
    gate::Gate,
    herald::Herald,
    seat::{Hold, Put, Seat},
    stats::{Counters, RunState},
    task::Task,
    tenant::{Tenant, TenantConfig, TenantShared},
};

/// Why a run is ended from outside, and since when that is due.
#[derive(Debug, Clone)]
pub(crate) struct Doom {
    pub(crate) why: Why,
    pub(crate) due: Instant,
}

#[derive(Debug, Clone)]
pub(crate) enum Why {
    /// Its deadline has passed.
    Deadline,
    /// It has waited too long to be admitted.
    Queue,
    /// Somebody wants it.
    Cancelled(String),
}

/// Something that is to happen at a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Deadline(RunId),
    Queue(RunId),
    /// A guest's share of a core has refilled.
    Refill(RunId),
    /// A tenant's has.
    RefillLane(usize),
}

/// What a core does next.
pub(crate) enum Work {
    /// Run a slice.
    Run(Box<Task>),
    /// End a run.
    End(Box<Task>, Doom),
    /// Wait, at most until then.
    Wait(Option<Instant>),
    /// The runtime is over.
    Stop,
}

/// What the cores of a runtime share.
pub(crate) struct Scheduler {
    state: Mutex<State>,
    pub(crate) gate: Gate,
    pub(crate) counters: Counters,
    pub(crate) herald: Herald,
    cores: usize,
    /// Runs that are in the queue or on a core.
    busy: AtomicUsize,
    /// Runs whose first slices run on the threads of those who asked for them.
    inline: AtomicUsize,
}

struct State {
    seats: HashMap<RunId, Seat<Box<Task>, Doom>>,
    queue: FairQueue,
    timers: BTreeSet<(Instant, Timer)>,
    /// Runs to be ended, before anybody runs.
    doomed: VecDeque<(Box<Task>, Doom)>,
    /// Runs that wait to be admitted, by tenant, in order of arrival.
    waiting: BTreeMap<usize, VecDeque<RunId>>,
    /// Runs that are on a core.
    away: usize,
    /// Cores that wait, by number.
    idle: Vec<(usize, Waker)>,
    tenants: Vec<std::sync::Weak<TenantShared>>,
    stopping: bool,
}

impl Scheduler {
    pub(crate) fn new(cores: usize, slice: Duration, gate: Gate, herald: Herald) -> Self {
        let state = State {
            seats: HashMap::new(),
            queue: FairQueue::new(slice),
            timers: BTreeSet::new(),
            doomed: VecDeque::new(),
            waiting: BTreeMap::new(),
            away: 0,
            idle: Vec::new(),
            tenants: Vec::new(),
            stopping: false,
        };
        Self {
            state: Mutex::new(state),
            gate,
            counters: Counters::default(),
            herald,
            cores,
            busy: AtomicUsize::new(0),
            inline: AtomicUsize::new(0),
        }
    }

    /// Does something under the lock, then wakes as many idle cores as have something to do.
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = state.timers.first().copied();
        let result = act(&mut state);
        let work = state.queue.runnable() + state.doomed.len();
        self.busy.store(work + state.away, Relaxed);
        let over = state.stopping && state.seats.is_empty();
        // A core that sleeps does so until the timer that was the first when it went to sleep.
        let sooner = state.timers.first().is_some_and(|timer| first.is_none_or(|first| *timer < first));
        let woken = if over { state.idle.len() } else { work.max(usize::from(sooner)).min(state.idle.len()) };
        if woken == 0 {
            return result;
        }
        let at = state.idle.len() - woken;
        let cores = state.idle.split_off(at);
        drop(state);
        cores.into_iter().for_each(|(_, core)| core.wake());
        result
    }

    /// A place among those who share the cores.
    pub(crate) fn tenant(self: &Arc<Self>, config: TenantConfig) -> Tenant {
        self.with(|state| {
            let lane = state.queue.add(config.weight, config.cpus, Instant::now());
            let tenant = Arc::new(TenantShared::new(config, lane, Arc::downgrade(self)));
            state.tenants.resize_with(state.tenants.len().max(lane + 1), std::sync::Weak::new);
            state.tenants[lane] = Arc::downgrade(&tenant);
            Tenant(tenant)
        })
    }

    pub(crate) fn forget_tenant(&self, lane: usize) {
        self.with(|state| {
            state.queue.remove(lane);
            state.timers.retain(|&(_, timer)| timer != Timer::RefillLane(lane));
        });
    }

    /// Takes a run over. It waits to be admitted if it has no permit yet.
    ///
    /// # Errors
    /// The queue of those is full, or the runtime is over: the run is given back.
    pub(crate) fn start(self: &Arc<Self>, mut task: Box<Task>, queue: usize) -> Result<(), (Box<Task>, Refused)> {
        self.with(|state| {
            if state.stopping {
                return Err((task, Refused::Stopping));
            }
            let id = task.id;
            let admitted = task.permit.is_some();
            let lane = task.tenant.lane;
            if !admitted && state.waiting.get(&lane).map_or(0, VecDeque::len) >= queue {
                return Err((task, Refused::Full));
            }
            if let Some(deadline) = task.deadline {
                state.timers.insert((deadline, Timer::Deadline(id)));
            }
            if !admitted {
                state.timers.insert((task.queue_until, Timer::Queue(id)));
            }
            // A guest that was called before may have used up its share.
            let again = task.bucket.charge(Duration::ZERO, Instant::now());
            task.refill = again;
            let mut seat = Seat::new(task);
            if let Some(again) = again {
                seat.hold(Hold::Throttled);
                state.timers.insert((again, Timer::Refill(id)));
            }
            if admitted {
                let queue = seat.queue();
                state.seats.insert(id, seat);
                if queue {
                    state.push(id, lane);
                }
            } else {
                seat.hold(Hold::Unadmitted);
                state.seats.insert(id, seat);
                state.waiting.entry(lane).or_default().push_back(id);
                // Said before looking for room, so that whoever makes room sees one that waits, or this one sees the room.
                self.gate.waiting.fetch_add(1, SeqCst);
                self.admit_waiting(state);
            }
            Ok(())
        })
    }

    /// What a core does next. If nothing, it is woken when there is something.
    pub(crate) fn next(self: &Arc<Self>, core: usize, waker: &Waker) -> Work {
        self.with(|state| {
            let now = Instant::now();
            state.idle.retain(|&(other, _)| other != core);
            self.expire(state, now);
            if let Some((task, doom)) = state.doomed.pop_front() {
                return Work::End(task, doom);
            }
            while let Some((lane, id)) = state.queue.pop() {
                let Some(task) = state.seats.get_mut(&id).and_then(Seat::take) else {
                    // It was ended or paused while it was in the queue: its tenant is not charged the slice that nobody had.
                    state.queue.settle(lane, Duration::ZERO, now);
                    continue;
                };
                state.away += 1;
                return Work::Run(task);
            }
            if state.stopping && state.seats.is_empty() {
                return Work::Stop;
            }
            state.idle.push((core, waker.clone()));
            Work::Wait(state.timers.first().map(|&(when, _)| when))
        })
    }

    /// Dooms those whose time is up, and lets those run again whose share has refilled.
    fn expire(self: &Arc<Self>, state: &mut State, now: Instant) {
        let waiting = self.gate.waiting.load(Relaxed);
        while let Some(&(due, timer)) = state.timers.first()
            && due <= now
        {
            state.timers.pop_first();
            match timer {
                Timer::Deadline(id) => self.doom(state, id, Doom { why: Why::Deadline, due }),
                Timer::Queue(id) => self.doom(state, id, Doom { why: Why::Queue, due }),
                Timer::Refill(id) => {
                    let Some(seat) = state.seats.get_mut(&id) else { continue };
                    let queue = seat.release(Hold::Throttled);
                    if let (true, Some(lane)) = (queue, seat.task().map(|task| task.tenant.lane)) {
                        state.push(id, lane);
                    }
                }
                Timer::RefillLane(lane) => {
                    if let Some(again) = state.queue.refill(lane, now) {
                        state.timers.insert((again, timer));
                    }
                }
            }
        }
        self.admit_after(state, waiting);
    }

    fn doom(self: &Arc<Self>, state: &mut State, id: RunId, doom: Doom) {
        let Some(seat) = state.seats.get_mut(&id) else { return };
        if let Some((task, doom)) = seat.end(doom) {
            state.remove(&task);
            if task.permit.is_none() {
                self.no_longer_waits(state, id, task.tenant.lane);
            }
            state.doomed.push_back((task, doom));
        }
    }

    /// Takes a run back after a slice that took `used`. Gives it back with the reason if it was ended meanwhile.
    pub(crate) fn put(&self, mut task: Box<Task>, used: Duration, now: Instant) -> Option<(Box<Task>, Doom)> {
        self.with(|state| {
            state.away -= 1;
            let (id, lane) = (task.id, task.tenant.lane);
            state.settle(&task.tenant, used, now);
            let again = task.bucket.charge(used, now);
            if let Some(again) = again {
                task.refill = Some(again);
                state.timers.insert((again, Timer::Refill(id)));
            }
            let Some(seat) = state.seats.get_mut(&id) else {
                // Only the core that has a run removes its seat. Ended, rather than dropped under the lock.
                return Some((task, Doom { why: Why::Cancelled("shutdown".into()), due: now }));
            };
            if again.is_some() {
                seat.hold(Hold::Throttled);
            }
            match seat.put(task) {
                Put::Seated { queue: true } => state.push(id, lane),
                Put::Seated { queue: false } => {}
                Put::Doomed(task, doom) => {
                    state.remove(&task);
                    return Some((task, doom));
                }
            }
            None
        })
    }

    /// A run has ended of itself, in a slice that took `used`.
    pub(crate) fn ended(&self, task: &Task, used: Duration, now: Instant) {
        self.with(|state| {
            state.away -= 1;
            state.settle(&task.tenant, used, now);
            state.remove(task);
        });
    }

    /// Charges a tenant for what ending one of its runs took.
    pub(crate) fn charge(&self, tenant: &TenantShared, used: Duration) {
        tenant.note_uncharged(crate::task::nanos(used));
    }

    /// Something that a run waits for is there.
    pub(crate) fn wake(&self, id: RunId) {
        self.with(|state| {
            let Some(seat) = state.seats.get_mut(&id) else { return };
            if seat.wake()
                && let Some(lane) = seat.task().map(|task| task.tenant.lane)
            {
                state.push(id, lane);
            }
        });
    }

    /// Ends a run from outside.
    pub(crate) fn cancel(self: &Arc<Self>, id: RunId, by: String) {
        let due = Instant::now();
        self.with(|state| {
            let waiting = self.gate.waiting.load(Relaxed);
            self.doom(state, id, Doom { why: Why::Cancelled(by), due });
            self.admit_after(state, waiting);
        });
    }

    /// Keeps a run from being picked. A slice under way is finished.
    pub(crate) fn pause(&self, id: RunId) {
        self.with(|state| {
            if let Some(seat) = state.seats.get_mut(&id) {
                seat.hold(Hold::Paused);
            }
        });
    }

    /// Lets a run be picked again.
    pub(crate) fn resume(&self, id: RunId) {
        self.with(|state| {
            let Some(seat) = state.seats.get_mut(&id) else { return };
            if seat.release(Hold::Paused)
                && let Some(lane) = seat.task().map(|task| task.tenant.lane)
            {
                state.push(id, lane);
            }
        });
    }

    /// What a run is doing; `None` if it has ended.
    pub(crate) fn state_of(&self, id: RunId) -> Option<RunState> {
        self.with(|state| state.seats.get(&id).map(|seat| state.state_of(seat)))
    }

    /// Cancels everything; the cores stop when it has ended.
    pub(crate) fn stop(self: &Arc<Self>) {
        self.with(|state| {
            state.stopping = true;
            let ids: Vec<RunId> = state.seats.keys().copied().collect();
            let doom = Doom { why: Why::Cancelled("shutdown".into()), due: Instant::now() };
            ids.into_iter().for_each(|id| self.doom(state, id, doom.clone()));
        });
    }

    /// Whether a first slice may run on the thread of whoever asked for the run: if there is a core to spare, and nobody
    /// waits for one.
    pub(crate) fn inline(&self) -> Option<Inline<'_>> {
        let before = self.inline.fetch_add(1, SeqCst);
        let turn = Inline(self);
        (before + self.busy.load(Relaxed) < self.cores && !self.gate.short.load(Relaxed)).then_some(turn)
    }

    /// Whether somebody waits for a core while first slices run elsewhere.
    pub(crate) fn is_wanted(&self) -> bool {
        self.busy.load(Relaxed) > 0 || self.gate.short.load(Relaxed)
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("cores", &self.cores).field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl State {
    fn push(&mut self, id: RunId, lane: usize) {
        if let Some(task) = self.seats.get(&id).and_then(Seat::task) {
            let more = task.tenant.take_uncharged();
            if more > 0 {
                self.charge_lane(lane, Duration::from_nanos(more));
            }
        }
        self.queue.push(lane, id);
    }

    fn charge_lane(&mut self, lane: usize, used: Duration) {
        let throttled = self.queue.is_throttled(lane);
        if let Some(again) = self.queue.charge_more(lane, used, Instant::now())
            && !throttled
        {
            self.timers.insert((again, Timer::RefillLane(lane)));
        }
    }

    /// Charges a tenant what a slice really took.
    fn settle(&mut self, tenant: &TenantShared, used: Duration, now: Instant) {
        tenant.note_cpu(crate::task::nanos(used));
        let throttled = self.queue.is_throttled(tenant.lane);
        if let Some(again) = self.queue.settle(tenant.lane, used, now)
            && !throttled
        {
            self.timers.insert((again, Timer::RefillLane(tenant.lane)));
        }
    }

    /// Forgets a run that a core or the caller has.
    fn remove(&mut self, task: &Task) {
        self.seats.remove(&task.id);
        if let Some(deadline) = task.deadline {
            self.timers.remove(&(deadline, Timer::Deadline(task.id)));
        }
        if let Some(refill) = task.refill {
            self.timers.remove(&(refill, Timer::Refill(task.id)));
        }
        self.timers.remove(&(task.queue_until, Timer::Queue(task.id)));
    }
}

/// Why a run was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// As many wait as may.
    Full,
    /// The runtime is being dropped.
    Stopping,
}

/// Leave to run a first slice on one's own thread; ends when dropped.
pub(crate) struct Inline<'a>(&'a Scheduler);

impl Drop for Inline<'_> {
    fn drop(&mut self) {
        self.0.inline.fetch_sub(1, SeqCst);
    }
}
