//! Calls that no list needs and an operator may add: they tell a process about itself, or use what it has already.

use super::{
    lists::List,
    rule::{Arg, Test, call},
};

pub(super) const OFFERED: List = &[
    // About itself.
    call!(SYS_getuid, "its user"),
    call!(SYS_geteuid, "its user"),
    call!(SYS_getresuid, "its user"),
    call!(SYS_getgid, "its group"),
    call!(SYS_getegid, "its group"),
    call!(SYS_getresgid, "its group"),
    call!(SYS_getgroups, "its groups"),
    call!(SYS_getppid, "its parent, as far as it can see one"),
    call!(SYS_getpgid, "its process group"),
    call!(SYS_getsid, "its session"),
    call!(SYS_getcpu, "where it runs"),
    call!(SYS_getpriority, "its priority"),
    call!(SYS_getrusage, "what it has used"),
    call!(SYS_getrlimit, "its limits"),
    call!(SYS_times, "what it has used"),
    call!(SYS_capget, "its capabilities"),
    call!(SYS_getcwd, "its directory"),
    // About the machine.
    call!(SYS_uname, "the kernel's name and version"),
    call!(SYS_sysinfo, "memory and load"),
    call!(SYS_sched_getaffinity, "how many cores there are"),
    call!(SYS_sched_get_priority_max, "the range of priorities"),
    call!(SYS_sched_get_priority_min, "the range of priorities"),
    // Time.
    call!(SYS_clock_getres, "how fine a clock is"),
    call!(SYS_gettimeofday, "the time"),
    call!(SYS_nanosleep, "sleeping"),
    call!(SYS_clock_nanosleep, "sleeping"),
    call!(SYS_timerfd_create, "a timer as a descriptor"),
    call!(SYS_timerfd_settime, "sets it"),
    call!(SYS_timerfd_gettime, "asks it"),
    // Descriptors it has.
    call!(SYS_dup, "a copy of a descriptor"),
    call!(SYS_dup3, "a copy of a descriptor"),
    call!(SYS_pipe2, "a pipe to itself"),
    #[cfg(target_arch = "x86_64")]
    call!(SYS_poll, "waiting"),
    #[cfg(target_arch = "x86_64")]
    call!(SYS_epoll_pwait, "waiting"),
    call!(SYS_epoll_pwait2, "waiting"),
    call!(SYS_recvfrom, "reads from a socket"),
    call!(SYS_sendto, "writes to a socket").with(&[Arg::long(4, Test::Is(0), "no address")]),
    call!(SYS_shutdown, "ends one direction of a socket"),
    call!(SYS_getsockname, "a socket's own address"),
    call!(SYS_getpeername, "a socket's other address"),
    call!(SYS_getsockopt, "how a socket is set"),
    call!(SYS_sendfile, "copies from one descriptor to another"),
    call!(SYS_copy_file_range, "copies from one file to another"),
    call!(SYS_flock, "locks a file"),
    call!(SYS_pwrite64, "writes at a place"),
    call!(SYS_readv, "reads into several buffers"),
    call!(SYS_preadv, "reads at a place"),
    call!(SYS_preadv2, "reads at a place"),
    call!(SYS_pwritev2, "writes at a place"),
    call!(SYS_sync_file_range, "stores a part of a file"),
    // Names of files.
    call!(SYS_statx, "looks at a file"),
    call!(SYS_statfs, "looks at a file system"),
    call!(SYS_fstatfs, "looks at a file system"),
    call!(SYS_faccessat, "asks what it may do with a file"),
    call!(SYS_faccessat2, "asks what it may do with a file"),
    call!(SYS_renameat2, "renames, or swaps two names"),
    call!(SYS_umask, "which modes new files do not get"),
];
