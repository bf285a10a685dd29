//! How Wasmi is configured for a set of settings.

use ambit_core::{Feature, FeatureSet};
use wasmi::{CompilationMode, Config, EnforcedLimits};

use crate::settings::Settings;

/// The features that it runs.
pub(super) const FEATURES: FeatureSet = FeatureSet::EMPTY
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
    .with(Feature::RelaxedSimd)
    .with(Feature::Memory64);

/// Bytes of the stack that a call takes besides its values: what the interpreter keeps to return.
const FRAME: usize = 32;

/// Bytes of stack to begin with. It grows as it is needed.
const FIRST_STACK: usize = 4096;

/// Everything that decides what a module is translated to, but for [`bounded`].
pub(super) fn of(settings: &Settings) -> Config {
    let Settings { features, stack, epochs, fuel, deterministic: _ } = *settings;
    let has = |feature| features.contains(feature);
    let mut config = Config::default();
    config
        .wasm_mutable_global(has(Feature::MutableGlobal))
        .wasm_sign_extension(has(Feature::SignExtension))
        .wasm_saturating_float_to_int(has(Feature::SaturatingFloatToInt))
        .wasm_multi_value(has(Feature::MultiValue))
        .wasm_bulk_memory(has(Feature::BulkMemory))
        .wasm_reference_types(has(Feature::ReferenceTypes))
        .wasm_simd(has(Feature::Simd))
        .wasm_relaxed_simd(has(Feature::RelaxedSimd))
        .wasm_tail_call(has(Feature::TailCall))
        .wasm_extended_const(has(Feature::ExtendedConst))
        .wasm_multi_memory(has(Feature::MultiMemory))
        .wasm_memory64(has(Feature::Memory64))
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        // Slices end by fuel, so guests that share a process have it in any case.
        .consume_fuel(epochs || fuel)
        // All at once, when it is compiled: what is translated later is bounded by nothing but the guest's own fuel.
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .set_max_stack_height(stack.bytes())
        .set_min_stack_height(FIRST_STACK)
        .set_max_recursion_depth(stack.bytes() / FRAME)
        // Its engine has one module, and few guests of it at once.
        .set_max_cached_stacks(2);
    config
}

/// The same with Wasmi's own bounds on what is costly to translate, which stand behind [`bounds`](super::bounds). They are for modules of
/// one memory, and cannot be had one by one.
pub(super) fn bounded(settings: &Settings, memories: usize) -> Config {
    let mut config = of(settings);
    if memories <= 1 {
        config.enforced_limits(EnforcedLimits::strict());
    }
    config
}
