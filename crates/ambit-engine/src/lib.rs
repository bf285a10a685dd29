//! The engine contract, its implementations, and the host interfaces that every engine links.
//!
//! An [`Engine`] compiles a [`Verified`](ambit_admit::Verified) module to an [`Artifact`] and loads that to a
//! [`Program`], from which [`Guest`]s are made. A guest is polled slice by slice, charges all it uses to its [`Meter`],
//! and ends in an [`Ended`]. What it can call is in [`host`]: written once, over owned descriptors and streams.
//!
//! This crate decides nothing about time: deadlines, shares of CPU and cancellation are the scheduler's, which drops a
//! guest to end it.

mod access;
mod answer;
mod artifact;
mod call;
mod code_file;
mod contract;
mod counters;
mod ended;
mod functions;
mod guest;
pub mod host;
mod kept;
mod meter;
mod seal;
mod settings;
#[cfg(feature = "wasmi")]
pub mod wasmi;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;

pub use access::{AccessError, Exported};
pub use ambit_core::StackClass;
pub use answer::Answer;
pub use artifact::Artifact;
pub use call::{Call, Exchange, Function, Message, Reply};
pub use code_file::CodeFile;
pub use contract::{Engine, Guest, Program};
pub use ended::Ended;
pub use functions::{ComponentFuture, HostCall, HostError, HostFunctions, HostFuture, ImportName, MOST_DEPTH, RegisterError};
pub use kept::{Kept, TableElement};
pub use meter::{Excess, Meter};
pub use seal::{SealKey, Unsealed};
pub use settings::Settings;
