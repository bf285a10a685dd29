//! An operator's own changes to a list are in force.

use ambit_core::EngineId::Wasmtime;
use ambit_jail::{ExtraSyscalls, Use::Process};

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, Wall, attempt},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] = &[("added_and_denied_calls_are_in_force", added_and_denied_calls_are_in_force)];

pub(crate) const ATTEMPTS: Attempts = &[
    ("uname", Attempt::Call(|| call(libc::SYS_uname, [ptr(&mut [0_u8; 390]), 0, 0, 0, 0, 0]))),
    ("getrandom", Attempt::Call(|| call(libc::SYS_getrandom, [ptr(&mut [0_u8; 8]), 8, 0, 0, 0, 0]))),
];

fn added_and_denied_calls_are_in_force() {
    let check = |name: &str, allow: &[&str], deny: &[&str], expect: End| {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let wall = Wall::running(Wasmtime, Process).with(ExtraSyscalls { allow: owned(allow), deny: owned(deny) });
        assert_eq!(attempt(name, &wall), expect, "{name} {allow:?} {deny:?}");
    };
    check("uname", &[], &[], End::SIGSYS);
    check("uname", &["uname"], &[], End::Went("0".into()));
    check("uname", &["uname"], &["uname"], End::SIGSYS);
    check("getrandom", &[], &[], End::Went("8".into()));
    check("getrandom", &[], &["getrandom"], End::SIGSYS);
}
