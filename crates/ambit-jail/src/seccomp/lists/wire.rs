//! Reading and writing what the process was handed: its socket, and the streams of its guest. There is no call here that
//! makes a socket or gives one an address.

use super::List;
use crate::seccomp::rule::{Arg, Test, call};

/// Set by whoever opens a file on a 64-bit machine or does not; it means nothing there. The C library's constant is 0.
#[cfg(target_arch = "x86_64")]
pub(super) const LARGEFILE: u64 = 0o100_000;
#[cfg(target_arch = "aarch64")]
pub(super) const LARGEFILE: u64 = 0o400_000;

pub(in crate::seccomp) const WIRE: List = &[
    call!(SYS_read, "a guest's input; waking the runtime"),
    call!(SYS_write, "a guest's output; waking the runtime; the last words of a panic"),
    call!(SYS_writev, "several buffers at once"),
    call!(SYS_close, "a descriptor is no longer needed"),
    call!(SYS_fstat, "the host looks at what it was handed"),
    call!(SYS_statx, "the size of an artifact that it was handed").with(&[Arg::int(
        2,
        Test::Is(libc::AT_EMPTY_PATH as u64),
        "AT_EMPTY_PATH",
    )]),
    // Frames to and from the parent; descriptors come with a job.
    call!(SYS_recvmsg, "a frame with descriptors"),
    call!(SYS_sendmsg, "a frame"),
    call!(SYS_ppoll, "the process waits for its socket; the host asks whether a stream is ready"),
    // F_SETFL is not here: it changes a stream for everybody who shares it.
    call!(SYS_fcntl, "a descriptor gets a copy of its own").with(&[Arg::int(
        1,
        Test::Is(libc::F_DUPFD_CLOEXEC as u64),
        "F_DUPFD_CLOEXEC",
    )]),
    call!(SYS_fcntl, "how a descriptor was opened is asked").with(&[Arg::int(1, Test::Is(libc::F_GETFL as u64), "F_GETFL")]),
    call!(SYS_fcntl, "builds with debug assertions look whether a descriptor is open before they close it").with(&[Arg::int(
        1,
        Test::Is(libc::F_GETFD as u64),
        "F_GETFD",
    )]),
];
