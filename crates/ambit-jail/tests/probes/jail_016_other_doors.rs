//! jail-016: calls of another architecture, and such as no list was written for.

use crate::{
    Test,
    outside::outside,
    probe::{Attempt, Came, Expect, Probes, check},
    raw,
    skip::skip,
};

pub(crate) const TESTS: &[Test] = &[("jail_016_every_other_door_is_shut", every_other_door_is_shut)];

pub(crate) const PROBES: Probes = &[
    #[cfg(target_arch = "x86_64")]
    ("x32", Attempt::Look(|_| raw::call(0x4000_0000 | libc::SYS_getpid, [0; 6]).to_string())),
    #[cfg(target_arch = "x86_64")]
    ("int 0x80", Attempt::Look(|_| raw::call_32(20).to_string())),
    ("the last of the known", Attempt::Look(|_| answer(raw::call(470, [0; 6])))),
    ("one of the next", Attempt::Look(|_| answer(raw::call(600, [0; 6])))),
    ("no number of any", Attempt::Look(|_| answer(raw::call(-1, [0; 6])))),
    ("a number too large", Attempt::Look(|_| answer(raw::call(1 << 32 | libc::SYS_getpid, [0; 6])))),
];

/// Not the number: that there is no such call is an answer too.
fn answer(_: i64) -> String {
    "answered".into()
}

fn every_other_door_is_shut() {
    for (name, _) in PROBES {
        if *name == "int 0x80" && matches!(outside(name, ""), Came::Killed(_)) {
            skip("jail_016_every_other_door_is_shut", "this kernel has no 32-bit programs");
            continue;
        }
        // What the kernel looks at of a number is its lower half, which here is one that every list has.
        let inside = if *name == "a number too large" { Expect::Says("answered") } else { Expect::Sigsys };
        let outside = if name.contains(' ') && *name != "int 0x80" { Expect::Says("answered") } else { Expect::Untried };
        check(name, "", inside, Expect::Untried, outside);
    }
}
