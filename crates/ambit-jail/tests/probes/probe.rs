//! What is attempted, and what may come of it.

use std::{fmt::Display, os::fd::OwnedFd};

use crate::{
    jail::{Jail, Stage},
    jail_001_more_processes, jail_002_other_processes, jail_003_kernel_parts, jail_004_other_namespaces, jail_005_sockets,
    jail_006_files_of_the_machine, jail_007_messages_to_others, jail_008_inherited, jail_009_more_rights, jail_010_memory_and_disk,
    jail_011_hog, jail_012_crashes, jail_013_orphans, jail_014_protocol, jail_015_terminal, jail_016_other_doors,
    jail_017_half_a_jail, jail_018_code, jail_019_speculation, jail_020_classic_root, jail_021_out_of_a_directory,
    outside::outside,
    skip::{is_root, skip},
};

/// What a probe is given.
#[derive(Debug)]
pub(crate) struct Given {
    /// Words of whoever asks.
    pub(crate) with: String,
    /// Descriptors of theirs.
    pub(crate) fds: Vec<OwnedFd>,
}

impl Given {
    /// The words as a number, for a call.
    pub(crate) fn number(&self) -> u64 {
        self.with.parse().expect("a number")
    }
}

/// An attempt. A call's result is not negative if it went, and the error as a negative number if not.
#[derive(Clone, Copy)]
pub(crate) enum Attempt {
    Call(fn(&Given) -> i64),
    Look(fn(&Given) -> String),
}

/// Attempts by name.
pub(crate) type Probes = &'static [(&'static str, Attempt)];

const PROBES: &[Probes] = &[
    jail_001_more_processes::PROBES,
    jail_002_other_processes::PROBES,
    jail_003_kernel_parts::PROBES,
    jail_004_other_namespaces::PROBES,
    jail_005_sockets::PROBES,
    jail_006_files_of_the_machine::PROBES,
    jail_007_messages_to_others::PROBES,
    jail_008_inherited::PROBES,
    jail_009_more_rights::PROBES,
    jail_010_memory_and_disk::PROBES,
    jail_011_hog::PROBES,
    jail_012_crashes::PROBES,
    jail_013_orphans::PROBES,
    jail_014_protocol::PROBES,
    jail_015_terminal::PROBES,
    jail_016_other_doors::PROBES,
    jail_017_half_a_jail::PROBES,
    jail_018_code::PROBES,
    jail_019_speculation::PROBES,
    jail_020_classic_root::PROBES,
    jail_021_out_of_a_directory::PROBES,
];

/// Makes an attempt in this process.
pub(crate) fn make(name: &str, given: &Given) -> String {
    let mut found = PROBES.iter().copied().flatten().filter(|(other, _)| *other == name);
    let (Some((_, attempt)), None) = (found.next(), found.next()) else { panic!("`{name}` is not the name of one probe") };
    match attempt {
        Attempt::Call(call) => call(given).to_string(),
        Attempt::Look(look) => look(given),
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// It was made, and this is its result.
    Said(String),
    /// A signal ended it.
    Killed(i32),
    /// It ended otherwise.
    Ended(i32),
    /// The jail could not be entered.
    NotEntered(ambit_jail::JailError),
}

impl Came {
    pub(crate) fn said(value: impl Display) -> Self {
        Self::Said(value.to_string())
    }
}

/// What is to come of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// The list of system calls has no such call.
    Sigsys,
    /// It succeeds; as a call, with whatever result.
    Went,
    /// It succeeds if root makes it. What others get is not this test's matter.
    WentAsRoot,
    /// It is made, with whatever result but that there is no such call.
    Answered,
    /// It fails with one of these errors.
    Fails(&'static [i32]),
    /// It is answered with these words.
    Says(&'static str),
    /// This is not tried.
    Untried,
}

/// Makes an attempt in the jail, below the list of system calls, and outside.
pub(crate) fn check(name: &str, with: &str, inside: Expect, below: Expect, out: Expect) {
    let jail = Jail::new();
    expect(name, "inside", inside, || jail.attempt(name, with));
    expect(name, "below the list", below, || jail.clone().at(Stage::Below).attempt(name, with));
    expect(name, "outside", out, || outside(name, with));
}

/// Makes one attempt.
pub(crate) fn expect(name: &str, place: &str, expect: Expect, attempt: impl FnOnce() -> Came) {
    if matches!(expect, Expect::Untried) {
        return;
    }
    let came = attempt();
    let result = match &came {
        Came::Said(text) => text.parse::<i64>().ok(),
        Came::Killed(_) | Came::Ended(_) | Came::NotEntered(_) => None,
    };
    if result == Some(-i64::from(libc::ENOSYS)) {
        return skip(name, "this kernel has no such call");
    }
    let went = result.map_or(matches!(came, Came::Said(_)), |result| result >= 0);
    let as_expected = match expect {
        Expect::Sigsys => came == Came::Killed(libc::SIGSYS),
        Expect::WentAsRoot => went || (!is_root() && matches!(came, Came::Said(_))),
        Expect::Went => went,
        Expect::Answered => matches!(came, Came::Said(_)),
        Expect::Fails(errors) => result.is_some_and(|result| errors.iter().any(|error| result == -i64::from(*error))),
        Expect::Says(text) => came == Came::said(text),
        Expect::Untried => true,
    };
    assert!(as_expected, "{name} {place}: {came:?}, and not {expect:?}");
}
