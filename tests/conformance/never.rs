//! Proposals that are never enabled: what needs them is refused, by admission and, of itself, by the engine.

use ambit_core::{EngineId, FeatureSet, RejectReason};

use crate::{
    admission,
    deviations::Failure,
    modules::{self, Module},
    suites::{File, OPT_IN},
    tally::{Row, Tally},
    world,
};

/// Shows every module of a script to admission and to the engine, with every feature that a request can add. Whether they
/// take it or not, they must agree.
pub(crate) fn run(file: &File) -> (Row, Vec<Failure>) {
    let features = OPT_IN.into_iter().fold(FeatureSet::DEFAULT, FeatureSet::with);
    let rules = admission::rules(features);
    let engine = world::engine(features);
    let mut tally = Tally { files: 1, ..Tally::default() };
    let mut failures = Vec::new();
    for Module { line, bytes, .. } in modules::of(file.text) {
        let reason = ambit_admit::admit(bytes.as_slice(), &rules).err().map(|rejection| rejection.reason);
        let count = match reason {
            None => &mut tally.admitted,
            // Imports are looked at last, so that all the rest is valid.
            Some(RejectReason::ImportDenied) => &mut tally.denied,
            Some(RejectReason::UnsupportedFeature) => &mut tally.unsupported,
            Some(_) => &mut tally.refused,
        };
        *count += 1;
        let valid = matches!(reason, None | Some(RejectReason::ImportDenied));
        let what = match (valid, wasmtime::Module::new(&engine, &bytes)) {
            (true, Ok(_)) | (false, Err(_)) => continue,
            (true, Err(error)) => format!("admission takes what the engine refuses: {error:#}"),
            (false, Ok(_)) => "the engine takes what admission refuses".into(),
        };
        failures.push(Failure { line, what });
    }
    tally.deviations = failures.len().try_into().expect("fewer than 2^64");
    (Row::new(EngineId::Wasmtime, file, None, tally), failures)
}
