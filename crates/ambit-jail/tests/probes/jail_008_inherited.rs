//! jail-008: descriptors, variables and settings of a careless parent.

use std::{env, fs, net::TcpListener};

use rustix::io::FdFlags;

use crate::{
    Test,
    jail::{Jail, Stage},
    outside,
    probe::{Attempt, Came, Given, Probes},
    raw::{call, ptr},
    skip::is_root,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_008_nothing_of_the_parent_is_left", nothing_of_the_parent_is_left),
    ("jail_008_four_descriptors_are_open", four_descriptors_are_open),
];

pub(crate) const PROBES: Probes = &[
    ("careless parent", Attempt::Look(careless)),
    ("what is left", Attempt::Look(|_| what_is_left())),
    ("descriptors", Attempt::Look(|_| descriptors())),
];

const SESSION_KEYRING: u64 = -3_i64 as u64;
const NAME: &std::ffi::CStr = c"ambit-probe-secret";
const FIXED_ADDRESSES: u64 = 0x4_0000;
const TOKEN: &str = "AMBIT_PROBE_TOKEN";

/// A parent with all that a parent can have, which then looks at itself, or starts a jailed process that does.
fn careless(given: &Given) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let leaked = rustix::io::fcntl_dupfd_cloexec(&listener, 100).expect("a copy");
    rustix::io::fcntl_setfd(&leaked, FdFlags::empty()).expect("it stays over exec");
    let mut ignore = [1_u64, 0, 0, 0];
    for signal in [libc::SIGTERM, libc::SIGUSR1] {
        call(libc::SYS_rt_sigaction, [signal as u64, ptr(&mut ignore), 0, 8, 0, 0]);
    }
    call(libc::SYS_rt_sigprocmask, [0, ptr(&mut (1_u64 << (libc::SIGUSR2 - 1))), 0, 8, 0, 0]);
    call(libc::SYS_personality, [FIXED_ADDRESSES, 0, 0, 0, 0, 0]);
    call(libc::SYS_keyctl, [libc::KEYCTL_JOIN_SESSION_KEYRING.into(), 0, 0, 0, 0, 0]);
    call(libc::SYS_add_key, [c"user".as_ptr() as u64, NAME.as_ptr() as u64, NAME.as_ptr() as u64, 5, SESSION_KEYRING, 0]);
    // Root's alone; whoever else tries fails.
    call(libc::SYS_setpriority, [0, 0, (-5_i64).cast_unsigned(), 0, 0, 0]);
    call(libc::SYS_sched_setscheduler, [0, libc::SCHED_RR as u64, ptr(&mut 1_i32), 0, 0, 0]);
    let _ = fs::write("/proc/self/oom_score_adj", "-500");
    match given.with.as_str() {
        "itself" => what_is_left(),
        _ => match Jail::new().at(Stage::Spawned).attempt("what is left", "") {
            Came::Said(said) => said,
            other => format!("{other:?}"),
        },
    }
}

/// What can be found of a parent, by a process that has not entered its jail yet.
fn what_is_left() -> String {
    let listed = fs::read_dir("/proc/self/fd").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut fds: Vec<u32> = listed.collect();
    // Without that of the listing.
    fds.retain(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).is_ok());
    fds.sort_unstable();
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
        // Without SIGPIPE, which Rust's own startup ignores.
        u64::from_str_radix(line.trim(), 16).expect("a mask") & !(1 << (libc::SIGPIPE - 1))
    };
    let environment = fs::read("/proc/self/environ").expect("/proc");
    let search = call(libc::SYS_keyctl, [10, SESSION_KEYRING, c"user".as_ptr() as u64, NAME.as_ptr() as u64, 0, 0]);
    format!(
        "fds {fds:?}, token {}, {} variables, ignored {:x}, blocked {:x}, personality {:x}, key {}, nice {}, policy {}, oom {}",
        String::from_utf8_lossy(&environment).contains(TOKEN),
        env::vars_os().count(),
        mask("SigIgn:"),
        mask("SigBlk:"),
        call(libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0, 0]),
        search >= 0,
        20 - call(libc::SYS_getpriority, [0; 6]),
        call(libc::SYS_sched_getscheduler, [0; 6]),
        fs::read_to_string("/proc/self/oom_score_adj").expect("/proc").trim(),
    )
}

fn descriptors() -> String {
    let open = (0..4096).filter(|fd| call(libc::SYS_fcntl, [*fd, libc::F_GETFD as u64, 0, 0, 0, 0]) >= 0);
    format!("{:?}", open.collect::<Vec<_>>())
}

fn nothing_of_the_parent_is_left() {
    let of = |who: &str| {
        let output = outside::command("careless parent", who).env(TOKEN, "secret").output().expect("started");
        match outside::came(&output) {
            Came::Said(said) => said,
            other => panic!("{other:?}"),
        }
    };
    let inside = of("its child");
    let expect =
        "fds [0, 1, 2, 3], token false, 0 variables, ignored 0, blocked 0, personality 0, key false, nice 0, policy 0, oom 300";
    assert_eq!(inside, expect);
    let itself = of("itself");
    let mut dirt = vec!["token true", "blocked 800", "personality 40000"];
    if is_root() {
        dirt.extend(["nice -5", "policy 2", "key true"]);
    }
    for dirt in dirt {
        assert!(itself.contains(dirt), "{dirt}: {itself}");
    }
    assert!(!itself.contains("oom 300"), "{itself}");
    assert!(itself.contains(", 100") && !itself.contains("ignored 0") && !itself.contains(" 0 variables"), "{itself}");
}

/// In the jail, where `/proc` is not.
fn four_descriptors_are_open() {
    assert_eq!(Jail::new().attempt("descriptors", ""), Came::said("[0, 1, 2, 3]"));
}
