//! Bytes that mean harm: truncated, mutated, malformed. Nothing panics, nothing takes long.

use std::time::{Duration, Instant};

use ambit_admit::admit;
use ambit_core::RejectReason;
use proptest::prelude::*;

use crate::check::{accept, allowing_all, bytes, refuse, rules};

const SEEDS: [&str; 4] = [
    include_str!("seeds/core.wat"),
    include_str!("seeds/modern.wat"),
    include_str!("seeds/component.wat"),
    include_str!("seeds/types.wat"),
];

/// Generous for a loaded machine and a debug build, and far below what a bomb takes.
const LONG: Duration = Duration::from_secs(20);

fn survives(module: &[u8]) {
    let started = Instant::now();
    if let Err(rejection) = admit(module, &allowing_all()) {
        assert!(!rejection.message.contains(|c: char| c.is_control()), "not escaped: {rejection:?}");
    }
    assert!(started.elapsed() < LONG, "took {:?}", started.elapsed());
}

#[test]
fn truncation_at_every_byte() {
    for seed in SEEDS {
        let module = bytes(seed);
        accept(&module, &allowing_all());
        for end in 0..module.len() {
            survives(&module[..end]);
        }
    }
}

#[test]
fn every_byte_replaced() {
    for seed in SEEDS {
        let mut module = bytes(seed);
        for at in 0..module.len() {
            let kept = module[at];
            for byte in [0x00, 0x01, 0x41, 0x7f, 0x80, 0xff] {
                module[at] = byte;
                survives(&module);
            }
            module[at] = kept;
        }
    }
}

proptest! {
    #[test]
    fn mutation(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..8),
    ) {
        let mut module = bytes(SEEDS[seed]);
        for (at, byte, kind) in edits {
            let at = at.index(module.len());
            match kind {
                0 => module[at] = byte,
                1 => module.insert(at, byte),
                _ => drop(module.remove(at)),
            }
        }
        survives(&module);
    }

    #[test]
    fn noise(header in prop::sample::select(vec![&b"\0asm\x01\0\0\0"[..], b"\0asm\x0d\0\x01\0", b""]), noise in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&[header, &noise].concat());
    }
}

#[test]
fn what_is_no_module_is_called_by_its_name() {
    let check = |module: &[u8], part: &str| drop(refuse(module, &rules(), RejectReason::InvalidModule, part));
    check(b"", "it is empty");
    check(b"\x7fELF\x02\x01", "an ELF file");
    check(b"hello", "no WebAssembly");
    check(b"\x1f\x8b\x08", "compressed with gzip");
    check(b"\0asm", "unexpected end");
    check(b"\0asm\x02\0\0\0", "unknown binary version");
    check(b"\0asm\x01\0\x02\0", "unknown binary version");
    // Text is for those who ask for it.
    let error = admit(b"(module)".as_slice(), &rules()).expect_err("text");
    assert!(error.message.contains("WebAssembly text"), "{error}");
}

#[test]
fn malformed_and_invalid() {
    let core = |rest: &[u8]| [b"\0asm\x01\0\0\0", rest].concat();
    let check = |module: Vec<u8>, part: &str| drop(refuse(module, &allowing_all(), RejectReason::InvalidModule, part));
    check(bytes("(module (func (result i32)))"), "function 0, at byte 0x");
    check(core(&[1, 0x85, 0x80, 0x80, 0x80, 0x80, 0x00]), "integer representation too long");
    check(core(&[3, 1, 0, 1, 1, 0]), "section out of order");
    check(core(&[14, 0]), "malformed section id");
    check(core(&[5, 4, 1, 1, 5, 1]), "minimum must not be greater than maximum");
    check(core(&[2, 7, 1, 1, 0xff, 1, b'a', 0, 0]), "malformed UTF-8");
    check(core(&[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]), "code section is absent");
    check(core(&[5, 0x80]), "unexpected end");
    check(
        core(&[5, 3, 1, 0, 1, 7, 13, 2, 3, 0x1b, b'[', b'J', 2, 0, 3, 0x1b, b'[', b'J', 2, 0]),
        r"duplicate export name `\u{1b}[J`",
    );
    let deep: String = (1..80).map(|i| format!("(type (sub {} (struct)))", i - 1)).collect();
    check(bytes(format!("(module (type (sub (struct))) {deep})")), "sub type hierarchy too deep");
}
