//! Our feature names and those of the validator.

use ambit_core::{Feature, FeatureSet, RejectReason, Rejection};
use wasmparser::WasmFeatures;

/// What every validation allows, whatever the policy: floats, and reference types that need no collector to exist.
/// Neither is a proposal; the second only stands beside the proposals that bring such types.
const BASE: WasmFeatures = WasmFeatures::FLOATS.union(WasmFeatures::GC_TYPES);

/// The validator's flags for exactly the features of `set`: nothing more than those and WebAssembly as of 2017.
pub fn wasm_features(set: FeatureSet) -> WasmFeatures {
    set.iter().map(flags).fold(BASE, WasmFeatures::union)
}

/// Every feature that has a name here, whether or not it may ever be allowed.
pub(crate) fn all_known() -> FeatureSet {
    Feature::ALL.iter().copied().collect()
}

fn flags(feature: Feature) -> WasmFeatures {
    match feature {
        Feature::MutableGlobal => WasmFeatures::MUTABLE_GLOBAL,
        Feature::SignExtension => WasmFeatures::SIGN_EXTENSION,
        Feature::SaturatingFloatToInt => WasmFeatures::SATURATING_FLOAT_TO_INT,
        Feature::MultiValue => WasmFeatures::MULTI_VALUE,
        Feature::BulkMemory => WasmFeatures::BULK_MEMORY,
        Feature::ReferenceTypes => WasmFeatures::REFERENCE_TYPES,
        Feature::Simd => WasmFeatures::SIMD,
        Feature::TailCall => WasmFeatures::TAIL_CALL,
        Feature::ExtendedConst => WasmFeatures::EXTENDED_CONST,
        Feature::MultiMemory => WasmFeatures::MULTI_MEMORY,
        Feature::ComponentModel => WasmFeatures::COMPONENT_MODEL,
        Feature::RelaxedSimd => WasmFeatures::RELAXED_SIMD,
        Feature::Memory64 => WasmFeatures::MEMORY64,
        Feature::Exceptions => WasmFeatures::EXCEPTIONS,
        Feature::FunctionReferences => WasmFeatures::FUNCTION_REFERENCES,
        Feature::Gc => WasmFeatures::GC,
        Feature::ComponentAsync => WasmFeatures::CM_ASYNC,
        Feature::Threads => WasmFeatures::THREADS,
    }
}

/// The refusal of a module that needs `missing`, which the policy does not allow.
pub(crate) fn refuse_missing(missing: FeatureSet) -> Rejection {
    if missing.contains(Feature::Threads) {
        let message =
            "the module needs the feature `threads`, which is never allowed: shared memories and their waits cannot be bounded";
        return Rejection::new(RejectReason::UnsupportedFeature, message);
    }
    // What another missing feature brings along needs no flag of its own.
    let brought = |feature| missing.iter().any(|other| other != feature && FeatureSet::EMPTY.with(other).contains(feature));
    let named: Vec<&str> = missing.iter().filter(|&feature| !brought(feature)).map(Feature::name).collect();
    let plural = if named.len() == 1 { "" } else { "s" };
    let flags: String = named.iter().map(|name| format!(" --feature {name}")).collect();
    let message = format!(
        "the module needs the feature{plural} `{}`, which the policy does not allow (allow it with `{}`)",
        named.join("`, `"),
        flags.trim_start()
    );
    Rejection::new(RejectReason::UnsupportedFeature, message)
}

/// The refusal of a module that needs a proposal that has no name here.
pub(crate) fn refuse_proposal(proposal: WasmFeatures, at: usize) -> Rejection {
    let names: Vec<String> = proposal.iter_names().map(|(name, _)| name.to_ascii_lowercase().replace('_', "-")).collect();
    let message = format!("the module needs the proposal `{}` (at byte {at:#x}), which is not supported", names.join("`, `"));
    Rejection::new(RejectReason::UnsupportedFeature, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_flags_of_its_own() {
        for &feature in Feature::ALL {
            let others: FeatureSet =
                Feature::ALL.iter().copied().filter(|&other| !FeatureSet::EMPTY.with(other).contains(feature)).collect();
            assert!(wasm_features(others) & flags(feature) != flags(feature), "{feature}");
            assert!(wasm_features(FeatureSet::EMPTY.with(feature)).contains(flags(feature)), "{feature}");
        }
    }

    #[test]
    fn nothing_experimental_is_known() {
        let unknown = WasmFeatures::all().difference(wasm_features(all_known()));
        for flag in [WasmFeatures::LEGACY_EXCEPTIONS, WasmFeatures::STACK_SWITCHING, WasmFeatures::CUSTOM_PAGE_SIZES] {
            assert!(unknown.contains(flag), "{flag:?}");
        }
    }

    #[test]
    fn the_refusal_names_the_remedy() {
        let check = |features: &[Feature], expect: &str| {
            let message = refuse_missing(features.iter().copied().collect()).message;
            assert!(message.contains(expect), "{message}");
        };
        check(&[Feature::Memory64], "the feature `memory64`, which the policy does not allow (allow it with `--feature memory64`)");
        check(&[Feature::Gc], "the feature `gc`,");
        check(&[Feature::Exceptions, Feature::Memory64], "`--feature memory64 --feature exceptions`");
        check(&[Feature::Gc, Feature::Threads], "`threads`, which is never allowed");
    }
}
