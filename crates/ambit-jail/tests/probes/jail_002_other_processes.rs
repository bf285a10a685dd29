//! jail-002: tracing, reading and taking descriptors of the parent.

use std::process::id;

use crate::{
    Test,
    probe::{Attempt, Expect, Given, Probes, check},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] = &[("jail_002_nothing_is_read_or_taken_of_others", nothing_is_read_or_taken_of_others)];

pub(crate) const PROBES: Probes = &[
    ("ptrace", Attempt::Call(|given| call(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), pid(given), 0, 0, 0, 0]))),
    ("process_vm_readv", Attempt::Call(|given| at(given, libc::SYS_process_vm_readv))),
    ("process_vm_writev", Attempt::Call(|given| at(given, libc::SYS_process_vm_writev))),
    ("pidfd_open", Attempt::Call(|given| call(libc::SYS_pidfd_open, [pid(given), 0, 0, 0, 0, 0]))),
    ("pidfd_getfd", Attempt::Call(getfd)),
    ("kcmp", Attempt::Call(|given| call(libc::SYS_kcmp, [pid(given), pid(given), 1, 0, 0, 0]))),
];

/// What native code wants to have.
static SECRET: [u8; 8] = *b"a secret";

fn pid(given: &Given) -> u64 {
    given.with.split(' ').next().and_then(|pid| pid.parse().ok()).expect("a number")
}

/// Reads or writes the secret of the process that is named, at the address that is.
fn at(given: &Given, number: i64) -> i64 {
    let (pid, address) = given.with.split_once(' ').expect("two numbers");
    let mut mine = SECRET;
    let mut local = [ptr(&mut mine), SECRET.len() as u64];
    // What is written is what is there already: the test's own memory is not to change.
    let mut remote: [u64; 2] = [address.parse().expect("a number"), if number == libc::SYS_process_vm_readv { 8 } else { 0 }];
    call(number, [pid.parse().expect("a number"), ptr(&mut local), 1, ptr(&mut remote), 1, 0])
}

fn getfd(given: &Given) -> i64 {
    let pidfd = call(libc::SYS_pidfd_open, [pid(given), 0, 0, 0, 0, 0]);
    if pidfd < 0 { pidfd } else { call(libc::SYS_pidfd_getfd, [pidfd.cast_unsigned(), 2, 0, 0, 0, 0]) }
}

fn nothing_is_read_or_taken_of_others() {
    let below = Expect::Fails(&[libc::ESRCH]);
    for name in ["ptrace", "pidfd_open", "pidfd_getfd", "kcmp"] {
        check(name, &id().to_string(), Expect::Sigsys, below, Expect::WentAsRoot);
    }
    let with = format!("{} {}", id(), SECRET.as_ptr() as u64);
    check("process_vm_readv", &with, Expect::Sigsys, below, Expect::WentAsRoot);
    // Nothing is written: the test's own memory is not to change, and the kernel looks for nobody then.
    check("process_vm_writev", &with, Expect::Sigsys, Expect::Untried, Expect::Went);
}
