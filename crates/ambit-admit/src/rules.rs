//! What a module is admitted under.

use ambit_core::{Bound, ByteSize, FeatureSet, ImportPolicy, Policy, ShapeLimits};

use crate::types::ValType;

/// The rules of admission: how large, which features, which imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmitRules {
    /// Bytes of the module, custom sections included.
    pub module_size: Bound<ByteSize>,
    /// Static limits.
    pub shape: ShapeLimits,
    /// WebAssembly features that may be used.
    pub features: FeatureSet,
    /// Imports that may be used, out of those that are known.
    pub imports: ImportPolicy,
    /// Functions that an embedder links besides [`known_functions`](crate::known_functions). They need no rule in `imports`.
    pub host_functions: Vec<HostFunction>,
}

/// A function that a host links for core modules.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostFunction {
    /// The import module, such as `env`.
    pub module: String,
    /// The name, such as `log`.
    pub name: String,
    /// What it takes.
    pub params: Vec<ValType>,
    /// What it gives.
    pub results: Vec<ValType>,
    /// The grant that it needs and that is not given, if that is so: a module that imports it is refused, naming that.
    pub withheld: Option<String>,
}

impl AdmitRules {
    /// The rules that `policy` implies.
    pub fn from_policy(policy: &Policy) -> Self {
        Self {
            module_size: policy.limits.run.module_size,
            shape: policy.limits.shape.clone(),
            features: policy.features,
            imports: policy.imports.clone(),
            host_functions: Vec::new(),
        }
    }
}
