//! The lists as a table, for the documents.

use std::{collections::BTreeSet, fmt::Write as _};

use ambit_core::EngineId;

use super::{
    lists,
    policy::{SyscallPolicy, Use},
    rule::{Phase, Rule},
};

/// The columns: each list there is.
const LISTS: &[(&str, EngineId, Use)] = &[
    ("Wasmtime, `process`", EngineId::Wasmtime, Use::Process),
    ("Wasmtime, `tenant`", EngineId::Wasmtime, Use::Tenant),
    ("Wasmi, `process`", EngineId::Wasmi, Use::Process),
    ("Wasmi, `tenant`", EngineId::Wasmi, Use::Tenant),
    ("compiler", EngineId::Wasmtime, Use::Compiler),
];

/// Every list of this architecture as one table in Markdown.
pub fn table() -> String {
    // As they are shipped.
    let list = |engine, use_, files| SyscallPolicy::of(engine, use_, files).without_rules(|rule| lists::DEBUGGING.contains(rule));
    let whole: Vec<_> = LISTS.iter().map(|(_, engine, use_)| list(*engine, *use_, true)).collect();
    let short: Vec<_> = LISTS.iter().map(|(_, engine, use_)| list(*engine, *use_, false)).collect();
    // A rule that two lists have in different phases is one row.
    let same = |a: &Rule, b: &Rule| (a.name, a.when, a.why) == (b.name, b.when, b.why);
    let mut rows: Vec<Rule> = Vec::new();
    for rule in whole.iter().flat_map(SyscallPolicy::rules) {
        if !rows.iter().any(|row| same(row, rule)) {
            rows.push(*rule);
        }
    }
    let mut out = String::from("| call | with | for |");
    for (title, ..) in LISTS {
        let _ = write!(out, " {title} |");
    }
    out.push_str("\n|---|---|---|");
    out.push_str(&"---|".repeat(LISTS.len()));
    out.push('\n');
    for row in rows {
        let _ = write!(out, "| `{}` | {} | {} |", row.name, row.when, row.why);
        for (whole, short) in whole.iter().zip(&short) {
            let cell = match whole.rules().find(|rule| same(rule, &row)) {
                None => "",
                Some(rule) if rule.phase == Phase::Loading => "until mapped",
                Some(_) if short.rules().any(|rule| same(rule, &row)) => "yes",
                Some(_) => "with directories",
            };
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    let _ = write!(out, "| calls | | | ");
    for (whole, short) in whole.iter().zip(&short) {
        let (short, whole) = (count(short), count(whole));
        let _ = if short == whole { write!(out, "{whole} | ") } else { write!(out, "{short} or {whole} | ") };
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// How many calls a list has.
fn count(policy: &SyscallPolicy) -> usize {
    policy.rules().map(|rule| rule.number).collect::<BTreeSet<_>>().len()
}
