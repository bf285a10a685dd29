//! A process in a jail, as its parent has it.

use std::{
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use ambit_core::{Layer, escape};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    process::{Pid, Signal},
};

use crate::{
    error::JailError,
    rlimits,
    spec::Rlimits,
    sys::{self, Step},
};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A process that is over, and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub end: End,
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// Bytes that were resident at most.
    pub peak_resident: u64,
}

/// A process in a jail. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    pidfd: OwnedFd,
    /// Where it tells that it could not even begin.
    gate: OwnedFd,
    /// Its standard error.
    words: OwnedFd,
    exit: Option<Exit>,
}

impl Child {
    pub(crate) fn new(pid: Pid, pidfd: OwnedFd, gate: OwnedFd, words: OwnedFd) -> Self {
        Self { pid, pidfd, gate, words, exit: None }
    }

    /// Its number, in our namespace.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Becomes readable when it has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Ends it, whatever it does: nothing can stop this signal. Does nothing to one that has ended.
    pub fn kill(&self) {
        // All that can be wrong with it is that it has ended.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Sets resource limits of it, which can only become tighter than they are: how a process that waits for its job gets the
    /// limits of that job. It must not have been given the job yet.
    ///
    /// # Errors
    /// It is gone, or the kernel refuses.
    pub fn limit(&self, limits: &Rlimits) -> Result<(), JailError> {
        rlimits::apply_to(self.pid, limits)
    }

    /// Stops it until [`Child::resume`]: it uses no CPU time.
    pub fn stop(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::CONT);
    }

    /// CPU time that all its threads have used so far, by the kernel's account; `None` once it has been reaped.
    pub fn cpu_time(&self) -> Option<Duration> {
        self.exit.is_none().then(|| sys::process_cpu_time(self.pid).ok()).flatten()
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        self.exit.is_some() || rustix::event::poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Waits for its end, and reaps it.
    ///
    /// # Errors
    /// Somebody else has reaped it.
    pub fn wait(&mut self) -> io::Result<Exit> {
        match self.exit {
            Some(exit) => Ok(exit),
            None => {
                let exit = sys::wait(self.pid)?;
                self.exit = Some(exit);
                Ok(exit)
            }
        }
    }

    /// What it has said on its standard error, where nothing is said but by a runtime that gives up: the first of it, escaped
    /// and capped. Not to be believed.
    pub fn last_words(&self) -> Option<String> {
        let mut words = [0; 512];
        let said = rustix::io::read(&self.words, &mut words).ok()?;
        (said > 0).then(|| escape(words[..said].trim_ascii(), 256))
    }

    /// The step before exec that failed, if that is why it ended.
    pub fn failed_start(&self) -> Option<JailError> {
        let mut message = [0; 5];
        std::fs::File::from(self.gate.try_clone().ok()?).read_exact(&mut message).ok()?;
        let [step, errno @ ..] = message;
        let error = io::Error::from_raw_os_error(i32::from_le_bytes(errno));
        let step = Step::ALL.into_iter().find(|known| *known as u8 == step)?;
        Some(match step {
            Step::JoinGroup => JailError::new(Layer::Cgroup, "join a control group", &error),
            Step::BecomeId => JailError::new(Layer::NoCapabilities, "become a user without rights", &error),
            Step::KeepCapabilities => JailError::new(Layer::UserNamespace, "keep capabilities within the user namespace", &error),
            Step::Descriptors => JailError::new(Layer::ClosedFds, "lay out descriptors", &error),
            Step::DieWithParent => JailError::other("tie the process to its parent", &error),
            Step::Shed => JailError::other("give up priorities and other settings of its parent", &error),
            Step::Exec => JailError::other("execute the program", &error),
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.exit.is_none() {
            self.kill();
            // It was killed, so this does not take long; there is nobody to tell of a failure.
            let _ = sys::wait(self.pid);
        }
    }
}
