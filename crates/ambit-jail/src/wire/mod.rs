//! What goes between a jailed process and its parent: frames over one socket.
//!
//! A frame is eight bytes of header, then a message in postcard:
//!
//! ```text
//! 'A' | version | descriptors | 0 | length, 4 bytes, little-endian | message…
//! ```
//! The parent believes nothing: no frame beyond its cap, no descriptor, no version but its own. What it makes of a message is
//! for whoever knows what was asked.

mod channel;
mod codec;
mod frame;
mod message;

pub use channel::{Channel, MOST_DOWN, MOST_UP, Sender, WireError};
pub use codec::{decode, encode};
pub use frame::{Frames, frame};
pub use message::{
    Entry, FromCompiler, FromWorker, GuestDir, MOST_KINDS, ModuleForm, REHEARSAL, RunEnd, RunJob, Stream, StreamsSpec, ToCompiler,
    ToWorker,
};
