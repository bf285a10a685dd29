//! jail-012: crashing over and over, and what a core dump would tell.

use std::{env, fs, os::unix::process::ExitStatusExt as _, path::Path, process::abort};

use crate::{
    Test,
    jail::Jail,
    outside,
    probe::{Attempt, Came, Given, Probes},
    raw::{call, ptr},
    skip::skip,
};

pub(crate) const TESTS: &[Test] = &[("jail_012_crashes_leave_nothing", crashes_leave_nothing)];

pub(crate) const PROBES: Probes = &[
    ("abort", Attempt::Look(|_| abort())),
    ("fault", Attempt::Look(|_| fault())),
    ("abort, dumping", Attempt::Look(|_| abort_dumping())),
    ("crashing children", Attempt::Look(crashing_children)),
];

fn fault() -> String {
    crate::touch::fill(0x1000, 1);
    "went on".into()
}

fn abort_dumping() -> String {
    allow_dumps();
    abort()
}

/// As far as this process may have them.
fn allow_dumps() {
    let mut limits = [0_u64; 2];
    call(libc::SYS_prlimit64, [0, libc::RLIMIT_CORE.into(), 0, ptr(&mut limits), 0, 0]);
    limits[0] = limits[1];
    call(libc::SYS_prlimit64, [0, libc::RLIMIT_CORE.into(), ptr(&mut limits), 0, 0, 0]);
}

/// Jails that crash, made by a process that may dump and is in a directory for it.
fn crashing_children(given: &Given) -> String {
    allow_dumps();
    env::set_current_dir(&given.with).expect("the directory");
    (0..20).map(|turn| format!("{:?} ", Jail::new().attempt(if turn % 2 == 0 { "abort" } else { "fault" }, ""))).collect()
}

fn dumps(dir: &Path) -> usize {
    fs::read_dir(dir).expect("the directory").count()
}

fn crashes_leave_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("a plain name");
    let Came::Said(ends) = outside::outside("crashing children", path) else { panic!("it says so") };
    // The first process of a PID namespace is sent no signal by itself: abort() comes to the instruction with which it makes sure
    // that it ends.
    assert_eq!(ends, format!("{:?} ", Came::Killed(libc::SIGSEGV)).repeat(20));
    assert_eq!(dumps(dir.path()), 0);
    // Outside a crash leaves one, where the machine writes any to the directory.
    let status = outside::command("abort, dumping", "").current_dir(dir.path()).status().expect("started");
    assert_eq!(status.signal(), Some(libc::SIGABRT));
    if !status.core_dumped() {
        skip("jail_012_crashes_leave_nothing", "no core dump is written outside either");
    }
}
