//! Reports of runs that never began.

use std::time::Instant;

use ambit_core::{Digest, Isolation, Outcome, Policy, Rejection, Report, RunId, Usage};

/// What is known of a run that was refused.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) policy: Option<Policy>,
    pub(super) module: Option<Digest>,
}

pub(super) fn rejected(rejection: Rejection, refused: Refused, name: &str, began: Instant, isolation: Isolation) -> Report {
    unstarted(Outcome::Rejected(rejection), refused, name, began, isolation)
}

pub(super) fn unstarted(outcome: Outcome, refused: Refused, name: &str, began: Instant, isolation: Isolation) -> Report {
    let Refused { policy, module } = refused;
    Report {
        run: RunId(0),
        outcome,
        results: Vec::new(),
        value: None,
        usage: Usage { wall_ns: u64::try_from(began.elapsed().as_nanos()).ok(), ..Usage::default() },
        violations: Vec::new(),
        policy,
        module,
        name: Some(ambit_core::escape(name, 256)),
        engine: None,
        engine_version: None,
        isolation,
        layers: Vec::new(),
        artifact: None,
    }
}
