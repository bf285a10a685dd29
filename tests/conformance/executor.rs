//! As much of an executor as one guest needs.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, Waker},
};

static YIELDS: AtomicU64 = AtomicU64::new(0);

/// Polls until it is ready. Nothing here waits: a guest that is not ready has only given the thread back.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        gave_back();
    }
}

/// Counts that a guest has given the thread back.
pub(crate) fn gave_back() {
    YIELDS.fetch_add(1, Ordering::Relaxed);
}

/// How often guests have given the thread back so far.
pub(crate) fn yields() -> u64 {
    YIELDS.load(Ordering::Relaxed)
}
