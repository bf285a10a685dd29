//! What a module is admitted under.

use std::sync::Arc;

use ambit_core::{Bound, ByteSize, ComponentFuncType, FeatureSet, ImportPolicy, Policy, ShapeLimits};

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
    /// Functions of interfaces that an embedder links for components. They need no rule in `imports` either.
    pub interface_functions: Vec<InterfaceFunction>,
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

/// A function of an interface that a host links for components.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InterfaceFunction {
    /// The interface, with its version if it has one, such as `acme:shop/prices@1.0.0`.
    pub interface: String,
    /// The name, such as `price`.
    pub name: String,
    /// What it takes and returns.
    pub ty: Arc<ComponentFuncType>,
    /// The grant that it needs and that is not given, if that is so.
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
            interface_functions: Vec::new(),
        }
    }
}
