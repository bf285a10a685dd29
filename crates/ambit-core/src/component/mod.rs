//! Values of the component model, and their types: what typed functions take and give.
//!
//! A value can be written and read as WAVE, the text that people write; as data, which is what JSON, CBOR and serde have; and
//! packed, for the way between processes. Reading is by type, and says where something else was found.

mod data;
mod display;
mod mismatch;
mod packed;
mod ty;
mod value;
mod wave;

pub use data::Dialect;
pub use mismatch::Mismatch;
pub use packed::Malformed;
pub use ty::{ComponentFuncType, ComponentType};
pub use value::ComponentValue;
