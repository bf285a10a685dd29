//! What fuzzing has found worth keeping is tried again, and some mutations of each: without an engine, so that it runs with
//! every other test. `fuzz/README.md` says how to go on for longer.
//!
//! A test binary of its own with one test, because what is allocated is the process's.

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

use ambit_core::{Frame, Layer, Outcome, ResultValue, TrapKind, Usage, Violation};
use ambit_fuzz::Target;
use ambit_jail::wire::{FromWorker, RunEnd, encode};

#[test]
fn what_was_found_is_tried_again_and_changed() {
    long_lists_cost_no_more_than_they_are_long();
    for &Target { name, run, mutations } in ambit_fuzz::TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "fuzz/corpus/{name} is empty");
        for (number, (path, bytes)) in corpus.iter().enumerate() {
            try_one(name, path, run, bytes);
            // The same ones each time, so that what fails here fails again.
            let mut random = Random(number as u64);
            for _ in 0..mutations {
                let other = &corpus[random.below(corpus.len())].1;
                try_one(name, path, run, &mutated(bytes, other, &mut random));
            }
        }
    }
}

/// What no engine finds, since its inputs are short: elements that are larger in memory than on the wire.
fn long_lists_cost_no_more_than_they_are_long() {
    const MANY: usize = 300_000;
    let end = |outcome: Outcome, results: Vec<ResultValue>, violations: Vec<Violation>| {
        let usage = Usage::default();
        FromWorker::Ended(Box::new(RunEnd {
            run: 0,
            outcome,
            results,
            value: None,
            usage,
            violations,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }))
    };
    let exited = Outcome::Exited { code: 0 };
    let violation = Violation { rule: String::new(), attempt: String::new(), count: 0 };
    let frame = Frame { function: String::new(), module: None, offset: None, source: None };
    let frames = vec![frame; MANY];
    let trapped = Outcome::Trapped { trap: TrapKind::Other, message: String::new(), frames };
    let ended = vec![(String::new(), 0); MANY];
    let messages = [
        end(exited.clone(), vec![ResultValue::I32(0); MANY], Vec::new()),
        end(exited, Vec::new(), vec![violation; MANY]),
        end(trapped, Vec::new(), Vec::new()),
        FromWorker::Repeated { run: 0, took: Vec::new(), ended, failure: None, over: false },
        FromWorker::Repeated { run: 0, took: vec![0; MANY], ended: Vec::new(), failure: None, over: false },
        FromWorker::Entered { layers: vec![Layer::Seccomp; MANY], engine_version: String::new() },
    ];
    for message in messages {
        let said = encode(&message).expect("it can be said");
        // Who speaks, and how: a worker, without frames, at isolation `process`, under the default policy.
        ambit_fuzz::wire_up(&[&[0; 4], said.as_slice()].concat());
    }
}

/// The files of a target's corpus, in the order of their names.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

fn try_one(name: &str, path: &Path, target: fn(&[u8]), bytes: &[u8]) {
    if catch_unwind(|| target(bytes)).is_err() {
        panic!("`{name}` does not take this, made of {}: {}", path.display(), bytes.escape_ascii());
    }
}

/// `bytes` with a few changes, as an engine makes them.
fn mutated(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = at + random.below(bytes.len() - at + 1);
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.byte(),
            // Counts and lengths: the largest, and those beside it.
            2 => drop(bytes.splice(at..at, [0xff; 9].into_iter().take(random.below(10)).chain([random.byte()]))),
            3 => drop(bytes.drain(at..to)),
            4 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let from = random.below(other.len() + 1);
                bytes.splice(at..to, other[from..].iter().copied());
            }
        }
        bytes.truncate(4096);
    }
    bytes
}

/// `SplitMix64`, by Steele, Lea and Flood: a number from each number, spread evenly.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a size")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}
