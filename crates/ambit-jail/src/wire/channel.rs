//! One end of the socket.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg,
        sendmsg,
    },
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    codec::{decode, encode},
    frame::{Frames, frame},
};

/// The most bytes that a jailed process is told at once: arguments and environment are the bulk of it.
pub const MOST_DOWN: u32 = 16 << 20;
/// The most bytes that it may say at once: an answer of a guest's, and its report.
pub const MOST_UP: u32 = 80 << 20;
/// The most descriptors in one message: streams, and the directories that are granted.
const MOST_FDS: usize = 128;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// How long a frame that was begun may take to be taken.
const FINISH: Duration = Duration::from_secs(10);

/// What can go wrong between the two.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It has ended, or closed the socket.
    #[error("the other end has closed the socket")]
    Closed,
    /// It takes nothing.
    #[error("the other end took nothing for {0:?}")]
    Stuck(Duration),
    /// It speaks another language.
    #[error("what came is no frame of this version")]
    NoFrame,
    /// More than is taken.
    #[error("a message of {length} bytes; at most {most} are taken")]
    TooLong {
        /// Bytes announced.
        length: u32,
        /// Bytes taken.
        most: u32,
    },
    /// Descriptors that do not belong to a message.
    #[error("descriptors came that were not announced or not expected")]
    Descriptors,
    /// A frame whose contents are none of the messages there are.
    #[error("what came is no message: {0}")]
    NoMessage(#[source] postcard::Error),
    /// The socket failed.
    #[error("the control socket failed")]
    Socket(#[source] io::Error),
}

/// One end of the socket between a jailed process and its parent.
#[derive(Debug)]
pub struct Channel {
    sender: Sender,
    frames: Frames,
    fds: VecDeque<OwnedFd>,
    takes_fds: bool,
    /// What is read into.
    chunk: Box<[u8]>,
}

/// What sends to the other end. Clones send to the same.
#[derive(Debug, Clone)]
pub struct Sender {
    socket: Arc<OwnedFd>,
    /// One message at a time: a frame goes in pieces when the socket is full.
    turn: Arc<Mutex<()>>,
    /// The most bytes of a message.
    most: u32,
}

impl Sender {
    fn new(socket: OwnedFd, most: u32) -> Self {
        Self { socket: Arc::new(socket), turn: Arc::default(), most }
    }

    /// Sends a message with descriptors, and waits at most `patience` for the other end to begin to take it.
    ///
    /// # Errors
    /// The other end is gone, or does not read.
    pub fn send(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>], patience: Duration) -> Result<(), WireError> {
        let bytes = frame(&encode(message)?, self.most, fds.len())?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut sent, mut until) = (0, Instant::now() + patience);
        while sent < bytes.len() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            // With the first byte, and only with that.
            if sent == 0 && !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
                return Err(WireError::Descriptors);
            }
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match sendmsg(&self.socket, &[IoSlice::new(&bytes[sent..])], &mut ancillary, flags) {
                Ok(count) => {
                    sent += count;
                    // Half a frame is none: what was begun is given time to be finished.
                    until = Instant::now() + patience.max(FINISH);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        return Err(WireError::Stuck(patience));
                    }
                    wait(self.socket.as_fd(), PollFlags::OUT, Some(left)).map_err(WireError::Socket)?;
                }
                Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => return Err(WireError::Closed),
                Err(error) => return Err(WireError::Socket(error.into())),
            }
        }
        Ok(())
    }
}

impl Channel {
    /// The parent's end: it takes no descriptors.
    pub fn of_parent(socket: OwnedFd) -> Self {
        Self::new(Sender::new(socket, MOST_DOWN), Frames::new(MOST_UP, 0), false)
    }

    /// The jailed process's end.
    pub fn of_child(socket: OwnedFd) -> Self {
        let frames = Frames::new(MOST_DOWN, u8::try_from(MOST_FDS).unwrap_or(u8::MAX));
        Self::new(Sender::new(socket, MOST_UP), frames, true)
    }

    fn new(sender: Sender, frames: Frames, takes_fds: bool) -> Self {
        Self { sender, frames, fds: VecDeque::new(), takes_fds, chunk: vec![0; CHUNK].into() }
    }

    /// Takes no message of more than `most` bytes from now on.
    pub fn takes_at_most(&mut self, most: u32) {
        self.frames.takes_at_most(most);
    }

    /// The socket, for waiting until it is readable.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.sender.socket.as_fd()
    }

    /// What sends to the other end.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Sends a message, as [`Sender::send`] does.
    ///
    /// # Errors
    /// As there.
    pub fn send(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>], patience: Duration) -> Result<(), WireError> {
        self.sender.send(message, fds, patience)
    }

    /// The next message, if it is there.
    ///
    /// # Errors
    /// The other end is gone, or what it says is no message.
    pub fn try_receive<T: DeserializeOwned>(&mut self) -> Result<Option<(T, Vec<OwnedFd>)>, WireError> {
        loop {
            if let Some((message, fds)) = self.frames.take()? {
                if fds > self.fds.len() {
                    return Err(WireError::Descriptors);
                }
                let fds = self.fds.drain(..fds).collect();
                return Ok(Some((decode(message)?, fds)));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next message; waits for it.
    ///
    /// # Errors
    /// As [`Channel::try_receive`].
    pub fn receive<T: DeserializeOwned>(&mut self) -> Result<(T, Vec<OwnedFd>), WireError> {
        loop {
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
            wait(self.socket(), PollFlags::IN, None).map_err(WireError::Socket)?;
        }
    }

    /// Reads what is there. `false` if nothing is.
    fn fill(&mut self) -> Result<bool, WireError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        // Without space the kernel closes whatever is sent along.
        let mut ancillary = if self.takes_fds { RecvAncillaryBuffer::new(&mut space) } else { RecvAncillaryBuffer::default() };
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = match recvmsg(self.sender.socket.as_fd(), &mut [IoSliceMut::new(&mut self.chunk)], &mut ancillary, flags) {
            Ok(received) => received,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(false),
            Err(rustix::io::Errno::CONNRESET) => return Err(WireError::Closed),
            Err(error) => return Err(WireError::Socket(error.into())),
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        if received.bytes == 0 {
            return Err(WireError::Closed);
        }
        if self.fds.len() > 2 * MOST_FDS {
            return Err(WireError::Descriptors);
        }
        self.frames.extend(&self.chunk[..received.bytes]);
        Ok(true)
    }
}

/// Waits until `fd` is ready or `left` is over.
fn wait(fd: BorrowedFd<'_>, events: PollFlags, left: Option<Duration>) -> io::Result<()> {
    let timeout = left.map(|left| Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    });
    match rustix::event::poll(&mut [PollFd::from_borrowed_fd(fd, events)], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
