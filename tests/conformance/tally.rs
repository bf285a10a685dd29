//! What was counted.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    ops::AddAssign,
};

use ambit_core::EngineId;

use crate::{executor, suites::File};

/// Counts over scripts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub files: u64,
    /// Directives that passed, the text-only ones not among them.
    pub passed: u64,
    /// Directives about text that no module comes from: what is tested there is the text parser, not us.
    pub text_only: u64,
    /// Valid modules that were admitted.
    pub admitted: u64,
    /// Valid modules, refused for imports that no guest can have.
    pub denied: u64,
    /// Modules that were refused for a feature that is never enabled. Not counted where such proposals are not looked at.
    pub unsupported: u64,
    /// Modules that were refused as invalid.
    pub refused: u64,
    /// Directives that do not pass, each listed with its reason.
    pub deviations: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self { files, passed, text_only, admitted, denied, unsupported, refused, deviations } = other;
        self.files += files;
        self.passed += passed;
        self.text_only += text_only;
        self.admitted += admitted;
        self.denied += denied;
        self.unsupported += unsupported;
        self.refused += refused;
        self.deviations += deviations;
    }
}

/// What one script adds to its row of the table.
pub(crate) struct Row {
    engine: EngineId,
    suite: (usize, String),
    /// The features besides the default ones, or none if the proposal is never enabled.
    features: Option<String>,
    tally: Tally,
}

impl Row {
    pub(crate) fn new(engine: EngineId, file: &File, features: Option<String>, tally: Tally) -> Self {
        Self { engine, suite: file.suite.clone(), features, tally }
    }
}

/// A row of a table: the suite, by its place and name, and the features that were added.
type Kind = ((usize, String), String);

/// What all scripts that ran have counted, by suite and features.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    enabled: BTreeMap<EngineId, BTreeMap<Kind, Tally>>,
    never: BTreeMap<(usize, String), Tally>,
}

impl Measured {
    pub(crate) fn add(&mut self, row: Row) {
        *match row.features {
            Some(features) => self.enabled.entry(row.engine).or_default().entry((row.suite, features)).or_default(),
            None => self.never.entry(row.suite).or_default(),
        } += row.tally;
    }

    /// The tables of the page, by their names there.
    pub(crate) fn tables(&self) -> [(&'static str, String); 3] {
        let enabled = |engine| enabled(self.enabled.get(&engine).into_iter().flatten());
        let mut never = "| proposal | files | modules that do without | refused for the feature | refused as invalid \
            | deviations |\n|---|--:|--:|--:|--:|--:|\n"
            .to_owned();
        for ((_, suite), tally) in &self.never {
            let Tally { files, passed: _, text_only: _, admitted, denied, unsupported, refused, deviations } = tally;
            let without = admitted + denied;
            writeln!(never, "| {suite} | {files} | {without} | {unsupported} | {refused} | {deviations} |")
                .expect("strings take all");
        }
        [("enabled", enabled(EngineId::Wasmtime)), ("wasmi", enabled(EngineId::Wasmi)), ("never", never)]
    }
}

/// The table of scripts that were run on one engine.
fn enabled<'a>(rows: impl Iterator<Item = (&'a Kind, &'a Tally)>) -> String {
    let mut enabled = "| suite | features added | files | directives passed | text only | modules admitted | import-denied \
            | refused | deviations |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    let mut total = Tally::default();
    for (((_, suite), features), tally) in rows {
        line(&mut enabled, suite, features, tally);
        total += *tally;
    }
    line(&mut enabled, "all", "", &total);
    enabled
}

fn line(table: &mut String, suite: &str, features: &str, tally: &Tally) {
    let Tally { files, passed, text_only, admitted, denied, unsupported: _, refused, deviations } = tally;
    let counts = [files, passed, text_only, admitted, denied, refused, deviations].map(u64::to_string).join(" | ");
    writeln!(table, "| {suite} | {features} | {counts} |").expect("strings take all");
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tables().iter().try_for_each(|(_, table)| writeln!(f, "{table}"))?;
        write!(f, "guests gave the thread back {} times", executor::yields())
    }
}
