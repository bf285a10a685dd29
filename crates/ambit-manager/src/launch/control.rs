//! Ending a run from outside.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
};

use ambit_core::{LimitKey, escape};
use rustix::event::{EventfdFlags, eventfd};

/// Ends a run, from any thread. Clones end the same.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Readable once there is a reason.
    event: OwnedFd,
    /// The first one counts. A mutex, since it is set once and read once.
    reason: Mutex<Option<Reason>>,
}

/// Why a run is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// Somebody wants it.
    Cancelled(String),
    /// It has written more than it may.
    Limit(LimitKey, u64),
}

impl Control {
    /// One for a run that is to come.
    ///
    /// # Errors
    /// There are no more descriptors.
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { shared: Arc::new(Shared { event, reason: Mutex::new(None) }) })
    }

    /// Ends the run as `cancelled` by `by`, unless it has ended or is being ended already.
    pub fn cancel(&self, by: &str) {
        self.end(Reason::Cancelled(escape(by, 128)));
    }

    /// Whether it was told to end.
    pub fn is_ended(&self) -> bool {
        self.reason().is_some()
    }

    pub(super) fn end(&self, reason: Reason) {
        self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        // Cannot fail but by overflow, and then it is readable already.
        let _ = rustix::io::write(&self.shared.event, &1_u64.to_ne_bytes());
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        self.shared.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }
}
