//! Claims cost nothing: a module that claims billions of items is refused before room is made for them.
//!
//! A test binary of its own, because what it measures is the process's.
#![cfg(target_os = "linux")]

use std::fs;

use ambit_admit::{AdmitRules, admit};
use ambit_core::{Feature, Profile};

/// The most address space this process ever had, in KiB: room counts as soon as it is reserved.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("every process has one");
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).expect("it has this line");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
}

#[test]
fn claims_reserve_no_memory() {
    let before = peak();
    let mut rules = AdmitRules::from_policy(&Profile::Default.policy());
    rules.features = Feature::ALL.iter().copied().collect();
    for header in [b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
        for id in 1..14 {
            // What may stand before the count: nothing, or one item that opens a list, as types do.
            for opening in [
                &[][..],
                &[1, 0x4e],
                &[1, 0x60],
                &[1, 0x5f],
                &[1, 0x41],
                &[1, 0x42],
                &[1, 0x50],
                &[1, 0x72],
                &[1, 0x40],
                &[1, 0],
                &[1, 1],
            ] {
                for count in [1_000_000u32, 100_000_000, u32::MAX] {
                    let mut module = header.to_vec();
                    let bits = [0, 7, 14, 21].map(|shift| (count >> shift).to_le_bytes()[0] | 0x80);
                    let last = (count >> 28).to_le_bytes()[0];
                    module.extend([id, u8::try_from(opening.len() + 5).expect("short")]);
                    module.extend([opening, &bits, &[last]].concat());
                    let rejection = admit(module, &rules).expect_err("nothing is behind the claim");
                    assert!(rejection.message.len() < 1000, "{rejection}");
                }
            }
        }
    }
    let grown = peak() - before;
    assert!(grown < 8 << 10, "reserved {grown} KiB");
}
