//! What goes over the socket between a jailed process and its parent, and what lies in a store, at random.
//!
//! Each target is a function of bytes that panics if what it promises does not hold. Fuzzing engines call it (`fuzz_targets`),
//! and so does a test that replays the corpora and some mutations of them, without any engine.

mod blob;
mod frames;
mod index;
mod input;
mod manifest;
mod memory;
mod messages;
mod packed;
mod record;
mod round_trip;
mod signature;
mod wire_down;
mod wire_up;

pub use blob::blob;
pub use frames::frames;
pub use index::index;
pub use manifest::manifest;
pub use packed::packed;
pub use record::record;
pub use round_trip::round_trip;
pub use signature::signature;
pub use wire_down::wire_down;
pub use wire_up::wire_up;

/// A function of bytes that panics if what it promises does not hold.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its corpus.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// How many mutations of each file of its corpus tests try: fewer if one takes milliseconds.
    pub mutations: usize,
}

const MANY: usize = 2000;
const FEW: usize = 200;

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "wire_up", run: wire_up, mutations: MANY },
    Target { name: "wire_down", run: wire_down, mutations: MANY },
    Target { name: "frames", run: frames, mutations: MANY },
    Target { name: "round_trip", run: round_trip, mutations: MANY },
    Target { name: "packed", run: packed, mutations: MANY },
    Target { name: "blob", run: blob, mutations: MANY },
    Target { name: "record", run: record, mutations: MANY },
    Target { name: "signature", run: signature, mutations: MANY },
    Target { name: "manifest", run: manifest, mutations: MANY },
    Target { name: "index", run: index, mutations: FEW },
];
