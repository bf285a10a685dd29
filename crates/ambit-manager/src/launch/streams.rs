//! Where a run's streams go.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::mpsc,
    time::Duration,
};

use ambit_core::{Bound, ByteSize, LimitKey};
use ambit_jail::wire::{Stream, StreamsSpec};
use rustix::{
    fs::{FileType, Mode, OFlags},
    pipe::{PipeFlags, pipe_with},
};

use super::{
    control::{Control, Reason},
    pump,
};

/// Where a run's streams go. The default is nowhere.
#[derive(Debug, Default)]
pub struct Streams {
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
}

/// Where input comes from.
#[derive(Debug, Default)]
pub enum Input {
    /// From nowhere: it is empty.
    #[default]
    Nothing,
    /// From a descriptor.
    Fd(OwnedFd),
}

/// Where output goes.
#[derive(Debug, Default)]
pub enum Output {
    /// It is thrown away.
    #[default]
    Nothing,
    /// To a descriptor.
    Fd(OwnedFd),
}

/// The worker's ends of the streams, and what carries output on.
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) spec: StreamsSpec,
    pub(super) fds: Vec<OwnedFd>,
    pumps: Vec<mpsc::Receiver<()>>,
}

/// Lays the streams. What a guest's process gets is a pipe, or an input that it can only read; never a terminal, a socket or a
/// file of somebody's that it could do more with.
pub(super) fn lay(streams: Streams, output: Bound<ByteSize>, control: &Control) -> io::Result<Laid> {
    let Streams { stdin, stdout, stderr } = streams;
    let (mut fds, mut pumps) = (Vec::new(), Vec::new());
    let stdin = match stdin {
        Input::Nothing => Stream::Nothing,
        Input::Fd(fd) if is_null(&fd) => Stream::Nothing,
        Input::Fd(fd) => {
            let terminal = rustix::termios::isatty(&fd);
            fds.push(if only_readable(&fd)? { fd } else { pump::input(fd)? });
            Stream::Descriptor { terminal }
        }
    };
    let counter = pump::Counter::new(output, {
        let control = control.clone();
        move |allowed| control.end(Reason::Limit(LimitKey::Output, allowed))
    });
    let mut lay_output = |to: Output, name: &'static str| -> io::Result<Stream> {
        let Output::Fd(fd) = to else { return Ok(Stream::Nothing) };
        let terminal = rustix::termios::isatty(&fd);
        // Nobody counts what goes straight into somebody's pipe, so that is for output without a bound.
        let direct = if output == Bound::Unlimited { own_end(&fd) } else { None };
        fds.push(match direct {
            Some(own) => own,
            None => {
                let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
                // The worker's end only: its guest must be endable while it waits for its reader.
                rustix::fs::fcntl_setfl(&write, OFlags::WRONLY | OFlags::NONBLOCK)?;
                pumps.push(pump::output(name, read, fd, counter.clone())?);
                write
            }
        });
        Ok(Stream::Descriptor { terminal })
    };
    let stdout = lay_output(stdout, "ambit-stdout")?;
    let stderr = lay_output(stderr, "ambit-stderr")?;
    Ok(Laid { spec: StreamsSpec { stdin, stdout, stderr, log: true }, fds, pumps })
}

impl Laid {
    /// The worker has its ends by now. Ours would keep the pipes open after it is gone.
    pub(super) fn handed_over(self) -> Self {
        Self { fds: Vec::new(), ..self }
    }

    /// Waits until what was written has been carried on; not for ever, since whoever reads it may not.
    pub(super) fn drain(&self, patience: Duration) {
        for pump in &self.pumps {
            // Disconnected is what a pump that has ended looks like.
            let _ = pump.recv_timeout(patience);
        }
    }
}

/// Whether it is the device that is always empty.
fn is_null(fd: &OwnedFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == rustix::fs::makedev(1, 3)
    })
}

/// Whether all that can be done with it is to read: a pipe or a file that is open for reading only.
fn only_readable(fd: &OwnedFd) -> io::Result<bool> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode);
    let mode = rustix::fs::fcntl_getfl(fd)? & OFlags::ACCMODE;
    Ok(matches!(kind, FileType::Fifo | FileType::RegularFile) && mode == OFlags::RDONLY)
}

/// The writing end of a pipe once more, as a description of the worker's own that does not block; `None` if it is no pipe.
fn own_end(fd: &OwnedFd) -> Option<OwnedFd> {
    let kind = rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode)).ok()?;
    if kind != FileType::Fifo {
        return None;
    }
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd.as_fd()));
    rustix::fs::open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()
}
