//! A run that is over.

use std::sync::Arc;

use ambit_core::{Digest, EngineId, Outcome, Policy, Report, ResultValue, RunId, Usage, Violation};

use crate::request::ISOLATION;

/// How a run ended, as its core says it.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) results: Vec<ResultValue>,
    pub(crate) usage: Usage,
    pub(crate) violations: Vec<Violation>,
}

/// What stays the same over a run and stands in its report.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) run: RunId,
    pub(crate) module: Digest,
    pub(crate) name: Arc<str>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) engine: EngineId,
    pub(crate) engine_version: Arc<str>,
}

/// A run that is over. Cheap; the full account is [`Finished::report`].
#[derive(Debug, Clone)]
pub struct Finished {
    pub(crate) identity: Identity,
    pub(crate) end: End,
}

impl Finished {
    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.end.outcome
    }

    /// What an invoked function returned.
    pub fn results(&self) -> &[ResultValue] {
        &self.end.results
    }

    /// What it used.
    pub fn usage(&self) -> &Usage {
        &self.end.usage
    }

    /// What it attempted beyond its grants and limits.
    pub fn violations(&self) -> &[Violation] {
        &self.end.violations
    }

    /// The full account.
    pub fn report(&self) -> Report {
        let Identity { run, module, name, policy, engine, engine_version } = &self.identity;
        let End { outcome, results, usage, violations } = self.end.clone();
        Report {
            run: *run,
            outcome,
            results,
            usage,
            violations,
            policy: Some(Policy::clone(policy)),
            module: Some(*module),
            name: Some(ambit_core::escape(&**name, 256)),
            engine: Some(*engine),
            engine_version: Some(engine_version.to_string()),
            isolation: ISOLATION,
            layers: Vec::new(),
        }
    }
}
