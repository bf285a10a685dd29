//! Native code that runs in a worker finds nothing.
//!
//! This program is what it spawns: as a jailed process it enters exactly as the product does, is told the name of a *probe* and
//! says what came of it. Each probe is made three times: in the jail as it is while a guest runs; with all of the jail but the
//! list of system calls, which is the last to be put in force, to see that what lies below holds by itself; and outside, where
//! it must succeed, so that it is the jail that stopped it.
//!
//! One file for each row of the catalogue, named after it. All of it runs twice: as whoever starts it, and as nobody if that is
//! root.

mod inside;
mod jail;
mod jail_001_more_processes;
mod jail_002_other_processes;
mod jail_003_kernel_parts;
mod jail_004_other_namespaces;
mod jail_005_sockets;
mod jail_006_files_of_the_machine;
mod jail_007_messages_to_others;
mod jail_009_more_rights;
mod outside;
mod probe;
#[path = "../walls/raw.rs"]
mod raw;
mod skip;
mod touch;

use std::process::ExitCode;

use ambit_jail::Purpose;
use libtest_mimic::{Arguments, Trial};

/// A test: its name, and what it does.
type Test = (&'static str, fn());

const TESTS: &[&[Test]] = &[
    jail_001_more_processes::TESTS,
    jail_002_other_processes::TESTS,
    jail_003_kernel_parts::TESTS,
    jail_004_other_namespaces::TESTS,
    jail_005_sockets::TESTS,
    jail_006_files_of_the_machine::TESTS,
    jail_007_messages_to_others::TESTS,
    jail_009_more_rights::TESTS,
];

fn main() -> ExitCode {
    if Purpose::of_this_process().is_some() {
        return inside::be();
    }
    if let Some(probe) = outside::asked_for() {
        return outside::be(&probe);
    }
    let trials = TESTS.iter().copied().flatten().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
