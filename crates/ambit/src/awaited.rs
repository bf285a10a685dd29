//! A run that somebody awaits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ambit_runtime::{Finished, Running};

/// A run that somebody awaits: it is cancelled if they stop.
pub(crate) struct Awaited(Option<Running>);

impl Awaited {
    pub(crate) fn new(running: Running) -> Self {
        Self(Some(running))
    }
}

impl Future for Awaited {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let Some(running) = &mut self.0 else { return Poll::Pending };
        let finished = ready!(Pin::new(running).poll(cx));
        self.0 = None;
        Poll::Ready(finished)
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(running) = &self.0 {
            running.cancel("caller");
        }
    }
}
