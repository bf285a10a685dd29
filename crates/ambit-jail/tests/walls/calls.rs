//! Calls that no list has: each kills, behind each list.

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, Wall, attempt, skip},
    raw::{self, ptr},
};

pub(crate) const TESTS: &[Test] = &[
    ("denied_calls_kill_behind_every_list", denied_calls_kill_behind_every_list),
    ("other_ways_into_the_kernel_kill", other_ways_into_the_kernel_kill),
];

/// Each succeeds, or is refused for what it was asked and not for being asked.
pub(crate) const ATTEMPTS: Attempts = &[
    ("ptrace", Attempt::Call(|| plain(libc::SYS_ptrace, [0; 6]))),
    ("process_vm_readv", Attempt::Call(|| plain(libc::SYS_process_vm_readv, [parent(), 0, 0, 0, 0, 0]))),
    ("process_vm_writev", Attempt::Call(|| plain(libc::SYS_process_vm_writev, [parent(), 0, 0, 0, 0, 0]))),
    ("pidfd_open", Attempt::Call(|| plain(libc::SYS_pidfd_open, [parent(), 0, 0, 0, 0, 0]))),
    ("pidfd_getfd", Attempt::Call(|| plain(libc::SYS_pidfd_getfd, [NO_FD, 0, 0, 0, 0, 0]))),
    ("kill", Attempt::Call(|| plain(libc::SYS_kill, [parent(), 0, 0, 0, 0, 0]))),
    ("socket", Attempt::Call(|| plain(libc::SYS_socket, [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0]))),
    ("socketpair", Attempt::Call(|| plain(libc::SYS_socketpair, [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0]))),
    ("connect", Attempt::Call(|| plain(libc::SYS_connect, [NO_FD, 0, 0, 0, 0, 0]))),
    ("bind", Attempt::Call(|| plain(libc::SYS_bind, [NO_FD, 0, 0, 0, 0, 0]))),
    ("execve", Attempt::Call(|| plain(libc::SYS_execve, [0; 6]))),
    ("execveat", Attempt::Call(|| plain(libc::SYS_execveat, [NO_FD, 0, 0, 0, 0, 0]))),
    ("clone", Attempt::Call(|| raw::fork(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0]))),
    ("clone3", Attempt::Call(clone3)),
    #[cfg(target_arch = "x86_64")]
    ("fork", Attempt::Call(|| raw::fork(libc::SYS_fork, [0; 6]))),
    ("unshare", Attempt::Call(|| plain(libc::SYS_unshare, [libc::CLONE_FS as u64, 0, 0, 0, 0, 0]))),
    ("setns", Attempt::Call(|| plain(libc::SYS_setns, [NO_FD, 0, 0, 0, 0, 0]))),
    ("mount", Attempt::Call(|| plain(libc::SYS_mount, [0; 6]))),
    ("pivot_root", Attempt::Call(|| plain(libc::SYS_pivot_root, [0; 6]))),
    ("chroot", Attempt::Call(|| plain(libc::SYS_chroot, [0; 6]))),
    ("open_tree", Attempt::Call(|| plain(libc::SYS_open_tree, [NO_FD, 0, 0, 0, 0, 0]))),
    ("open_by_handle_at", Attempt::Call(|| plain(libc::SYS_open_by_handle_at, [NO_FD, 0, 0, 0, 0, 0]))),
    ("io_uring_setup", Attempt::Call(|| plain(libc::SYS_io_uring_setup, [1, ptr(&mut [0_u64; 15]), 0, 0, 0, 0]))),
    ("userfaultfd", Attempt::Call(|| plain(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0]))),
    ("bpf", Attempt::Call(|| plain(libc::SYS_bpf, [0; 6]))),
    ("perf_event_open", Attempt::Call(|| plain(libc::SYS_perf_event_open, [0; 6]))),
    ("keyctl", Attempt::Call(|| plain(libc::SYS_keyctl, [0; 6]))),
    ("add_key", Attempt::Call(|| plain(libc::SYS_add_key, [0; 6]))),
    ("kexec_load", Attempt::Call(|| plain(libc::SYS_kexec_load, [0, 0, 0, u64::MAX, 0, 0]))),
    ("finit_module", Attempt::Call(|| plain(libc::SYS_finit_module, [NO_FD, 0, 0, 0, 0, 0]))),
    ("setuid", Attempt::Call(|| plain(libc::SYS_setuid, [u64::MAX, 0, 0, 0, 0, 0]))),
    ("capset", Attempt::Call(|| plain(libc::SYS_capset, [0; 6]))),
    ("memfd_secret", Attempt::Call(|| plain(libc::SYS_memfd_secret, [0; 6]))),
    ("shmget", Attempt::Call(|| plain(libc::SYS_shmget, [0; 6]))),
    ("prctl", Attempt::Call(|| plain(libc::SYS_prctl, [libc::PR_GET_DUMPABLE as u64, 0, 0, 0, 0, 0]))),
    ("seccomp", Attempt::Call(|| plain(libc::SYS_seccomp, [libc::SECCOMP_SET_MODE_FILTER.into(), 1, 0, 0, 0, 0]))),
    ("ioctl", Attempt::Call(|| plain(libc::SYS_ioctl, [0, libc::TIOCSTI, 0, 0, 0, 0]))),
    ("sendto", Attempt::Call(|| plain(libc::SYS_sendto, [0; 6]))),
    ("setitimer", Attempt::Call(|| plain(libc::SYS_setitimer, [0; 6]))),
    ("mknodat", Attempt::Call(|| plain(libc::SYS_mknodat, [NO_FD, 0, 0, 0, 0, 0]))),
    ("fchmod", Attempt::Call(|| plain(libc::SYS_fchmod, [NO_FD, 0, 0, 0, 0, 0]))),
    #[cfg(target_arch = "x86_64")]
    ("x32 getpid", Attempt::Call(|| plain(0x4000_0000 | libc::SYS_getpid, [0; 6]))),
    #[cfg(target_arch = "x86_64")]
    ("int 0x80", Attempt::Call(|| raw::call_32(20))),
    ("no such call", Attempt::Call(|| plain(100_000, [0; 6]))),
];

/// Those that are no calls of this architecture: without a list they are no calls at all, or another's.
const OTHER: &[&str] = &["x32 getpid", "int 0x80", "no such call"];

const NO_FD: u64 = u64::MAX;

fn plain(number: i64, args: [u64; 6]) -> i64 {
    raw::call(number, args)
}

fn parent() -> u64 {
    std::os::unix::process::parent_id().into()
}

fn clone3() -> i64 {
    // The fifth word is the signal at its end.
    let mut args = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0_u64];
    let size = size_of_val(&args) as u64;
    raw::fork(libc::SYS_clone3, [ptr(&mut args), size, 0, 0, 0, 0])
}

fn denied_calls_kill_behind_every_list() {
    for (name, _) in ATTEMPTS.iter().filter(|(name, _)| !OTHER.contains(name)) {
        let alone = attempt(name, &Wall::none());
        if !alone.was_answered() {
            skip("denied_calls_kill_behind_every_list", &format!("this kernel has no {name}"));
        }
        for wall in Wall::each() {
            assert_eq!(attempt(name, &wall), End::SIGSYS, "{name} behind {wall:?}; without, {alone:?}");
        }
    }
}

fn other_ways_into_the_kernel_kill() {
    for (name, _) in ATTEMPTS.iter().filter(|(name, _)| OTHER.contains(name)) {
        let alone = attempt(name, &Wall::none());
        match name {
            // Without 32-bit programs in the kernel this is a fault, by which one is killed either way.
            &"int 0x80" if alone == End::Killed(libc::SIGSEGV) => {
                skip("other_ways_into_the_kernel_kill", "this kernel has no 32-bit programs");
                continue;
            }
            _ => assert!(matches!(alone, End::Went(_)), "{name}: {alone:?}"),
        }
        for wall in Wall::each() {
            assert_eq!(attempt(name, &wall), End::SIGSYS, "{name} behind {wall:?}");
        }
    }
}
