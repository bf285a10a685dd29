//! Reading and writing what the process was handed: its socket, and the streams of its guest. There is no call here that
//! makes a socket or gives one an address.

use libc::{O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_WRONLY};

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
    // Frames to and from the parent; descriptors come with a job.
    call!(SYS_recvmsg, "a frame with descriptors"),
    call!(SYS_sendmsg, "a frame"),
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

/// How the host opens a guest's output anew, so that it can be made non-blocking for this process alone. Where there is no
/// `/proc`, that finds nothing, and the host does without.
const ANEW: Test = Test::Masked { mask: !LARGEFILE, value: (O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) as u64 };
const ANEW_TEXT: &str = "O_WRONLY, O_NONBLOCK, O_CLOEXEC, O_NOCTTY";

pub(in crate::seccomp) const OUTPUT: List = &[
    #[cfg(target_arch = "x86_64")]
    call!(SYS_open, "the host looks for a guest's output in /proc/self/fd").with(&[Arg::int(1, ANEW, ANEW_TEXT)]),
    #[cfg(target_arch = "aarch64")]
    call!(SYS_openat, "the host looks for a guest's output in /proc/self/fd").with(&[Arg::int(2, ANEW, ANEW_TEXT)]),
    // It only reads. The requests that type into a terminal are other numbers.
    call!(SYS_ioctl, "a guest asks whether its stream is a terminal").with(&[Arg::int(
        1,
        Test::Is(libc::TIOCGWINSZ),
        "TIOCGWINSZ",
    )]),
];
