//! Where a guest's input comes from.

use std::{
    fmt,
    future::Future,
    io,
    os::fd::OwnedFd,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::event::PollFlags;
use tokio::io::Interest;

use super::output::{ready, until_ready};

/// Where a guest's input comes from. Never blocks.
pub trait GuestInput: Send {
    /// Reads some bytes; 0 is the end of the input.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is nothing yet, and any other failure.
    fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Ready when [`GuestInput::try_read`] is worth another try.
    fn readable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    /// Whether a read would not wait, without reading.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether this is a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// Nothing: reading gives end of file.
#[derive(Debug, Clone, Copy)]
pub struct EmptyInput;

impl GuestInput for EmptyInput {
    fn try_read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl GuestInput for io::Cursor<Vec<u8>> {
    fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        io::Read::read(self, buf)
    }
}

/// Reads from a descriptor: a pipe, terminal, file or socket.
#[derive(Debug)]
pub struct FdInput {
    fd: Arc<OwnedFd>,
    /// Whether a person is at its other end, if somebody else has said so.
    terminal: Option<bool>,
}

impl FdInput {
    /// Reads from `fd`. Other readers of the same pipe can make a read wait that was ready when it was asked.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd: Arc::new(fd), terminal: None }
    }

    /// The same, where whoever passes it on says whether a person is at its other end.
    #[must_use]
    pub fn shown_as(self, terminal: bool) -> Self {
        Self { terminal: Some(terminal), ..self }
    }
}

impl GuestInput for FdInput {
    fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.is_ready() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(rustix::io::read(&*self.fd, buf)?)
    }

    fn readable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(until_ready(Arc::clone(&self.fd), Interest::READABLE))
    }

    fn is_ready(&self) -> bool {
        ready(&self.fd, PollFlags::IN)
    }

    fn is_terminal(&self) -> bool {
        self.terminal.unwrap_or_else(|| rustix::termios::isatty(&*self.fd))
    }
}

/// An input that several streams of one guest share.
#[derive(Clone)]
pub struct SharedInput(Arc<Mutex<Box<dyn GuestInput>>>);

impl SharedInput {
    /// `source`, shared.
    pub fn new(source: Box<dyn GuestInput>) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }

    fn source(&self) -> MutexGuard<'_, Box<dyn GuestInput>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads some bytes; `None` if there are none yet, 0 at the end.
    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        match self.source().try_read(buf) {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ready when another try is worth it.
    pub(crate) fn readable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.source().readable()
    }

    /// Whether a read would not wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.source().is_ready()
    }

    /// Whether this is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.source().is_terminal()
    }
}

impl fmt::Debug for SharedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedInput")
    }
}
