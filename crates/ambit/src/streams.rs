//! Where what a guest writes goes.

use std::{
    fmt,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ambit_core::Outcome;
use ambit_engine::host::{Capture, GuestLog, GuestOutput};
use ambit_runtime::Finished;

use crate::{
    error::Error,
    log::{KeptLog, Log},
    output::Output,
};

/// Where a stream goes.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    /// Into memory.
    Kept,
    /// Where the embedder says.
    Given(Given),
}

impl Sink {
    pub(crate) fn given(output: impl GuestOutput + 'static) -> Self {
        Sink::Given(Given(Arc::new(Mutex::new(Box::new(output)))))
    }
}

/// An output of the embedder's. Shared, since an instance that is reset writes to the same one again.
#[derive(Clone)]
pub(crate) struct Given(Arc<Mutex<Box<dyn GuestOutput>>>);

impl Given {
    fn output(&self) -> MutexGuard<'_, Box<dyn GuestOutput>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GuestOutput for Given {
    fn try_write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.output().try_write(bufs)
    }

    fn writable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.output().writable()
    }

    fn is_ready(&self) -> bool {
        self.output().is_ready()
    }

    fn is_terminal(&self) -> bool {
        self.output().is_terminal()
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

/// A guest's streams, and what is kept of them.
pub(crate) struct Streams {
    pub(crate) stdout: Box<dyn GuestOutput>,
    pub(crate) stderr: Box<dyn GuestOutput>,
    pub(crate) log: Box<dyn GuestLog>,
    pub(crate) captured: Captured,
}

impl Streams {
    pub(crate) fn new(stdout: &Sink, stderr: &Sink, log: Option<&Log>) -> Self {
        let captured = Captured::default();
        let open = |sink: &Sink, kept: &Capture| -> Box<dyn GuestOutput> {
            match sink {
                Sink::Kept => Box::new(kept.clone()),
                Sink::Given(given) => Box::new(given.clone()),
            }
        };
        Self {
            stdout: open(stdout, &captured.stdout),
            stderr: open(stderr, &captured.stderr),
            log: match log {
                Some(log) => Box::new(log.clone()),
                None => Box::new(captured.log.clone()),
            },
            captured,
        }
    }
}

/// What is kept of a guest's streams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Captured {
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    pub(crate) log: KeptLog,
}

impl Captured {
    /// What a program left behind.
    pub(crate) fn after(&self, finished: Finished) -> Output {
        Output::new(finished, self.stdout.take(), self.stderr.take(), self.log.take())
    }

    /// The same, unless nothing ran.
    pub(crate) fn output(&self, finished: Finished) -> Result<Output, Error> {
        match finished.outcome() {
            Outcome::Rejected(rejection) => Err(Error::Rejected(rejection.clone())),
            _ => Ok(self.after(finished)),
        }
    }
}
