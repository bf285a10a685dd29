//! What happens to runs, as a stream for monitors.

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, ids::RunId, outcome::Outcome, violation::Violation};

/// Something that happened to a run. A run has at most one `Started`, at most one `Compiled`, and exactly one
/// `Ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The guest was instantiated.
    Started {
        /// Which run.
        run: RunId,
        /// Which module.
        module: Digest,
    },
    /// Its module was compiled and loaded for it, and nothing of it has run yet.
    Compiled {
        /// Which run.
        run: RunId,
    },
    /// The run has its outcome.
    Ended {
        /// Which run.
        run: RunId,
        /// Which module, if the bytes were read at all.
        module: Option<Digest>,
        /// How it ended.
        outcome: Outcome,
        /// What was attempted beyond grants and limits.
        violations: Vec<Violation>,
    },
}
