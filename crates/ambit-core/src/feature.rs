//! WebAssembly features, by the names of their proposals.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{UnknownName, names};

names! {
    /// A WebAssembly feature that a module may need and a policy may allow.
    Feature, "feature";
    /// Import and export of mutable globals.
    MutableGlobal = "mutable-global",
    /// Sign-extension operators.
    SignExtension = "sign-extension",
    /// Saturating float-to-int conversions.
    SaturatingFloatToInt = "saturating-float-to-int",
    /// Several results and block parameters.
    MultiValue = "multi-value",
    /// memory.copy, memory.fill and passive segments.
    BulkMemory = "bulk-memory",
    /// funcref and externref as values; several tables.
    ReferenceTypes = "reference-types",
    /// 128-bit vectors.
    Simd = "simd",
    /// return_call.
    TailCall = "tail-call",
    /// Arithmetic in constant expressions.
    ExtendedConst = "extended-const",
    /// Several memories.
    MultiMemory = "multi-memory",
    /// The component model.
    ComponentModel = "component-model",
    /// Vectors with implementation-defined results.
    RelaxedSimd = "relaxed-simd",
    /// 64-bit memories and tables.
    Memory64 = "memory64",
    /// try_table, throw, exnref.
    Exceptions = "exceptions",
    /// Typed function references, call_ref.
    FunctionReferences = "function-references",
    /// Structs and arrays on a collected heap.
    Gc = "gc",
    /// Async functions, streams and futures of components.
    ComponentAsync = "component-async",
    /// Shared memories and atomics: never allowed.
    Threads = "threads",
}

/// A feature name nobody knows.
pub type UnknownFeature = UnknownName;

/// A set of features.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct FeatureSet(u32);

impl FeatureSet {
    /// No feature: WebAssembly as of 2017.
    pub const EMPTY: Self = Self(0);

    /// What every profile allows.
    pub const DEFAULT: Self = Self::EMPTY
        .with(Feature::MutableGlobal)
        .with(Feature::SignExtension)
        .with(Feature::SaturatingFloatToInt)
        .with(Feature::MultiValue)
        .with(Feature::BulkMemory)
        .with(Feature::ReferenceTypes)
        .with(Feature::Simd)
        .with(Feature::TailCall)
        .with(Feature::ExtendedConst)
        .with(Feature::MultiMemory)
        .with(Feature::ComponentModel);

    /// This set and `feature`, with what `feature` stands on.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        let implied = match feature {
            Feature::Gc => 1 << Feature::FunctionReferences as u32,
            Feature::RelaxedSimd => 1 << Feature::Simd as u32,
            _ => 0,
        };
        Self(self.0 | 1 << feature as u32 | implied)
    }

    /// This set without `feature`.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !(1 << feature as u32))
    }

    /// Whether `feature` is in the set.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u32 != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not in `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The features, in the order of [`Feature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.iter().copied().filter(move |&feature| self.contains(feature))
    }
}

impl FromIterator<Feature> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        features.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Feature::name).collect();
        f.write_str(&names.join(", "))
    }
}
