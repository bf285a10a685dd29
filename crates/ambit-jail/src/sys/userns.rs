//! A user namespace for its map alone.
#![expect(unsafe_code, reason = "a process must be in a namespace for it to be made")]

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::fd::OwnedFd,
};

use ambit_core::Layer;
use rustix::process::Pid;

use super::wait;
use crate::error::JailError;

/// A user namespace with `map` for users and groups, in which nothing runs. Needs the right to write any map.
pub(crate) fn user_namespace(map: &str) -> Result<OwnedFd, JailError> {
    let failed = |step: &'static str| move |error: std::io::Error| JailError::new(Layer::UserNamespace, step, &error);
    // SAFETY: `clone_args` is plain numbers, for which zero means absent.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from(libc::CLONE_NEWUSER.cast_unsigned());
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    // SAFETY: as in `clone_and_exec`: a child with its own copy of our memory, which makes system calls only: it asks to die
    // with this thread, and waits for its end.
    let pid = unsafe {
        let pid = libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>());
        if pid == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::pause();
            }
        }
        pid
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|pid| pid.as_raw_nonzero().get() > 0);
    let pid = pid.ok_or_else(|| failed("make a user namespace")(std::io::Error::last_os_error()))?;
    let place = |name: &str| format!("/proc/{}/{name}", pid.as_raw_nonzero());
    let write = |name: &str| OpenOptions::new().write(true).open(place(name)).and_then(|mut file| file.write_all(map.as_bytes()));
    let made = write("uid_map").and_then(|()| write("gid_map")).and_then(|()| File::open(place("ns/user")));
    // Held by the descriptor from here on.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    let _ = wait(pid);
    made.map(OwnedFd::from).map_err(failed("write the map of a user namespace"))
}
