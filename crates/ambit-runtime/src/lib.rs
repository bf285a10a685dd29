//! Runs guests in this process: slices, deadlines, fair shares, accounting, and exactly one outcome each.
//!
//! A [`Runtime`] owns an engine, a ticker and cores. A core is a thread that polls guests slice by slice: it ends those
//! whose time is up before it runs anybody else, picks from the tenant that has had the least CPU time for its weight, and
//! charges guest and tenant the CPU time that the slice took. [`Runtime::start`] takes a [`RunRequest`] and gives back a
//! [`Running`], which can be cancelled, paused and waited for. Runs beyond the runtime's concurrency or memory wait in a
//! bounded queue.
//!
//! In one process only wasm itself stands between guests and host, the compiler cannot be stopped, and a single bulk
//! operation or host call of the kernel's is not interrupted; see the enforcement table in `ambit-core`.

mod bucket;
mod cache;
mod config;
mod core_loop;
mod cpu_clock;
mod fair;
mod finished;
mod gate;
mod herald;
mod inline;
mod instance;
mod latency;
mod module;
mod pool_size;
mod request;
mod resolve;
mod running;
mod runtime;
mod scheduler;
mod scratch;
mod seat;
mod stats;
mod task;
mod tenant;
mod ticker;

pub use config::RuntimeConfig;
pub use finished::Finished;
pub use herald::{Events, Heard, Listener};
pub use instance::{Calling, Gone, Instance, Making};
pub use latency::Latency;
pub use module::LoadedModule;
pub use request::{InstanceRequest, Module, RunRequest, Streams};
pub use running::{Control, Running};
pub use runtime::{Runtime, Started};
pub use stats::{CacheStats, RunState, SchedulerStats, TenantStats};
pub use tenant::{Tenant, TenantConfig};
