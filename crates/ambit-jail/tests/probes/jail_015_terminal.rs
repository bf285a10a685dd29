//! jail-015: typing into the terminal that its parent is at.

use std::{
    fs::{File, OpenOptions},
    os::fd::{AsFd as _, AsRawFd as _},
};

use crate::{
    Test,
    jail::{Jail, Stage},
    outside,
    probe::{Attempt, Came, Given, Probes},
    raw::{call, ptr},
    skip::skip,
};

pub(crate) const TESTS: &[Test] = &[("jail_015_nothing_is_typed", nothing_is_typed)];

pub(crate) const PROBES: Probes = &[
    ("type", Attempt::Call(|given| type_into(given.fds[0].as_raw_fd()))),
    ("console", Attempt::Call(|given| ioctl(given.fds[0].as_raw_fd(), TIOCLINUX, ptr(&mut [2_u8])))),
    ("at a terminal", Attempt::Look(at_a_terminal)),
];

const TIOCLINUX: u64 = 0x541c;

fn ioctl(fd: i32, command: u64, argument: u64) -> i64 {
    call(libc::SYS_ioctl, [fd as u64, command, argument, 0, 0, 0])
}

fn type_into(terminal: i32) -> i64 {
    ioctl(terminal, libc::TIOCSTI, ptr(&mut b'x'.clone()))
}

/// A process with a terminal of its own, which types into it or has a jailed child do so.
fn at_a_terminal(given: &Given) -> String {
    let open = |path: &str| OpenOptions::new().read(true).write(true).open(path).expect("a terminal");
    let master: File = open("/dev/ptmx");
    ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, ptr(&mut 0_i32));
    let mut number = 0_i32;
    ioctl(master.as_raw_fd(), libc::TIOCGPTN, ptr(&mut number));
    rustix::process::setsid().expect("a session");
    let terminal = open(&format!("/dev/pts/{number}"));
    ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0);
    let jailed = |stage: Stage, probe: &str| {
        let jail = Jail::new().at(stage);
        format!("{:?}", jail.start(probe, "", &[terminal.as_fd()], None).expect("a process").came())
    };
    // With its end this process would end too, before it has said anything.
    std::mem::forget(master);
    match given.with.as_str() {
        "itself" => type_into(terminal.as_raw_fd()).to_string(),
        "spawned" => jailed(Stage::Spawned, "type"),
        "below" => jailed(Stage::Below, "type"),
        "console" => jailed(Stage::Running, "console"),
        _ => jailed(Stage::Running, "type"),
    }
}

fn nothing_is_typed() {
    if File::open("/dev/ptmx").is_err() {
        return skip("jail_015_nothing_is_typed", "there is no /dev/ptmx");
    }
    let said = |who: &str| match outside::outside("at a terminal", who) {
        Came::Said(said) => said,
        other => panic!("{who}: {other:?}"),
    };
    let denied = Came::said(-libc::EPERM);
    assert_eq!(said("inside"), format!("{:?}", Came::Killed(libc::SIGSYS)));
    assert_eq!(said("console"), format!("{:?}", Came::Killed(libc::SIGSYS)));
    // It has a session of its own by then.
    assert_eq!(said("below"), format!("{denied:?}"));
    match said("itself").as_str() {
        "0" => assert_eq!(said("spawned"), format!("{:?}", Came::said(0)), "before it has entered"),
        result => skip("jail_015_nothing_is_typed", &format!("this kernel lets nobody type ({result})")),
    }
}
