//! A program that is under way.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use ambit_core::{RunId, Usage};
use ambit_runtime::{Control, RunState};

use crate::{block::block_on, module::Module, output::Output, streams::Captured};

/// A program that is under way, from [`Launch::start`](crate::Launch::start): cancel it, pause it, look at what it uses. A
/// future of its [`Output`].
///
/// Dropping it does not end the program, unless it was the last that had the runtime.
#[derive(Debug)]
pub struct Running {
    running: ambit_runtime::Running,
    captured: Captured,
    /// Keeps the runtime.
    _module: Module,
}

impl Running {
    pub(crate) fn new(running: ambit_runtime::Running, captured: Captured, module: Module) -> Self {
        Self { running, captured, _module: module }
    }

    /// Its number in events and reports.
    pub fn id(&self) -> RunId {
        self.running.id()
    }

    /// What it is doing; `None` once it has ended.
    pub fn state(&self) -> Option<RunState> {
        self.running.state()
    }

    /// Ends it as `cancelled` by `by`, unless it has ended.
    pub fn cancel(&self, by: &str) {
        self.running.cancel(by);
    }

    /// Keeps it from running until [`Running::resume`]. A slice under way is finished. Its deadline stays where it is, and
    /// ends it also while it is paused.
    pub fn pause(&self) {
        self.running.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.running.resume();
    }

    /// The same means, while this is awaited.
    pub fn control(&self) -> Control {
        self.running.control()
    }

    /// What it has used so far. Times are known only when it has ended.
    pub fn usage(&self) -> Usage {
        self.running.meter().usage()
    }

    /// Bytes of memory and tables it has at this moment.
    pub fn memory(&self) -> u64 {
        self.running.meter().memory_now()
    }

    /// Takes what it has written to standard output so far; its output then has only the rest.
    pub fn take_stdout(&self) -> Vec<u8> {
        self.captured.stdout.take()
    }

    /// Takes what it has written to standard error so far; its output then has only the rest.
    pub fn take_stderr(&self) -> Vec<u8> {
        self.captured.stderr.take()
    }

    /// Waits for the end, blocking the thread. Not to be called from inside async code.
    pub fn wait(self) -> Output {
        block_on(self)
    }
}

impl Future for Running {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        Pin::new(&mut self.running).poll(cx).map(|finished| self.captured.after(finished))
    }
}
