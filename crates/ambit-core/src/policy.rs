//! Limits, grants and their ceilings.

use serde::{Deserialize, Serialize};

use crate::{
    enforce::Unenforceable,
    feature::{Feature, FeatureSet},
    grants::{GrantKey, Grants},
    ids::{EngineId, Isolation, names},
    imports::ImportPolicy,
    limits::{LimitError, LimitKey, Limits, LimitsSpec},
    outcome::{RejectReason, Rejection},
};

names! {
    /// What happens when a growth beyond the memory limit is refused.
    OnMemoryRefusal, "reaction to a refused growth";
    /// The guest is told (`memory.grow` returns -1) and goes on; if it then fails, the limit is the outcome.
    Continue = "continue",
    /// The run ends at once.
    End = "end",
}

/// What one guest may use and reach, and how far a request may move it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// How much of each resource.
    pub limits: Limits,
    /// What may be reached.
    pub grants: Grants,
    /// WebAssembly features.
    pub features: FeatureSet,
    /// Imports.
    pub imports: ImportPolicy,
    /// What a refused growth does.
    pub on_memory_refusal: OnMemoryRefusal,
    /// Canonical NaN and no other source of difference between two runs with the same inputs.
    pub deterministic: bool,
    /// The loosest limits a request may set.
    pub ceilings: Limits,
    /// The kinds of grant a request may make.
    pub grantable: Vec<GrantKey>,
    /// The features a request may add.
    pub allowable: FeatureSet,
    /// Limits that were named in the request rather than taken from the profile.
    pub(crate) named: Vec<LimitKey>,
}

/// What a request asks for: only what differs from the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySpec {
    /// Limits by name.
    pub limits: LimitsSpec,
    /// Grants, in addition to none.
    pub grants: Option<Grants>,
    /// Features in addition to the profile's.
    pub features: Vec<Feature>,
    /// What a refused growth does.
    pub on_memory_refusal: Option<OnMemoryRefusal>,
    /// Two runs with the same inputs must give the same bits.
    pub deterministic: bool,
}

/// A request that its policy does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A limit out of its range.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A limit looser than the ceiling.
    #[error("limit `{key}` is {value}, but the policy allows at most {ceiling}")]
    Ceiling {
        /// Which limit.
        key: &'static str,
        /// The value asked for.
        value: String,
        /// The loosest value allowed.
        ceiling: String,
    },
    /// A grant the policy does not let a request make.
    #[error("the policy does not allow the grant `{0}`")]
    Grant(GrantKey),
    /// A feature the policy does not let a request add.
    #[error("the policy does not allow the feature `{0}`")]
    Feature(Feature),
    /// Shared memories cannot be bounded.
    #[error("the feature `threads` is never allowed: shared memories and their waits cannot be bounded")]
    Threads,
}

impl From<PolicyError> for Rejection {
    fn from(error: PolicyError) -> Self {
        let reason = match error {
            PolicyError::Threads => RejectReason::UnsupportedFeature,
            _ => RejectReason::Policy,
        };
        Rejection::new(reason, error.to_string())
    }
}

impl Policy {
    /// This policy with what `spec` asks for.
    ///
    /// # Errors
    /// The request is looser than the ceilings, or a value lies outside its range.
    pub fn narrow(&self, spec: &PolicySpec) -> Result<Policy, PolicyError> {
        let limits = self.limits.with(&spec.limits);
        limits.validate()?;
        if let Some((key, value, ceiling)) = limits.exceeds(&self.ceilings) {
            return Err(PolicyError::Ceiling { key, value, ceiling });
        }
        let grants = spec.grants.clone().unwrap_or_else(|| self.grants.clone());
        if let Some(key) = grants.given().find(|key| !self.grantable.contains(key)) {
            return Err(PolicyError::Grant(key));
        }
        if spec.features.contains(&Feature::Threads) {
            return Err(PolicyError::Threads);
        }
        let features = self.features.union(spec.features.iter().copied().collect());
        if let Some(feature) = features.minus(self.features).minus(self.allowable).iter().next() {
            return Err(PolicyError::Feature(feature));
        }
        let named = self.named.iter().copied().chain(spec.limits.run.named()).collect();
        Ok(Policy {
            limits,
            grants,
            features,
            on_memory_refusal: spec.on_memory_refusal.unwrap_or(self.on_memory_refusal),
            deterministic: self.deterministic || spec.deterministic,
            named,
            ..self.clone()
        })
    }

    /// The policy that is in force at `isolation` with Wasmtime: what a profile sets by default and this level cannot enforce is
    /// lifted in plain sight (`unlimited` in the report); what the request *named* and nothing can enforce is refused.
    ///
    /// # Errors
    /// [`Unenforceable`], naming the limit or grant and the remedy.
    pub fn resolve(self, isolation: Isolation) -> Result<Policy, Unenforceable> {
        self.resolve_on(EngineId::Wasmtime, isolation)
    }

    /// The same where modules run on `engine`.
    ///
    /// # Errors
    /// As [`Policy::resolve`].
    pub fn resolve_on(mut self, engine: EngineId, isolation: Isolation) -> Result<Policy, Unenforceable> {
        crate::enforce::resolve(&mut self.limits.run, &self.named, engine, isolation)?;
        crate::enforce::check_grants(&self.grants)?;
        Ok(self)
    }
}
