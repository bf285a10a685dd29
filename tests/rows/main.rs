//! Rows of the feature list, each by its name: what five earlier designs promised, and where each of them failed.

#[path = "../adapted.rs"]
mod adapted;
mod alone;
mod b_batch;
mod cached;
mod components;
#[path = "../door.rs"]
mod door;
mod previews;
#[path = "../program.rs"]
mod program;
mod q4;
mod q_quota;
mod scripted;
mod shares;
mod sizes;
#[path = "../cli/skipped.rs"]
mod skipped;
mod tenants;
mod warm;
mod x_new;

use ambit_core::EngineId;
use ambit_runtime::RuntimeConfig;

/// These rows are told of the usual engine.
impl door::Door {
    pub(crate) fn new() -> Self {
        Self::with(RuntimeConfig { pool_guests: 16, ..RuntimeConfig::default() })
    }

    pub(crate) fn with(config: RuntimeConfig) -> Self {
        Self::on(EngineId::Wasmtime, config)
    }
}
