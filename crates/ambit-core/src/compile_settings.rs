//! How a module is compiled. Every field is part of the artifact's identity.

use crate::{
    bound::Bound,
    feature::{Feature, FeatureSet},
    ids::Metering,
    policy::Policy,
    stack::StackClass,
};

/// How a module is compiled. Two artifacts of one module with different settings are different artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CompileSettings {
    /// WebAssembly features.
    pub features: FeatureSet,
    /// The wasm stack.
    pub stack: StackClass,
    /// Whether code asks at each loop and call if its slice is over. Needed wherever guests share a process.
    pub epochs: bool,
    /// Whether code counts fuel.
    pub fuel: bool,
    /// Whether NaNs are canonical and vectors deterministic.
    pub deterministic: bool,
}

impl CompileSettings {
    /// All of them in one line, for what must not be mistaken for code with other ones.
    pub fn text(&self) -> String {
        let Self { features, stack, epochs, fuel, deterministic } = self;
        let features: Vec<&str> = Feature::ALL.iter().filter(|&&feature| features.contains(feature)).map(|f| f.name()).collect();
        let features = features.join(",");
        format!("features={features} stack={} epochs={epochs} fuel={fuel} deterministic={deterministic}", stack.bytes())
    }

    /// The settings for guests that share this process under `policy`.
    pub fn shared_process(policy: &Policy) -> Self {
        Self::of(policy, Metering::Epochs)
    }

    /// The settings for guests under `policy` that are stopped in this way.
    pub fn of(policy: &Policy, metering: Metering) -> Self {
        Self {
            features: policy.features,
            stack: StackClass::covering(policy.limits.run.stack.ceiling()),
            epochs: match metering {
                Metering::Epochs => true,
                Metering::Kernel => false,
            },
            fuel: policy.limits.run.fuel != Bound::Unlimited,
            deterministic: policy.deterministic,
        }
    }
}
