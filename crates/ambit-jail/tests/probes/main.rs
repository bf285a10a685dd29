//! Native code that runs in a worker finds nothing.
//!
//! This program is what it spawns: as a jailed process it enters exactly as the product does, is told the name of a *probe* and
//! says what came of it. Each probe is made three times: in the jail as it is while a guest runs; with all of the jail but the
//! list of system calls, which is the last to be put in force, to see that what lies below holds by itself; and outside, where
//! it must succeed, so that it is the jail that stopped it.
//!
//! One file for each row of the catalogue, named after it. All of it runs twice: as whoever starts it, and as nobody if that is
//! root.

mod as_nobody;
mod inside;
mod jail;
mod jail_001_more_processes;
mod jail_002_other_processes;
mod jail_003_kernel_parts;
mod jail_004_other_namespaces;
mod jail_005_sockets;
mod jail_006_files_of_the_machine;
mod jail_007_messages_to_others;
mod jail_008_inherited;
mod jail_009_more_rights;
mod jail_010_memory_and_disk;
mod jail_011_hog;
mod jail_012_crashes;
mod jail_013_orphans;
mod jail_014_protocol;
mod jail_015_terminal;
mod jail_016_other_doors;
mod jail_017_half_a_jail;
mod jail_018_code;
mod jail_019_speculation;
mod jail_020_classic_root;
mod jail_021_out_of_a_directory;
mod outside;
mod probe;
#[path = "../walls/raw.rs"]
mod raw;
mod skip;
mod touch;

use std::process::ExitCode;

use ambit_core::Access;
use ambit_jail::{Purpose, grant_dir};
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
    jail_008_inherited::TESTS,
    jail_009_more_rights::TESTS,
    jail_010_memory_and_disk::TESTS,
    jail_011_hog::TESTS,
    jail_012_crashes::TESTS,
    jail_013_orphans::TESTS,
    jail_014_protocol::TESTS,
    jail_015_terminal::TESTS,
    jail_016_other_doors::TESTS,
    jail_017_half_a_jail::TESTS,
    jail_018_code::TESTS,
    jail_019_speculation::TESTS,
    jail_020_classic_root::TESTS,
    jail_021_out_of_a_directory::TESTS,
    as_nobody::TESTS,
];

/// Those that grant a directory.
const GRANTS: [&str; 2] = ["jail_020_the", "jail_021"];

/// Why a directory cannot be granted here: not every kernel translates owners on every file system, and none is granted then.
fn ungrantable() -> Option<String> {
    let dir = tempfile::tempdir().expect("a directory");
    grant_dir(dir.path(), Access::ReadOnly).err().map(|error| error.to_string())
}

fn main() -> ExitCode {
    if Purpose::of_this_process().is_some() {
        return inside::be();
    }
    if let Some(probe) = outside::asked_for() {
        return outside::be(&probe);
    }
    let trials = TESTS.iter().copied().flatten().map(|&(name, test)| {
        Trial::test(name, move || {
            match ungrantable().filter(|_| GRANTS.iter().any(|grants| name.starts_with(grants))) {
                Some(why) => skip::skip(name, &why),
                None => test(),
            }
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
