//! The waker of a run whose first slices run on the thread of whoever asked for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Wake, Waker},
};

/// Remembers whether the guest wanted to go on. One a thread, since making one for each run would cost more than the run's
/// accounting; a late wake-up by an earlier run on the same thread costs the next one at most a look at a core's queue.
pub(crate) struct InlineWaker {
    flag: Arc<Flag>,
    waker: Waker,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

thread_local! {
    static WAKER: InlineWaker = {
        let flag = Arc::new(Flag::default());
        InlineWaker { waker: Arc::clone(&flag).into(), flag }
    };
}

impl InlineWaker {
    /// This thread's, with nothing remembered.
    pub(crate) fn with<R>(act: impl FnOnce(&Self) -> R) -> R {
        WAKER.with(|waker| {
            waker.take();
            act(waker)
        })
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether it was woken since it was last asked.
    pub(crate) fn take(&self) -> bool {
        self.flag.0.swap(false, SeqCst)
    }
}
