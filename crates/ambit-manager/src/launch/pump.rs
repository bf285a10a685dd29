//! Carrying bytes between a guest's pipes and what they stand for.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use ambit_core::{Bound, ByteSize};
use rustix::pipe::{PipeFlags, pipe_with};

/// What is carried at a time: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// Counts what a guest's outputs carry, together.
#[derive(Clone)]
pub(super) struct Counter {
    left: Arc<AtomicU64>,
    allowed: u64,
    over: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Counter {
    /// Allows `most`; `over` is told once there is more.
    pub(super) fn new(most: Bound<ByteSize>, over: impl Fn(u64) + Send + Sync + 'static) -> Self {
        let allowed = most.ceiling();
        Self { left: Arc::new(AtomicU64::new(allowed)), allowed, over: Arc::new(over) }
    }

    /// How many of `bytes` may be carried.
    fn take(&self, bytes: usize) -> usize {
        let wanted = bytes as u64;
        let before = self.left.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(wanted))).unwrap_or(0);
        if before < wanted {
            (self.over)(self.allowed);
        }
        usize::try_from(before.min(wanted)).unwrap_or(bytes)
    }
}

/// Carries what is written to `from` on to `to`, on a thread of its own. What is given back hangs up when all of it has been
/// carried: when nobody can write any more, or nobody reads.
pub(super) fn output(name: &str, from: OwnedFd, to: OwnedFd, counter: Counter) -> io::Result<mpsc::Receiver<()>> {
    let (done, ended) = mpsc::channel::<()>();
    thread::Builder::new().name(name.into()).stack_size(128 << 10).spawn(move || {
        // Held until the end, and so dropped there.
        let _done = done;
        let mut to = File::from(to);
        // Only what is used of it is ever touched.
        let mut bytes = Vec::with_capacity(CHUNK);
        loop {
            bytes.clear();
            let read = match rustix::io::read(&from, rustix::buffer::spare_capacity(&mut bytes)) {
                Ok(0) => return,
                Ok(read) => read,
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
            };
            let may = counter.take(read);
            // Nobody reads: then the guest finds its pipe broken, as it would without us.
            if to.write_all(&bytes[..may]).is_err() || may < read {
                return;
            }
        }
    })?;
    Ok(ended)
}

/// A pipe that brings what `from` has, for a guest that must not have `from` itself. The thread that fills it ends with the
/// process, or when nobody reads it.
pub(super) fn input(from: OwnedFd) -> io::Result<OwnedFd> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    thread::Builder::new().name("ambit-stdin".into()).stack_size(128 << 10).spawn(move || {
        let (mut from, mut to) = (File::from(from), File::from(write));
        // Either end may go at any time, which is how this ends.
        let _ = io::copy(&mut from, &mut to);
    })?;
    Ok(read)
}

impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counter").field("left", &self.left).finish_non_exhaustive()
    }
}
