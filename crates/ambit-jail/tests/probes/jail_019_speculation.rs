//! jail-019: what is learnt of others by speculation.

use rustix::process::{SpeculationFeature, SpeculationFeatureState, speculative_feature_state};

use crate::{
    Test,
    jail::{Jail, Stage},
    outside::outside,
    probe::{Attempt, Came, Given, Probes},
    skip::skip,
};

pub(crate) const TESTS: &[Test] = &[("jail_019_branches_are_not_shared", branches_are_not_shared)];

pub(crate) const PROBES: Probes = &[("branches", Attempt::Look(branches))];

/// Whether indirect branches are speculated on: that they are not, for good; that they are; or that nobody can be told.
fn branches(_: &Given) -> String {
    match speculative_feature_state(SpeculationFeature::IndirectBranchSpeculation) {
        Ok(Some(state)) if state.contains(SpeculationFeatureState::FORCE_DISABLE) => "never".into(),
        Ok(Some(state)) if state.contains(SpeculationFeatureState::PRCTL) => "told".into(),
        other => format!("fixed: {:?}", other.map(|state| state.map(|state| state.bits()))),
    }
}

fn branches_are_not_shared() {
    let inside = Jail::new().at(Stage::Below).attempt("branches", "");
    match outside("branches", "") {
        Came::Said(said) if said == "told" => assert_eq!(inside, Came::said("never")),
        other => {
            assert_eq!(inside, other);
            skip("jail_019_branches_are_not_shared", &format!("this machine cannot be told: {other:?}"));
        }
    }
}
