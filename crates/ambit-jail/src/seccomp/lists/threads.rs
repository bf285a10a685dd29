//! Threads: of compilers, and of workers that guests share. A worker that runs one guest has a single one and needs none of
//! this. None can be made: these are for those that are there.

use libc::{FUTEX_WAIT, FUTEX_WAIT_BITSET};

use super::{List, base::futex};
use crate::seccomp::rule::{Arg, Test, call};

pub(in crate::seccomp) const THREADS: List = &[
    // Taken by whoever allocates when another thread does: how soon that happens is chance.
    call!(SYS_futex, "glibc waits for a lock or a thread").with(&[Arg::int(1, futex(FUTEX_WAIT), "FUTEX_WAIT")]),
    call!(SYS_futex, "locks and channels wait, until a time").with(&[Arg::int(1, futex(FUTEX_WAIT_BITSET), "FUTEX_WAIT_BITSET")]),
    // Both go on where there is no such file. A process's first heap, all that one thread has, shrinks by brk.
    call!(
        SYS_openat,
        "the allocator looks for /proc/sys/vm/overcommit_memory before it shrinks a thread's heap, and the standard library for \
         how many processors a group may use"
    )
    .with(&[Arg::int(2, Test::Is((libc::O_RDONLY | libc::O_CLOEXEC) as u64), "O_RDONLY, O_CLOEXEC")]),
    call!(SYS_madvise, "a thread's heap, an ending thread and the engine give pages back, and find zeros later").with(&[Arg::int(
        2,
        Test::Is(libc::MADV_DONTNEED as u64),
        "MADV_DONTNEED",
    )]),
];

/// Threads of a runtime: they wait until a time, and end with their worker.
pub(in crate::seccomp) const RUNTIME: List = &[
    call!(SYS_exit, "a thread ends"),
    // Only waits for a futex until a time, here the ticker's, go on by it; a machine that sleeps interrupts them too.
    call!(SYS_restart_syscall, "the kernel goes on with a wait during which the process was stopped"),
];

/// Threads that compile together.
pub(in crate::seccomp) const COMPILING: List =
    &[call!(SYS_sched_yield, "a thread that has nothing to compile looks around before it waits")];
