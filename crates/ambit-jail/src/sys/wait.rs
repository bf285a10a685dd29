//! Reaping a child, with what it used.
#![expect(unsafe_code, reason = "libc has wait4 as an unsafe function")]

use std::{io, mem::MaybeUninit, time::Duration};

use rustix::process::Pid;

use crate::child::{End, Exit};

/// Reaps the child `pid`, waiting for its end if need be.
pub(crate) fn wait(pid: Pid) -> io::Result<Exit> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    loop {
        // SAFETY: `status` and `usage` are valid places for what the call writes, for as long as it runs.
        let reaped = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, usage.as_mut_ptr()) };
        if reaped >= 0 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: the call succeeded, so it has filled it in.
    let usage = unsafe { usage.assume_init() };
    let time = |time: libc::timeval| {
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_usec).unwrap_or(0) * 1000)
    };
    let end = if libc::WIFSIGNALED(status) { End::Signal(libc::WTERMSIG(status)) } else { End::Code(libc::WEXITSTATUS(status)) };
    Ok(Exit {
        end,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        // Linux counts it in KiB.
        peak_resident: u64::try_from(usage.ru_maxrss).unwrap_or(0) << 10,
    })
}
