//! jail-001: a fork bomb, a bomb of threads.

use std::{fs, thread};

use ambit_jail::cgroup::{Cgroups, GroupLimits};

use crate::{
    Test,
    jail::{Jail, Stage},
    outside::outside,
    probe::{Attempt, Came, Expect, Probes, check, expect},
    raw::{self, ptr},
    skip::skip,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_001_no_process_and_no_thread_is_made", no_process_and_no_thread_is_made),
    ("jail_001_the_kernel_counts_none", the_kernel_counts_none),
    ("jail_001_a_group_counts_them", a_group_counts_them),
];

pub(crate) const PROBES: Probes = &[
    ("clone", Attempt::Call(|_| raw::fork(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0]))),
    #[cfg(target_arch = "x86_64")]
    ("fork", Attempt::Call(|_| raw::fork(libc::SYS_fork, [0; 6]))),
    ("clone3", Attempt::Call(|_| clone3())),
    ("thread", Attempt::Call(|_| thread::Builder::new().spawn(|| ()).map_or(-1, |_| 0))),
    ("fork bomb", Attempt::Call(|_| bomb())),
    ("wait to be looked at", Attempt::Call(|_| raw::call(libc::SYS_ppoll, [0; 6]))),
];

fn clone3() -> i64 {
    // The fifth word is the signal at its end.
    let mut args = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0_u64];
    let size = size_of_val(&args) as u64;
    raw::fork(libc::SYS_clone3, [ptr(&mut args), size, 0, 0, 0, 0])
}

/// As many processes as there are to be had, of 40; nobody waits for any, so that each still counts.
fn bomb() -> i64 {
    (0..40).take_while(|_| raw::fork(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0]) > 0).count() as i64
}

fn no_process_and_no_thread_is_made() {
    for name in ["clone", "fork", "clone3", "thread"] {
        if cfg!(target_arch = "x86_64") || name != "fork" {
            check(name, "", Expect::Sigsys, Expect::Untried, Expect::Went);
        }
    }
}

/// Were there a call that makes one, it would still make none.
fn the_kernel_counts_none() {
    let mut inmate = Jail::new().start("wait to be looked at", "", &[], None).expect("a process");
    inmate.entered();
    let limits = fs::read_to_string(format!("/proc/{}/limits", inmate.child.pid().as_raw_nonzero())).expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max processes")).expect("a line");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[2..4], ["0", "0"], "{line}");
}

fn a_group_counts_them() {
    let cgroups = Cgroups::discover();
    if !cgroups.offers().pids {
        return skip("jail_001_a_group_counts_them", "no group can be made here that bounds processes");
    }
    let group = cgroups.create("bomb", &GroupLimits { pids: Some(8), ..GroupLimits::default() }).expect("a group");
    let jail = Jail::new().at(Stage::Below);
    expect("fork bomb", "in a group", Expect::Says("7"), || {
        jail.start("fork bomb", "", &[], Some(&group)).expect("a process").came()
    });
    assert_eq!(outside("fork bomb", ""), Came::said(40));
}
