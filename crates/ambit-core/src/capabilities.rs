//! What an engine can do.

use serde::{Deserialize, Serialize};

use crate::{feature::FeatureSet, ids::EngineId, limits::LimitKey};

/// What an engine can do, honestly: a field that says yes has a test that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineCapabilities {
    /// Which engine.
    pub engine: EngineId,
    /// Its version.
    pub version: String,
    /// How it compiles, such as `cranelift`; absent for an interpreter.
    pub compiler: Option<String>,
    /// Features it can run if the policy allows them.
    pub features: FeatureSet,
    /// Whether components run.
    pub components: bool,
    /// Limits it enforces in this process.
    pub limits: Vec<LimitKey>,
    /// Whether a guest gives the thread back at the end of a slice.
    pub yields: bool,
    /// Whether start functions are bounded like any other code.
    pub start_interruptible: bool,
    /// Whether bulk operations cost fuel by their length.
    pub bulk_fuel_by_length: bool,
    /// Whether two runs with the same inputs give the same bits.
    pub deterministic: bool,
    /// Whether traps carry a symbolised stack.
    pub stack_trace: bool,
    /// Whether an instance can be made faster than by loading the module again.
    pub pooling: bool,
}
