//! Directives that are known not to pass.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::suites::File;
use ambit_core::EngineId;

/// Directives that do not pass, and why that is accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deviation {
    /// Such as `wasm-v3/br_if.wast`.
    pub file: String,
    /// The engine on which they do not pass, if they do on the others.
    engine: Option<EngineId>,
    /// The lines they start on, from 1.
    lines: Vec<usize>,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default, rename = "deviation")]
    deviations: Vec<Deviation>,
}

/// A directive that did not pass.
pub(crate) struct Failure {
    /// The line it starts on, from 1.
    pub line: usize,
    pub what: String,
}

/// All deviations.
pub(crate) fn all() -> &'static [Deviation] {
    static ALL: LazyLock<Expected> =
        LazyLock::new(|| toml::from_str(include_str!("expected.toml")).expect("`expected.toml` is right"));
    &ALL.deviations
}

/// What is to be said of a file's failures that no deviation names, and of its deviations that did not fail.
pub(crate) fn unexpected(engine: EngineId, file: &File, failures: Vec<Failure>) -> Vec<String> {
    let path = file.path();
    let listed = all().iter().filter(|deviation| {
        let here = deviation.engine.is_none_or(|only| only == engine);
        deviation.file == path && here
    });
    let listed: Vec<(usize, &str)> =
        listed.flat_map(|deviation| deviation.lines.iter().map(|&line| (line, deviation.reason.as_str()))).collect();
    let passed = listed.iter().filter(|(line, _)| failures.iter().all(|failure| failure.line != *line));
    let passed: Vec<String> =
        passed.map(|(line, reason)| format!("{path}:{line}: passes, though `expected.toml` says: {reason}")).collect();
    let unlisted = failures.into_iter().filter(|failure| listed.iter().all(|(line, _)| *line != failure.line));
    unlisted.map(|failure| format!("{path}:{}: {}", failure.line, failure.what)).chain(passed).collect()
}
