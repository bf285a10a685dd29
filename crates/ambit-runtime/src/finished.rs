//! A run that is over.

use std::sync::Arc;

use ambit_core::{ArtifactSource, ComponentValue, Digest, EngineId, Outcome, Policy, Report, ResultValue, RunId, Usage, Violation};
use ambit_engine::Answer;

use crate::request::ISOLATION;

/// How a run ended, as its core says it.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) answer: Answer,
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

    /// What an invoked function of a core module returned.
    pub fn results(&self) -> &[ResultValue] {
        match &self.end.answer {
            Answer::Values(values) => values,
            Answer::Nothing | Answer::Bytes(_) | Answer::Component(_) => &[],
        }
    }

    /// What a component's function returned; `None` of any other call, and of a function that returns nothing.
    pub fn value(&self) -> Option<&ComponentValue> {
        match &self.end.answer {
            Answer::Component(value) => Some(value),
            Answer::Nothing | Answer::Values(_) | Answer::Bytes(_) => None,
        }
    }

    /// What an exchange was answered with; `None` of any other call, and of one that was not answered.
    pub fn reply(&self) -> Option<&[u8]> {
        match &self.end.answer {
            Answer::Nothing | Answer::Values(_) | Answer::Component(_) => None,
            Answer::Bytes(bytes) => Some(bytes),
        }
    }

    /// The same without a copy.
    ///
    /// # Errors
    /// It was not answered so.
    #[expect(clippy::result_large_err, reason = "it is given back as it was")]
    pub fn into_reply(mut self) -> Result<Vec<u8>, Self> {
        match std::mem::take(&mut self.end.answer) {
            Answer::Bytes(bytes) => Ok(bytes),
            other @ (Answer::Nothing | Answer::Values(_) | Answer::Component(_)) => {
                self.end.answer = other;
                Err(self)
            }
        }
    }

    /// What a component's function returned, without a copy; `None` of one that returns nothing.
    ///
    /// # Errors
    /// It did not return, or was no component's function. It is given back as it was.
    #[expect(clippy::result_large_err, reason = "it is given back as it was")]
    pub fn into_value(mut self) -> Result<Option<ComponentValue>, Self> {
        match std::mem::take(&mut self.end.answer) {
            Answer::Component(value) => Ok(Some(value)),
            Answer::Values(values) if values.is_empty() => Ok(None),
            other @ (Answer::Nothing | Answer::Values(_) | Answer::Bytes(_)) => {
                self.end.answer = other;
                Err(self)
            }
        }
    }

    /// Whether it returned to its caller. A guest that exits with code 0 succeeds and does not return.
    pub fn returned(&self) -> bool {
        self.end.answer != Answer::Nothing
    }

    /// What it used.
    pub fn usage(&self) -> &Usage {
        &self.end.usage
    }

    /// What it attempted beyond its grants and limits.
    pub fn violations(&self) -> &[Violation] {
        &self.end.violations
    }

    /// The full account. What an exchange was answered with is no part of it.
    pub fn report(&self) -> Report {
        let Identity { run, module, name, policy, engine, engine_version } = &self.identity;
        let End { outcome, answer: _, usage, violations } = &self.end;
        Report {
            run: *run,
            outcome: outcome.clone(),
            results: self.results().to_vec(),
            value: self.value().cloned(),
            usage: usage.clone(),
            violations: violations.clone(),
            policy: Some(Policy::clone(policy)),
            module: Some(*module),
            name: Some(ambit_core::escape(&**name, 256)),
            engine: Some(*engine),
            engine_version: Some(engine_version.to_string()),
            isolation: ISOLATION,
            layers: Vec::new(),
            artifact: (engine.compiles() && !matches!(outcome, Outcome::Rejected(_))).then_some(if usage.compile_ns.is_some() {
                ArtifactSource::Compiled
            } else {
                ArtifactSource::Cached
            }),
        }
    }
}
