//! What a run used.

use serde::{Deserialize, Serialize};

/// What a run used. Unknown is `None`, never zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// From request to outcome, by the monotonic clock.
    pub wall_ns: Option<u64>,
    /// CPU time of the guest and of host calls on its behalf, by the thread's CPU clock; compilation apart.
    pub cpu_ns: Option<u64>,
    /// Fuel consumed, if the run was metered by fuel.
    pub fuel: Option<u64>,
    /// The most the memory budget was charged with at any moment.
    pub peak_memory_bytes: Option<u64>,
    /// Bytes written to stdout and stderr.
    pub output_bytes: Option<u64>,
    /// Bytes by which files grew.
    pub disk_bytes: Option<u64>,
    /// Files, directories and links created.
    pub files_created: Option<u64>,
    /// Calls of host functions.
    pub host_calls: Option<u64>,
    /// Compilation, or waiting for somebody else's, by the monotonic clock; absent if the module was loaded already.
    pub compile_ns: Option<u64>,
    /// Instantiation, start functions included, by the monotonic clock.
    pub instantiate_ns: Option<u64>,
    /// Waiting for admission.
    pub queue_ns: Option<u64>,
}
