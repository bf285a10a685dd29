//! Native code: how it comes into a process, once or all the time, and how the door is shut after it.
//!
//! Never is memory writable and executable at once, and no mapping begins as an executable one: an artifact's file is mapped to
//! be read, and then its code is made executable.

use libc::{F_ADD_SEALS, MADV_DONTNEED, MFD_ALLOW_SEALING, MFD_CLOEXEC, PROT_EXEC, PROT_READ};

use super::List;
use crate::seccomp::rule::{Arg, Test, call};

/// Protections of code.
const CODE: Test = Test::Within((PROT_READ | PROT_EXEC) as u64);
const CODE_TEXT: &str = "at most PROT_READ, PROT_EXEC";

/// `PIDFD_SELF` of newer kernels: the process, without a descriptor for it. An `int`, of which a filter sees the bits.
const PIDFD_SELF: u64 = (-10_000_i32).cast_unsigned() as u64;

/// The kernel's `PAGEMAP_SCAN`, by which a pool finds the pages that a guest wrote to. It only reads, from a descriptor for
/// this process's own page map.
#[cfg(target_arch = "x86_64")]
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// What a process that runs one guest does between its jail and the guest, engine or not.
pub(in crate::seccomp) const LOADING: List = &[
    call!(SYS_seccomp, "the second filter is put on this one")
        .with(&[
            Arg::int(0, Test::Is(libc::SECCOMP_SET_MODE_FILTER as u64), "SECCOMP_SET_MODE_FILTER"),
            Arg::int(1, Test::Is(libc::SECCOMP_FILTER_FLAG_TSYNC), "SECCOMP_FILTER_FLAG_TSYNC"),
        ])
        .while_loading(),
    call!(SYS_prctl, "the second filter is put on this one, which asks for this first")
        .with(&[Arg::int(0, Test::Is(libc::PR_SET_NO_NEW_PRIVS as u64), "PR_SET_NO_NEW_PRIVS")])
        .while_loading(),
];

/// How large an artifact is, of which that is asked once.
pub(in crate::seccomp) const ARTIFACT: List = &[call!(SYS_statx, "the size of an artifact that it was handed").with(&[Arg::int(
    2,
    Test::Is(libc::AT_EMPTY_PATH as u64),
    "AT_EMPTY_PATH",
)])];

/// One artifact is mapped; after that there is no executable memory to be had.
pub(in crate::seccomp) const CODE_ONCE: List = &[
    call!(SYS_mprotect, "an artifact's code becomes executable, and its data is shut")
        .with(&[Arg::long(2, CODE, CODE_TEXT)])
        .while_loading(),
    // Bytes in a memory file are no private memory, so that RLIMIT_DATA would not count them.
    call!(SYS_memfd_create, "a module's data becomes a file of which each memory is a private copy")
        .with(&[Arg::int(1, Test::Within((MFD_CLOEXEC | MFD_ALLOW_SEALING) as u64), "at most MFD_CLOEXEC, MFD_ALLOW_SEALING")])
        .while_loading(),
    call!(SYS_fcntl, "that file can no longer be changed")
        .with(&[Arg::int(1, Test::Is(F_ADD_SEALS as u64), "F_ADD_SEALS")])
        .while_loading(),
];

/// Modules come and go, and instances come from a pool.
pub(in crate::seccomp) const CODE_ALWAYS: List = &[
    // What a pool hides so from `RLIMIT_DATA` its control group counts.
    call!(SYS_mprotect, "an artifact's code becomes executable, its data is shut, and a pool takes back what a guest had")
        .with(&[Arg::long(2, CODE, CODE_TEXT)]),
    call!(SYS_memfd_create, "a module's data becomes a file of which each memory is a private copy").with(&[Arg::int(
        1,
        Test::Within((MFD_CLOEXEC | MFD_ALLOW_SEALING) as u64),
        "at most MFD_CLOEXEC, MFD_ALLOW_SEALING",
    )]),
    call!(SYS_fcntl, "that file can no longer be changed").with(&[Arg::int(1, Test::Is(F_ADD_SEALS as u64), "F_ADD_SEALS")]),
    call!(SYS_sched_getaffinity, "a pool is divided by how many processors there are"),
    call!(SYS_process_madvise, "a pool gives back the pages of many instances at once")
        .with(&[Arg::int(0, Test::Is(PIDFD_SELF), "PIDFD_SELF"), Arg::int(3, Test::Is(MADV_DONTNEED as u64), "MADV_DONTNEED")]),
    #[cfg(target_arch = "x86_64")]
    call!(SYS_ioctl, "a pool finds the pages that a guest wrote to").with(&[Arg::int(1, Test::Is(PAGEMAP_SCAN), "PAGEMAP_SCAN")]),
    // x86 keeps its instruction caches right by itself.
    #[cfg(target_arch = "aarch64")]
    call!(SYS_membarrier, "new code is made visible to every core"),
];
