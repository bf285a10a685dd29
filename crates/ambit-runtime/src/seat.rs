//! Where a run is: with the scheduler, or away on a core. The state machine that gives each run exactly one end.
//!
//! ```text
//!              take                        put, and it was ended meanwhile
//!   Here ─────────────────► Away ─────────────────────────────────────────► its core ends it
//!    │ ▲                     │ │
//!    │ └─────────put─────────┘ └── it ended of itself: its core removes the seat
//!    └── end: whoever ends it takes it out
//! ```
//! It holds no lock and knows no clock, so that a model checker can try every order of events (`tests/loom`).

/// A reason for which a run is not to be picked, though it may want to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Somebody paused it.
    Paused,
    /// It has used up its share of a core.
    Throttled,
    /// It waits to be admitted.
    Unadmitted,
}

/// A set of [`Hold`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Holds {
    paused: bool,
    throttled: bool,
    unadmitted: bool,
}

impl Holds {
    fn slot(&mut self, hold: Hold) -> &mut bool {
        match hold {
            Hold::Paused => &mut self.paused,
            Hold::Throttled => &mut self.throttled,
            Hold::Unadmitted => &mut self.unadmitted,
        }
    }

    pub(crate) fn contains(mut self, hold: Hold) -> bool {
        *self.slot(hold)
    }

    fn any(self) -> bool {
        self.paused || self.throttled || self.unadmitted
    }
}

/// One run's place. `T` is the run, `O` is why it is ended from outside.
#[derive(Debug)]
pub(crate) struct Seat<T, O> {
    task: Option<T>,
    holds: Holds,
    /// It has something to do.
    wants: bool,
    /// It is in the queue of those that may run.
    queued: bool,
    /// It was ended while it was away.
    doom: Option<O>,
}

/// What becomes of a run that a core puts back.
#[derive(Debug)]
pub(crate) enum Put<T, O> {
    /// It is here again. Queue it if so told.
    Seated {
        /// Whether it is to be queued.
        queue: bool,
    },
    /// It was ended meanwhile: the core that had it ends it.
    Doomed(T, O),
}

impl<T, O> Seat<T, O> {
    /// A run that wants to run, once nothing holds it any more.
    pub(crate) fn new(task: T) -> Self {
        Self { task: Some(task), holds: Holds::default(), wants: true, queued: false, doom: None }
    }

    /// Whether it is to be queued now; if so, it counts as queued.
    pub(crate) fn queue(&mut self) -> bool {
        let queue = self.wants && self.task.is_some() && !self.holds.any() && !self.queued;
        self.queued |= queue;
        queue
    }

    /// It has something to do. Gives back whether to queue it.
    pub(crate) fn wake(&mut self) -> bool {
        self.wants = true;
        self.queue()
    }

    /// A core takes it from the queue. `None` if it is held meanwhile, or away.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.queued = false;
        if self.holds.any() {
            return None;
        }
        let task = self.task.take()?;
        self.wants = false;
        Some(task)
    }

    /// A core brings it back after a slice.
    pub(crate) fn put(&mut self, task: T) -> Put<T, O> {
        if let Some(doom) = self.doom.take() {
            return Put::Doomed(task, doom);
        }
        self.task = Some(task);
        Put::Seated { queue: self.queue() }
    }

    /// Ends it from outside. Whoever gets the run has to end it; if it is away, the core that has it will, and the first
    /// reason counts.
    pub(crate) fn end(&mut self, why: O) -> Option<(T, O)> {
        match self.task.take() {
            Some(task) => Some((task, why)),
            None => {
                self.doom.get_or_insert(why);
                None
            }
        }
    }

    /// Keeps it from being picked.
    pub(crate) fn hold(&mut self, hold: Hold) {
        *self.holds.slot(hold) = true;
    }

    /// Lets it be picked again, as far as this reason goes. Gives back whether to queue it.
    pub(crate) fn release(&mut self, hold: Hold) -> bool {
        *self.holds.slot(hold) = false;
        self.queue()
    }

    /// What keeps it from being picked.
    pub(crate) fn holds(&self) -> Holds {
        self.holds
    }

    /// The run, unless it is away.
    pub(crate) fn task(&self) -> Option<&T> {
        self.task.as_ref()
    }

    /// The run, unless it is away.
    pub(crate) fn task_mut(&mut self) -> Option<&mut T> {
        self.task.as_mut()
    }

    /// Whether it is in the queue.
    pub(crate) fn is_queued(&self) -> bool {
        self.queued
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_not_queued_and_who_is_woken_is_queued_once() {
        let mut seat = Seat::<_, ()>::new("run");
        assert!(seat.queue() && !seat.queue());
        assert_eq!(seat.take(), Some("run"));
        assert!(!seat.wake(), "it is away, and is queued when it is put back");
        assert!(matches!(seat.put("run"), Put::Seated { queue: true }));
        assert_eq!(seat.take(), Some("run"));
        assert!(matches!(seat.put("run"), Put::Seated { queue: false }), "it waits");
        assert!(seat.wake() && !seat.wake());
    }

    #[test]
    fn every_hold_must_be_released() {
        let mut seat = Seat::<_, ()>::new("run");
        seat.hold(Hold::Paused);
        seat.hold(Hold::Throttled);
        assert!(!seat.wake() && !seat.release(Hold::Paused));
        assert!(seat.release(Hold::Throttled), "the wake-up is not forgotten");
        seat.hold(Hold::Paused);
        assert_eq!(seat.take(), None, "paused in the queue");
        assert!(seat.release(Hold::Paused));
        assert_eq!(seat.take(), Some("run"));
    }

    #[test]
    fn the_first_end_counts() {
        let mut seat = Seat::new("run");
        assert!(seat.queue());
        assert_eq!(seat.take(), Some("run"));
        assert_eq!(seat.end("deadline"), None);
        assert_eq!(seat.end("cancel"), None);
        assert!(matches!(seat.put("run"), Put::Doomed("run", "deadline")));
        let mut seat = Seat::new("run");
        assert_eq!(seat.end("cancel"), Some(("run", "cancel")));
        assert_eq!(seat.take(), None);
    }
}
