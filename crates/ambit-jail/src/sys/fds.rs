//! Descriptors that a process was started with.
#![expect(unsafe_code, reason = "which descriptors are open is known from how the process was made, and from nothing else")]

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

use super::clone::CONTROL;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The control socket that [`clone_and_exec`](super::clone_and_exec) left at its place; `None` if this process was started by
/// something else, or asks a second time.
pub(crate) fn control_fd() -> Option<OwnedFd> {
    if TAKEN.swap(true, SeqCst) {
        return None;
    }
    // SAFETY: fcntl takes numbers, and says whether the descriptor is open.
    if unsafe { libc::fcntl(CONTROL, libc::F_GETFD) } < 0 {
        return None;
    }
    // SAFETY: it is open, and nobody else in this process owns it: this is called before anything else is opened, once.
    let fd = unsafe { OwnedFd::from_raw_fd(CONTROL) };
    let kind = rustix::fs::fstat(&fd).map(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode));
    matches!(kind, Ok(rustix::fs::FileType::Socket)).then_some(fd)
}

/// Closes every descriptor above the control socket. Called before anything has opened one.
pub(crate) fn close_others() -> io::Result<()> {
    // SAFETY: takes numbers. Whoever owns a descriptor above the control socket would find it closed; nobody does yet, since the
    // caller is the first thing that the process does.
    match unsafe { libc::syscall(libc::SYS_close_range, CONTROL + 1, u32::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
