//! Bombs for a compiler that do reach it: with every static limit lifted, in a process of its own, under a small budget.
//!
//! Static limits refuse them all at the defaults (the rows `bomb-*`). Here that wall is gone, and the next one has to hold: the
//! compiler is ended at its budget, nobody else is, and a benign guest beside it goes on.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use ambit_core::{EngineId, LimitsSpec, PolicySpec, ShapeKey};
use ambit_manager::{Entry, Input};

use crate::{
    bytes, jailed,
    row::{escaped, matches},
};

/// A compiler's budget.
const BUDGET: [(&str, &str); 4] =
    [("compile-time", "2s"), ("compile-memory", "256MiB"), ("module-size", "200MiB"), ("wall-time", "5m")];

/// Compiles, or is ended for it: a faster machine has more in its budget.
const EITHER: &[&str] = &["rejected:compile-budget", "exited:0"];
const BUDGET_ONLY: &[&str] = &["rejected:compile-budget"];
/// What the engine itself never takes.
const NEVER: &[&str] = &["rejected:invalid-module"];

/// Bombs, and what may become of each.
pub(crate) const BOMBS: [(&str, &[&str]); 18] = [
    ("bomb-01-locals", BUDGET_ONLY),
    ("bomb-02-nested-loops", BUDGET_ONLY),
    ("bomb-03-nested-blocks", BUDGET_ONLY),
    ("bomb-03-calls", BUDGET_ONLY),
    ("bomb-03-funcs", BUDGET_ONLY),
    ("bomb-03-branchy", BUDGET_ONLY),
    ("bomb-03-live-values", BUDGET_ONLY),
    ("bomb-04-br-table", NEVER),
    ("bomb-04-br-table-many", EITHER),
    ("bomb-05-types", NEVER),
    ("bomb-05-globals", EITHER),
    ("bomb-05-imports", EITHER),
    // A worker with memory for its module and guest has none for a hundred megabytes of names once more.
    ("bomb-05-exports", &["rejected:compile-budget", "limit-exceeded:memory", "exited:0"]),
    ("bomb-06-data-segments", NEVER),
    ("bomb-06-elem", EITHER),
    // A hundred megabytes twice are more than the budget.
    ("bomb-06-data-oob", BUDGET_ONLY),
    ("bomb-07-custom", EITHER),
    ("bomb-08-component-types", NEVER),
];

/// Sets it off.
pub(crate) fn check(id: &str, may: &[&str]) -> Result<(), String> {
    let module = bytes::generate(id).expect("there is such a bomb");
    let mut limits = LimitsSpec::default();
    for key in ShapeKey::ALL {
        limits.set(key.name(), "unlimited").map_err(|error| error.to_string())?;
    }
    for (key, value) in BUDGET {
        limits.set(key, value).map_err(|error| error.to_string())?;
    }
    let spec = PolicySpec { limits, ..PolicySpec::default() };
    let over = AtomicBool::new(false);
    let (report, well) = thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let launcher = jailed::launcher(EngineId::Wasmtime);
            let mut well = jailed::is_well(&launcher);
            while !over.load(Relaxed) {
                well &= jailed::is_well(&launcher);
            }
            well
        });
        let entry = Entry::Invoke { function: "run".into(), args: Vec::new() };
        let report = jailed::launch(&jailed::launcher(EngineId::Wasmtime), &module, &spec, entry, Input::Nothing, None).report;
        over.store(true, Relaxed);
        (report, beside.join().expect("no panic"))
    });
    if !may.iter().any(|may| matches(&report.outcome, may)) {
        return Err(format!("expected {may:?}, got {:?}", report.outcome));
    }
    escaped(&report)?;
    if well { Ok(()) } else { Err("a guest beside it was harmed".into()) }
}
