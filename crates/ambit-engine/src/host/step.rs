//! How a host call ends, or waits.

use std::{fmt, future::Future, pin::Pin};

use super::{Errno, GuestMemory, Host};

/// Why a host call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fail {
    /// The guest is told.
    Errno(Errno),
    /// The guest does not go on.
    Stop(Stop),
}

/// Why a guest does not go on after a host call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// It asked to exit.
    #[error("exit with code {0}")]
    Exit(i32),
    /// The host refused its arguments.
    #[error("{0}")]
    Trap(String),
    /// It is inside itself, through host functions that call it, more often than is allowed.
    #[error("host functions have called the guest {} times inside one another", crate::functions::MOST_DEPTH)]
    Depth,
    /// The host failed, not the guest.
    #[error("{0}")]
    Failed(String),
    /// A limit, recorded in the meter, ends the run.
    #[error("a limit ends the run")]
    Limit,
}

impl From<Errno> for Fail {
    fn from(errno: Errno) -> Self {
        Fail::Errno(errno)
    }
}

impl From<Stop> for Fail {
    fn from(stop: Stop) -> Self {
        Fail::Stop(stop)
    }
}

/// Whether a host call is done or waits.
#[derive(Debug)]
pub enum Progress {
    /// It is done, with success.
    Done,
    /// It waits.
    Wait(Wait),
}

/// What continues a host call after its wait.
pub type Resume = Box<dyn FnOnce(&mut Host, &mut GuestMemory<'_>) -> Result<Progress, Fail> + Send>;

/// A host call that waits. The adapter awaits `until` with no hold on the guest's memory, then calls `resume`.
pub struct Wait {
    /// Ready when it is worth going on.
    pub until: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Goes on; may wait again.
    pub resume: Resume,
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}

impl Progress {
    /// Waits for `until`, then goes on with `resume`.
    pub(crate) fn wait(
        until: impl Future<Output = ()> + Send + 'static,
        resume: impl FnOnce(&mut Host, &mut GuestMemory<'_>) -> Result<Progress, Fail> + Send + 'static,
    ) -> Self {
        Progress::Wait(Wait { until: Box::pin(until), resume: Box::new(resume) })
    }
}

/// A future that is pending once: gives the thread back at the end of a stretch of host work.
pub(crate) fn yield_once() -> impl Future<Output = ()> + Send {
    let mut yielded = false;
    std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
}
