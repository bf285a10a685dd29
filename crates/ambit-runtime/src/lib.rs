//! Runs guests in this process: slices, deadlines, accounting, and exactly one outcome each.
//!
//! A [`Runtime`] owns an engine, a ticker and a core. A core is one thread that polls guests slice by slice: it charges
//! each the CPU time it took, ends those whose deadline has passed before it runs anybody else, and drops what is ended,
//! wherever it waits. [`Runtime::start`] hands a [`RunRequest`] to it and gives back a [`Running`], which can be cancelled
//! and waited for.
//!
//! In one process only wasm itself stands between guests and host, the compiler cannot be stopped, and a single bulk
//! operation or host call of the kernel's is not interrupted; see the enforcement table in `ambit-core`.

mod bucket;
mod core_loop;
mod cpu_clock;
mod finished;
mod module;
mod request;
mod resolve;
mod running;
mod runtime;
mod scratch;
mod task;
mod ticker;

pub use core_loop::Listener;
pub use finished::Finished;
pub use module::LoadedModule;
pub use request::{Module, RunRequest, Streams};
pub use running::{Canceller, Running};
pub use runtime::{Runtime, RuntimeConfig};
