//! What goes over the socket between a jailed process and its parent, at random.
//!
//! Each target is a function of bytes that panics if what it promises does not hold. Fuzzing engines call it (`fuzz_targets`),
//! and so does a test that replays the corpora and some mutations of them, without any engine.

mod frames;
mod input;
mod memory;
mod messages;
mod packed;
mod round_trip;
mod wire_down;
mod wire_up;

pub use frames::frames;
pub use packed::packed;
pub use round_trip::round_trip;
pub use wire_down::wire_down;
pub use wire_up::wire_up;

/// A function of bytes that panics if what it promises does not hold.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, Target)] =
    &[("wire_up", wire_up), ("wire_down", wire_down), ("frames", frames), ("round_trip", round_trip), ("packed", packed)];
