//! Where a guest's output goes.

use std::{
    fmt,
    future::Future,
    io::{self, IoSlice},
    os::fd::{AsRawFd, OwnedFd},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    event::{PollFd, PollFlags},
    fs::{Mode, OFlags},
};
use tokio::io::{Interest, unix::AsyncFd};

use super::{Fail, Stop};
use crate::meter::{Excess, Meter};

/// Where a guest's output goes. Never blocks: a guest that waits for its reader can still be ended.
pub trait GuestOutput: Send {
    /// Writes some of `bufs`.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if nothing can be written now, and any other failure.
    fn try_write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ready when [`GuestOutput::try_write`] is worth another try.
    fn writable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    /// Whether a write would not wait, without writing.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether this is a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// Throws output away.
#[derive(Debug, Clone, Copy)]
pub struct Discard;

impl GuestOutput for Discard {
    fn try_write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }
}

/// Keeps output in memory; clones share it. Bounded by the limit `output`.
#[derive(Debug, Clone, Default)]
pub struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    /// Takes what was written so far.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl GuestOutput for Capture {
    fn try_write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bufs.iter().for_each(|buf| bytes.extend_from_slice(buf));
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }
}

/// Writes to a descriptor: a pipe, terminal, file or socket.
pub struct FdOutput {
    fd: Arc<OwnedFd>,
    /// Whether a write to `fd` returns at once when nothing can be written.
    nonblocking: bool,
    /// Whether a person is at its other end, if somebody else has said so.
    terminal: Option<bool>,
}

impl FdOutput {
    /// Writes to `fd`.
    ///
    /// Where the kernel lets us, the descriptor is opened once more as a non-blocking one of our own: setting the flag on
    /// the one we were given would change it for everybody who shares it.
    pub fn new(fd: OwnedFd) -> Self {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let kind = rustix::fs::fstat(&fd).map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode));
        let reopens = matches!(kind, Ok(rustix::fs::FileType::Fifo | rustix::fs::FileType::CharacterDevice));
        match reopens.then(|| rustix::fs::open(path, flags, Mode::empty())) {
            Some(Ok(own)) => Self { fd: Arc::new(own), nonblocking: true, terminal: None },
            _ => Self { fd: Arc::new(fd), nonblocking: false, terminal: None },
        }
    }

    /// Writes to `fd`, a description of our own that does not block; `terminal` says whether a person is at its other end,
    /// which cannot be seen of a pipe that somebody passes on.
    pub fn nonblocking(fd: OwnedFd, terminal: bool) -> Self {
        Self { fd: Arc::new(fd), nonblocking: true, terminal: Some(terminal) }
    }
}

impl GuestOutput for FdOutput {
    fn try_write(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.nonblocking {
            return Ok(rustix::io::writev(&*self.fd, bufs)?);
        }
        if !ready(&self.fd, PollFlags::OUT) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // A descriptor that polls as writable takes at least this much without blocking.
        const ATOMIC: usize = 4096;
        let Some(first) = bufs.iter().find(|buf| !buf.is_empty()) else { return Ok(0) };
        Ok(rustix::io::write(&*self.fd, &first[..first.len().min(ATOMIC)])?)
    }

    fn writable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(until_ready(Arc::clone(&self.fd), Interest::WRITABLE))
    }

    fn is_ready(&self) -> bool {
        ready(&self.fd, PollFlags::OUT)
    }

    fn is_terminal(&self) -> bool {
        self.terminal.unwrap_or_else(|| rustix::termios::isatty(&*self.fd))
    }
}

impl fmt::Debug for FdOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FdOutput").field(&self.fd).finish()
    }
}

/// Whether `fd` is ready for one of `events` at this moment; errors and hang-ups count as ready, since the next call
/// then reports them.
pub(super) fn ready(fd: &OwnedFd, events: PollFlags) -> bool {
    let mut fds = [PollFd::new(fd, events)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&now)).map_or(true, |count| count > 0)
}

/// Waits until `fd` is ready.
pub(super) async fn until_ready(fd: Arc<OwnedFd>, interest: Interest) {
    let events = if interest.is_readable() { PollFlags::IN } else { PollFlags::OUT };
    #[expect(
        deprecated,
        reason = "its successor is unsafe for descriptors that close while watched; this one is held open by its Arc"
    )]
    let watched = AsyncFd::with_interest(Arc::clone(&fd), interest);
    // Regular files cannot be watched, and are always ready.
    let Ok(watched) = watched else { return };
    while !ready(&fd, events) {
        match watched.ready(interest).await {
            Ok(mut guard) if !ready(&fd, events) => guard.clear_ready(),
            _ => return,
        }
    }
}

/// An output behind the limit on output; clones share it, since a component may hold several streams of one output.
#[derive(Clone)]
pub struct SharedOutput {
    sink: Arc<Mutex<Box<dyn GuestOutput>>>,
    meter: Arc<Meter>,
}

impl SharedOutput {
    /// `sink` behind the limit that `meter` keeps.
    pub fn new(sink: Box<dyn GuestOutput>, meter: Arc<Meter>) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)), meter }
    }

    fn sink(&self) -> MutexGuard<'_, Box<dyn GuestOutput>> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes some of `bufs`; `None` if nothing can be written now.
    ///
    /// # Errors
    /// The limit is used up, which ends the run, or the sink fails.
    pub(crate) fn try_write(&self, bufs: &[IoSlice<'_>]) -> Result<Option<usize>, Fail> {
        let wanted: u64 = bufs.iter().map(|buf| buf.len() as u64).sum();
        let left = self.meter.output_left();
        if left == 0 && wanted > 0 {
            let allowed = self.meter.limits().output.ceiling();
            self.meter.end(Excess { limit: ambit_core::LimitKey::Output, allowed, used: allowed.saturating_add(wanted) });
            return Err(Stop::Limit.into());
        }
        // Only as much as the limit allows is offered; the first buffer is enough when room is short, since short
        // writes are normal.
        let room = usize::try_from(left).unwrap_or(usize::MAX);
        let result = if wanted <= left {
            self.sink().try_write(bufs)
        } else {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &buf[..buf.len().min(room)]);
            self.sink().try_write(&[IoSlice::new(first)])
        };
        match result {
            Ok(written) => {
                self.meter.take_output(written as u64).map_err(|_| Stop::Limit)?;
                Ok(Some(written))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Fail::Errno(error.into())),
        }
    }

    /// The account that it is charged to.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Ready when another try is worth it.
    pub(crate) fn writable(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.sink().writable()
    }

    /// Whether a write would not wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.sink().is_ready()
    }

    /// Whether this is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.sink().is_terminal()
    }
}

impl fmt::Debug for SharedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedOutput")
    }
}
