//! Reading and writing what the process was handed: its socket, and the streams of its guest. There is no call here that
//! makes a socket or gives one an address.

use super::List;
use crate::seccomp::rule::call;
#[cfg(debug_assertions)]
use crate::seccomp::rule::{Arg, Test};

/// Set by whoever opens a file on a 64-bit machine or does not; it means nothing there. The C library's constant is 0.
#[cfg(target_arch = "x86_64")]
pub(super) const LARGEFILE: u64 = 0o100_000;
#[cfg(target_arch = "aarch64")]
pub(super) const LARGEFILE: u64 = 0o400_000;

pub(in crate::seccomp) const WIRE: List = &[
    call!(SYS_read, "a guest's input; waking the runtime"),
    call!(SYS_write, "a guest's output; waking the runtime; the last words of a panic"),
    call!(SYS_close, "a descriptor is no longer needed"),
    call!(SYS_fstat, "the host looks at what it was handed"),
    // Frames to and from the parent; descriptors come with a job.
    call!(SYS_recvmsg, "a frame with descriptors"),
    call!(SYS_sendmsg, "a frame"),
    call!(SYS_ppoll, "the process waits for its socket; the host asks whether a stream is ready"),
    // fcntl is not here: F_SETFL changes a stream for everybody who shares it.
];

/// What a build that is shipped does not do.
pub(in crate::seccomp) const DEBUGGING: List = &[
    #[cfg(debug_assertions)]
    call!(SYS_fcntl, "builds with debug assertions look whether a descriptor is open before they close it").with(&[Arg::int(
        1,
        Test::Is(libc::F_GETFD as u64),
        "F_GETFD",
    )]),
];

/// Streams that are descriptors, which only a guest alone in its process has.
pub(in crate::seccomp) const STREAMS: List = &[call!(SYS_writev, "several buffers at once")];
