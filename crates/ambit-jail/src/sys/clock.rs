//! The CPU clock of another process.
#![expect(unsafe_code, reason = "libc has these calls as unsafe functions")]

use std::{io, mem::MaybeUninit, time::Duration};

use rustix::process::Pid;

/// CPU time that all threads of `pid` have used. The process need not be ours to trace; it must not have been reaped.
pub(crate) fn process_cpu_time(pid: Pid) -> io::Result<Duration> {
    let mut clock = 0;
    // SAFETY: `clock` is a valid place for a `clockid_t` for the duration of the call.
    let failed = unsafe { libc::clock_getcpuclockid(pid.as_raw_nonzero().get(), &raw mut clock) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is a valid place for a `timespec` for the duration of the call.
    if unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it has filled it in.
    let time = unsafe { time.assume_init() };
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Ok(Duration::new(seconds, nanos))
}
