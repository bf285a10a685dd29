//! A page that two processes share.
#![expect(unsafe_code, reason = "memory that another process may change is made safe by being atomics and nothing else")]

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    ptr,
    sync::atomic::AtomicU64,
};

use rustix::{
    fs::{MemfdFlags, SealFlags},
    mm::{MapFlags, ProtFlags},
};

/// How many counters there are in it.
const COUNTERS: usize = ambit_core::Counter::PLACES;
const BYTES: usize = COUNTERS * size_of::<AtomicU64>();

/// Counters in memory that two processes share: one writes, the other may look at any time and believes nothing.
#[derive(Debug)]
pub struct SharedPage(&'static [AtomicU64; COUNTERS]);

impl SharedPage {
    /// A new one, zero, and the descriptor by which another process [opens](SharedPage::open) it.
    ///
    /// # Errors
    /// There is no memory.
    pub fn create() -> io::Result<(Self, OwnedFd)> {
        let fd = rustix::fs::memfd_create(c"ambit-usage", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&fd, BYTES as u64)?;
        // A page that shrinks under whoever reads it is a SIGBUS.
        rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok((Self::map(&fd)?, fd))
    }

    /// The page behind `fd`.
    ///
    /// # Errors
    /// It is none, or may shrink.
    pub fn open(fd: impl AsFd) -> io::Result<Self> {
        let sealed = rustix::fs::fcntl_get_seals(&fd)?.contains(SealFlags::SHRINK);
        let size = rustix::fs::fstat(&fd)?.st_size;
        if !sealed || usize::try_from(size).ok().is_none_or(|size| size < BYTES) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no page of counters"));
        }
        Self::map(fd)
    }

    fn map(fd: impl AsFd) -> io::Result<Self> {
        // SAFETY: a new mapping at a place of the kernel's choice changes no memory that anybody has.
        let at = unsafe { rustix::mm::mmap(ptr::null_mut(), BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, 0)? };
        // SAFETY: it is that long (a mapping is whole pages, and the file cannot shrink), aligned to a page, never unmapped, and
        // only ever looked at as atomics, which may change under us by whatever another process does.
        Ok(Self(unsafe { &*at.cast::<[AtomicU64; COUNTERS]>() }))
    }

    /// The counters.
    pub fn counters(&self) -> &[AtomicU64; COUNTERS] {
        self.0
    }

    /// The counters, for as long as the process lives.
    pub fn keep(self) -> &'static [AtomicU64; COUNTERS] {
        let counters = self.0;
        std::mem::forget(self);
        counters
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        let at = ptr::from_ref(self.0).cast_mut().cast();
        // SAFETY: `map` has mapped it for this value alone, and whoever borrows the counters borrows this. Nothing can be done
        // about a failure.
        let _ = unsafe { rustix::mm::munmap(at, BYTES) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn both_see_the_same() {
        let (ours, fd) = SharedPage::create().expect("memory");
        let theirs = SharedPage::open(&fd).expect("the same page");
        theirs.counters()[63].store(7, Relaxed);
        assert_eq!(ours.counters()[63].load(Relaxed), 7);
    }

    #[test]
    fn what_may_shrink_is_refused() {
        let fd = rustix::fs::memfd_create(c"test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("memory");
        rustix::fs::ftruncate(&fd, 4096).expect("memory");
        assert!(SharedPage::open(&fd).is_err());
    }
}
