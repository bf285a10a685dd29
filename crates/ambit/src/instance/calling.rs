//! A call of an instance that is under way.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ambit_core::{ResultValue as Value, Usage};
use ambit_runtime::{Control, Finished, RunState};

use super::{Statistics, control::Seen};
use crate::{block::block_on, error::Error, module::values};

/// A call of an instance that is under way, or was over at once; from [`Instance::start`](super::Instance::start). A future
/// of what it returns.
///
/// If it is dropped before that, the call is cancelled, and the instance is over.
#[derive(Debug)]
pub struct Calling<'a> {
    name: String,
    call: UnderWay<'a>,
}

impl<'a> Calling<'a> {
    pub(super) fn new(name: &str, call: UnderWay<'a>) -> Self {
        Self { name: name.to_owned(), call }
    }

    /// What it is doing; `None` once it has ended.
    pub fn state(&self) -> Option<RunState> {
        self.call.calling.running().and_then(ambit_runtime::Running::state)
    }

    /// Ends it as `cancelled` by `by`, and the instance with it, unless it has ended.
    pub fn cancel(&self, by: &str) {
        if let Some(running) = self.call.calling.running() {
            running.cancel(by);
        }
    }

    /// Keeps it from running until [`Calling::resume`]. A slice under way is finished. Its deadline stays where it is.
    pub fn pause(&self) {
        if let Some(running) = self.call.calling.running() {
            running.pause();
        }
    }

    /// Lets it go on.
    pub fn resume(&self) {
        if let Some(running) = self.call.calling.running() {
            running.resume();
        }
    }

    /// The same means, while this is awaited; `None` once it has ended.
    pub fn control(&self) -> Option<Control> {
        self.call.calling.running().map(ambit_runtime::Running::control)
    }

    /// What the instance has used so far, over all calls. Times are not known before the end.
    pub fn usage(&self) -> Usage {
        self.call.calling.instance().meter().usage()
    }

    /// Waits for what it returns, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// It ended otherwise than by returning, and the instance with it.
    pub fn wait(self) -> Result<Vec<Value>, Error> {
        block_on(self)
    }
}

impl Future for Calling<'_> {
    type Output = Result<Vec<Value>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let finished = ready!(Pin::new(&mut self.call).poll(cx));
        Poll::Ready(values(&self.name, finished))
    }
}

/// A call, and where its end is noted.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    calling: ambit_runtime::Calling<'a>,
    seen: &'a Seen,
    statistics: &'a mut Statistics,
    noted: bool,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(calling: ambit_runtime::Calling<'a>, seen: &'a Seen, statistics: &'a mut Statistics) -> Self {
        if let Some(running) = calling.running() {
            seen.call(running.control());
        }
        Self { calling, seen, statistics, noted: false }
    }
}

impl Future for UnderWay<'_> {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let this = &mut *self;
        let finished = ready!(Pin::new(&mut this.calling).poll(cx));
        this.noted = true;
        this.seen.called(&finished);
        this.seen.end(!this.calling.instance().is_alive());
        this.statistics.note(finished.usage());
        this.statistics.returned += u64::from(finished.returned());
        Poll::Ready(finished)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.noted {
            // It is cancelled, unless it was over already and nobody asked.
            self.seen.end(!self.calling.instance().is_alive());
        }
    }
}
