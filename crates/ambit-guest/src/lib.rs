//! For guests in Rust: bytes and JSON in and out, by Ambit's memory convention.
//!
//! A guest is a `cdylib` that depends on this crate and exports its own functions, each of address and length of its input,
//! giving address and length of its reply:
//!
//! ```no_run
//! # use serde_json_alloc as serde_json;
//! use serde_json::{Value, json};
//!
//! #[unsafe(no_mangle)]
//! extern "C" fn describe(address: u32, len: u32) -> u64 {
//!     ambit_guest::json(address, len, |input: Value| json!({ "is": input, "array": input.is_array() }))
//! }
//! ```
//!
//! The exports `alloc`, `free` and `memory` come with it: nothing has to be said for them. Build it with
//! `cargo build --target wasm32-unknown-unknown`; the host then calls `module.call_json("describe", &input)`.
//!
//! There is no standard library in here, only `alloc`; a guest may have one or not.
//!
//! On `wasm32-wasip1` and other targets with a C library the name `free` is that library's, and `alloc` and `free` are not
//! exported for you. A guest for such a target exports `alloc` in one line of its own, by [`alloc`], and nothing as `free`;
//! its replies then stay as long as its instance.
#![no_std]

extern crate alloc as std_alloc;

mod reply;
mod room;

pub use reply::bytes;
#[cfg(feature = "json")]
pub use reply::{json, try_json};
pub use room::{alloc, free};
