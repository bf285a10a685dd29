//! The features a script needs, so that it is run with those and no more.

use ambit_core::{FeatureSet, RejectReason};

use crate::{admission, modules, suites::OPT_IN};

/// The default features, `adds`, and of the others one by one those without which some valid module is refused.
///
/// A script that is refused with all of them keeps all of them, and fails when it is run.
pub(crate) fn needed(text: &str, adds: FeatureSet) -> FeatureSet {
    let least = FeatureSet::DEFAULT.union(adds);
    let modules = modules::of(text);
    let suffice = |features: FeatureSet| {
        let rules = admission::rules(features);
        modules.iter().filter(|module| module.valid).all(|module| match ambit_admit::admit(module.bytes.as_slice(), &rules) {
            Ok(_) => true,
            Err(rejection) => rejection.reason == RejectReason::ImportDenied,
        })
    };
    if suffice(least) {
        return least;
    }
    // In reverse, because what stands on another feature comes after it.
    OPT_IN.into_iter().rev().fold(OPT_IN.into_iter().fold(least, FeatureSet::with), |features, feature| {
        let without = features.without(feature).union(least);
        if suffice(without) { without } else { features }
    })
}
