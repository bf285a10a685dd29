//! What every process needs: to end, to handle signals, to know the time.

use libc::FUTEX_WAKE;

use super::List;
use crate::seccomp::rule::{Arg, Test, call};

/// Which operation; flags for private futexes and the clock are beside it.
const FUTEX_COMMAND: u64 = 0x7f;

pub(super) const fn futex(command: i32) -> Test {
    Test::Masked { mask: FUTEX_COMMAND, value: command as u64 }
}

pub(in crate::seccomp) const BASE: List = &[
    // Ending.
    call!(SYS_exit_group, "the process ends"),
    // abort(), and with it every panic: without these it would look as if a guest had tried a forbidden call.
    call!(SYS_rt_sigprocmask, "abort() lets SIGABRT through; glibc blocks signals while a thread ends"),
    call!(SYS_gettid, "abort() names its thread"),
    call!(SYS_getpid, "abort() names its process"),
    call!(SYS_tgkill, "abort() sends SIGABRT, to its own process").with(&[Arg::int(0, Test::OwnProcess, "to itself")]),
    // Signals are how a guest's traps arrive: an access outside its memory is a SIGSEGV.
    call!(SYS_rt_sigaction, "the engine handles SIGSEGV, SIGILL and SIGFPE; abort() resets SIGABRT"),
    call!(SYS_rt_sigreturn, "a signal handler returns"),
    call!(SYS_sigaltstack, "a signal handler needs a stack when the thread's own has overflowed"),
    // Also where there is one thread: nobody asks whether somebody waits. Neither the standard library nor glibc moves waiters
    // from one futex to another or lends priorities: that half of the call has had more holes than all the rest of this list.
    call!(SYS_futex, "locks and channels wake who waits").with(&[Arg::int(1, futex(FUTEX_WAKE), "FUTEX_WAKE")]),
    // Time and chance. There is no vDSO clock where the machine's clock source cannot be read from outside the kernel.
    call!(SYS_clock_gettime, "the CPU clock of a thread, which the vDSO cannot read; any clock where there is no vDSO"),
    call!(SYS_getrandom, "hash tables are seeded; a guest may be granted random numbers"),
];
