//! jail-009: becoming somebody, having capabilities again, executing something.

use std::fs;

use crate::{
    Test,
    jail::{Jail, Stage},
    probe::{Attempt, Came, Expect, Probes, check},
    raw::{call, ptr},
    skip::is_root,
};

pub(crate) const TESTS: &[Test] = &[
    ("jail_009_no_rights_are_to_be_had", no_rights_are_to_be_had),
    ("jail_009_nothing_is_executed", nothing_is_executed),
    ("jail_009_it_is_what_it_should_be", it_is_what_it_should_be),
];

pub(crate) const PROBES: Probes = &[
    ("setuid", Attempt::Call(|_| call(libc::SYS_setuid, [0; 6]))),
    ("setgid", Attempt::Call(|_| call(libc::SYS_setgid, [0; 6]))),
    ("setgroups", Attempt::Call(|_| call(libc::SYS_setgroups, [1, ptr(&mut 0_u32), 0, 0, 0, 0]))),
    ("capset", Attempt::Call(|_| capset())),
    ("no_new_privs off", Attempt::Call(|_| prctl(libc::PR_SET_NO_NEW_PRIVS, 0))),
    ("dumpable on", Attempt::Call(|_| prctl(libc::PR_SET_DUMPABLE, 1))),
    ("ambient", Attempt::Call(|_| prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE as u64))),
    ("securebits off", Attempt::Call(|_| prctl(libc::PR_SET_SECUREBITS, 0))),
    ("setrlimit", Attempt::Call(|_| call(libc::SYS_prlimit64, [0, libc::RLIMIT_NPROC.into(), ptr(&mut [9_u64; 2]), 0, 0, 0]))),
    ("execve", Attempt::Call(|_| call(libc::SYS_execve, [c"/bin/true".as_ptr() as u64, 0, 0, 0, 0, 0]))),
    ("execveat", Attempt::Call(|_| execveat())),
    ("what it is", Attempt::Look(|_| what_it_is())),
];

const SYS_ADMIN: u32 = 1 << 21;

fn prctl(option: i32, argument: u64) -> i64 {
    call(libc::SYS_prctl, [option as u64, argument, if option == libc::PR_CAP_AMBIENT { 21 } else { 0 }, 0, 0, 0])
}

fn capset() -> i64 {
    let mut header = [0x2008_0522_u32, 0];
    let mut sets = [SYS_ADMIN, SYS_ADMIN, 0, 0, 0, 0];
    call(libc::SYS_capset, [ptr(&mut header), ptr(&mut sets), 0, 0, 0, 0])
}

/// Of whatever file: the first descriptor.
fn execveat() -> i64 {
    call(libc::SYS_execveat, [0, c"".as_ptr() as u64, 0, 0, libc::AT_EMPTY_PATH as u64, 0])
}

/// What the kernel says of this process, while it can be asked.
fn what_it_is() -> String {
    let get = |option: i32| prctl(option, 0);
    let mut death = 0_i32;
    prctl(libc::PR_GET_PDEATHSIG, ptr(&mut death));
    let bounding = (0..64).filter(|capability| prctl(libc::PR_CAPBSET_READ, *capability) == 1).count();
    let ambient = (0..64).filter(|capability| call(libc::SYS_prctl, [47, 1, *capability, 0, 0, 0]) == 1).count();
    let (mut header, mut sets) = ([0x2008_0522_u32, 0], [0_u32; 6]);
    call(libc::SYS_capget, [ptr(&mut header), ptr(&mut sets), 0, 0, 0, 0]);
    let groups = call(libc::SYS_getgroups, [0; 6]);
    let session = call(libc::SYS_getsid, [0; 6]) == call(libc::SYS_getpid, [0; 6]);
    format!(
        "no new privileges {}, dumpable {}, secure bits {:#x}, dies by {death}, bounding {bounding}, ambient {ambient}, \
         capabilities {}, groups {groups}, own session {session}",
        call(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS as u64, 0, 0, 0, 0, 0]),
        get(libc::PR_GET_DUMPABLE),
        get(libc::PR_GET_SECUREBITS),
        sets.iter().any(|set| *set != 0),
    )
}

fn no_rights_are_to_be_had() {
    let refused = Expect::Fails(&[libc::EPERM, libc::EINVAL]);
    for name in ["setuid", "setgid", "setgroups", "capset"] {
        check(name, "", Expect::Sigsys, refused, Expect::WentAsRoot);
    }
    for name in ["ambient", "setrlimit"] {
        check(name, "", Expect::Sigsys, Expect::Answered, Expect::Answered);
    }
    // Nobody can, anywhere.
    check("no_new_privs off", "", Expect::Sigsys, refused, refused);
    check("securebits off", "", Expect::Sigsys, refused, Expect::WentAsRoot);
    check("dumpable on", "", Expect::Sigsys, Expect::Untried, Expect::Went);
}

fn nothing_is_executed() {
    check("execve", "", Expect::Sigsys, Expect::Fails(&[libc::ENOENT]), Expect::Untried);
    // Another program has ended then, and nothing was said.
    let outside = crate::outside::outside("execve", "");
    assert!(outside == Came::said("") || matches!(outside, Came::Ended(_)), "{outside:?}");
    check("execveat", "", Expect::Sigsys, Expect::Fails(&[libc::EACCES]), Expect::Answered);
}

fn it_is_what_it_should_be() {
    let inside = Jail::new().at(Stage::Below).attempt("what it is", "");
    // Root drops its supplementary groups; who is not root cannot.
    let groups = if is_root() { 0 } else { call(libc::SYS_getgroups, [0; 6]) };
    let expect = format!(
        "no new privileges 1, dumpable 0, secure bits 0xef, dies by 9, bounding 0, ambient 0, capabilities false, \
         groups {groups}, own session true"
    );
    assert_eq!(inside, Came::said(expect));
    let Came::Said(outside) = crate::outside::outside("what it is", "") else { panic!("it says so") };
    for differs in ["no new privileges 0", "dumpable 1", "secure bits 0x0", "dies by 0", "own session false"] {
        assert!(outside.contains(differs), "{differs}: {outside}");
    }
    assert_eq!(outside.contains("capabilities true"), is_root(), "{outside}");
    // Who it is outside.
    let mut inmate = Jail::new().start("wait to be looked at", "", &[], None).expect("a process");
    inmate.entered();
    let status = fs::read_to_string(format!("/proc/{}/status", inmate.child.pid().as_raw_nonzero())).expect("its status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let user = if is_root() { 65534 } else { rustix::process::geteuid().as_raw() };
    assert_eq!(field("Uid:"), format!("{user} {user} {user} {user}"));
    for (name, expect) in [("Seccomp:", "2"), ("NoNewPrivs:", "1"), ("CapEff:", "0000000000000000"), ("TracerPid:", "0")] {
        assert_eq!(field(name), expect, "{name}");
    }
    assert!(field("NSpid:").ends_with(" 1"), "the first of its namespace");
}
