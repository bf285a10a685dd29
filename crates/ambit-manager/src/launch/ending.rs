//! How a run ended, and what is reported of it.

use ambit_core::{ComponentValue, EngineId, Isolation, Outcome, Policy, Rejection, Report, ResultValue, Usage, Violation, escape};

use super::{LaunchRequest, nanos};

/// How a run ended.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) results: Vec<ResultValue>,
    pub(super) value: Option<ComponentValue>,
    pub(super) usage: Usage,
    pub(super) violations: Vec<Violation>,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, results: Vec::new(), value: None, usage: Usage::default(), violations: Vec::new() }
    }
}

impl From<Rejection> for Ending {
    fn from(rejection: Rejection) -> Self {
        Outcome::Rejected(rejection).into()
    }
}

impl Ending {
    /// The report of a run that ended so, as far as it does not depend on a worker.
    pub(super) fn report(self, engine: EngineId, policy: &Policy, request: &LaunchRequest) -> Report {
        let Self { outcome, results, value, usage, violations } = self;
        // What was refused was run by none.
        let began = !matches!(outcome, Outcome::Rejected(_));
        Report {
            run: request.run,
            outcome,
            results,
            value,
            usage: Usage { wall_ns: Some(nanos(request.since.elapsed())), ..usage },
            violations,
            policy: Some(policy.clone()),
            module: Some(request.module.digest()),
            name: Some(escape(&request.name, 256)),
            engine: began.then_some(engine),
            engine_version: None,
            isolation: Isolation::Process,
            layers: Vec::new(),
            artifact: None,
        }
    }
}
