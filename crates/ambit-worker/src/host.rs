//! What a guest is given, out of what the worker was given.

use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
    time::Duration,
};

use ambit_core::{Outcome, Policy};
use ambit_engine::host::{
    Capture, Discard, DiscardLog, EmptyInput, FdInput, FdOutput, GuestInput, GuestLog, GuestOutput, HostSpec, Preopen,
};
use ambit_jail::wire::{FromWorker, MOST_UP, RunJob, Sender, Stream};

use crate::error::WorkerError;

/// Bytes of a message that a guest's output and what it returned may take; the rest is for the report.
const MOST_KEPT: usize = MOST_UP as usize - (1 << 20);

/// A guest's streams, and what is kept of its output.
pub(crate) struct GuestStreams {
    pub(crate) stdin: Box<dyn GuestInput>,
    pub(crate) stdout: Box<dyn GuestOutput>,
    pub(crate) stderr: Box<dyn GuestOutput>,
    pub(crate) log: Box<dyn GuestLog>,
    pub(crate) kept: Kept,
}

/// What is kept of a guest's output.
#[derive(Default)]
pub(crate) struct Kept {
    stdout: Option<Capture>,
    stderr: Option<Capture>,
}

impl Kept {
    /// Standard output and standard error, as far as they were to be kept.
    pub(crate) fn take(self) -> (Vec<u8>, Vec<u8>) {
        let take = |kept: Option<Capture>| kept.map(|kept| kept.take()).unwrap_or_default();
        (take(self.stdout), take(self.stderr))
    }
}

/// The streams of a run, out of the descriptors that came with it.
pub(crate) fn streams(job: &RunJob, fds: Vec<OwnedFd>, sender: &Sender) -> Result<GuestStreams, WorkerError> {
    let mut fds = VecDeque::from(fds);
    let stdin: Box<dyn GuestInput> = match job.streams.stdin {
        Stream::Nothing => Box::new(EmptyInput),
        Stream::Descriptor { terminal } => Box::new(FdInput::new(next(&mut fds)?).shown_as(terminal)),
        Stream::Kept => return Err(WorkerError::Protocol("input cannot be kept")),
    };
    let (stdout, kept_stdout) = output(job.streams.stdout, &mut fds)?;
    let (stderr, kept_stderr) = output(job.streams.stderr, &mut fds)?;
    let log = if job.streams.log { log(job.run, sender.clone()) } else { Box::new(DiscardLog) };
    Ok(GuestStreams { stdin, stdout, stderr, log, kept: Kept { stdout: kept_stdout, stderr: kept_stderr } })
}

/// What a guest that is alone in its process is given. `dirs` are those of the jail.
pub(crate) fn given(
    job: &RunJob,
    policy: &Policy,
    fds: Vec<OwnedFd>,
    dirs: &[Arc<OwnedFd>],
    sender: &Sender,
) -> Result<(HostSpec, Kept), WorkerError> {
    let GuestStreams { stdin, stdout, stderr, log, kept } = streams(job, fds, sender)?;
    if job.dirs.len() != dirs.len() {
        return Err(WorkerError::Protocol("the jail has other directories than the guest"));
    }
    let preopens = job.dirs.iter().zip(dirs).map(|(dir, fd)| Preopen {
        fd: Arc::clone(fd),
        guest: dir.guest.clone(),
        access: dir.access,
        capacity: dir.capacity,
    });
    let grants = &policy.grants;
    let host = HostSpec {
        name: job.name.as_str().into(),
        args: grants.args.clone(),
        env: grants.env.clone(),
        stdin,
        stdout,
        stderr,
        log,
        preopens: preopens.collect(),
        clock: grants.clock,
        random: grants.random,
        // An embedder's functions cannot be called from another process.
        functions: Vec::new(),
    };
    Ok((host, kept))
}

fn output(stream: Stream, fds: &mut VecDeque<OwnedFd>) -> Result<(Box<dyn GuestOutput>, Option<Capture>), WorkerError> {
    Ok(match stream {
        Stream::Nothing => (Box::new(Discard), None),
        Stream::Descriptor { terminal } => (Box::new(FdOutput::nonblocking(next(fds)?, terminal)), None),
        Stream::Kept => {
            let kept = Capture::default();
            (Box::new(kept.clone()), Some(kept))
        }
    })
}

fn next(fds: &mut VecDeque<OwnedFd>) -> Result<OwnedFd, WorkerError> {
    fds.pop_front().ok_or(WorkerError::Protocol("a stream without a descriptor"))
}

/// How a run ended and what it returned, or why that cannot be said, besides so many bytes of output: it must not be the worker's
/// end, which is laid to the guest.
pub(crate) fn sayable(outcome: Outcome, value: Option<Vec<u8>>, output: usize) -> (Outcome, Option<Vec<u8>>) {
    match value {
        Some(bytes) if bytes.len() > MOST_KEPT.saturating_sub(output) => {
            let reason = format!("the function returned {} bytes, more than one process can say to another at once", bytes.len());
            (Outcome::Lost { reason }, None)
        }
        value => (outcome, value),
    }
}

/// Messages go to the parent, and are dropped while it does not keep up.
fn log(run: u64, sender: Sender) -> Box<dyn GuestLog> {
    let sender = Mutex::new(sender);
    Box::new(move |text: &str| {
        let Ok(sender) = sender.lock() else { return false };
        sender.send(&FromWorker::Log { run, text: text.to_owned() }, &[], Duration::ZERO).is_ok()
    })
}
