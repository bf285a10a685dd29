//! Waiting for descriptors and times: Tokio's runtime, on one thread.

use super::List;
use crate::seccomp::rule::{Arg, Test, call};

/// Where the runtime watches what somebody else has too.
pub(in crate::seccomp) const COPYING: List = &[call!(SYS_fcntl, "a descriptor gets a copy of its own").with(&[Arg::int(
    1,
    Test::Is(libc::F_DUPFD_CLOEXEC as u64),
    "F_DUPFD_CLOEXEC",
)])];

pub(in crate::seccomp) const WAITING: List = &[
    call!(SYS_epoll_ctl, "the runtime watches a descriptor"),
    #[cfg(target_arch = "x86_64")]
    call!(SYS_epoll_wait, "the runtime waits for what it watches"),
    #[cfg(target_arch = "aarch64")]
    call!(SYS_epoll_pwait, "the runtime waits for what it watches"),
];
