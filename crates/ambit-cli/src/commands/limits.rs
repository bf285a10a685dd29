//! `ambit limits`

use ambit_core::{Enforcement, EngineId, Isolation, LimitKey, Profile, ShapeKey};
use serde::Serialize;

use crate::{output, table};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit limits\n  ambit limits --profile terminal\n  ambit limits --isolation none\n  ambit limits --engine wasmi\n  ambit limits --json | jq '.run[] | select(.name == \"memory\")'"
)]
pub(crate) struct Args {
    /// Show the values of this profile
    #[arg(long, default_value = "default")]
    profile: Profile,
    /// Show who enforces them at this level of isolation
    #[arg(long, default_value = "process")]
    isolation: Isolation,
    /// Show who enforces them where modules run on this engine
    #[arg(long, default_value = "wasmtime")]
    engine: EngineId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    value: String,
    min: String,
    max: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    enforcement: Vec<Level>,
}

#[derive(Serialize)]
struct Level {
    isolation: Isolation,
    #[serde(flatten)]
    by: Enforcement,
}

#[derive(Serialize)]
struct Limits {
    profile: Profile,
    run: Vec<Row>,
    shape: Vec<Row>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let policy = args.profile.policy();
    let run = LimitKey::ALL.iter().map(|&key| {
        let spec = key.spec();
        let enforcement =
            Isolation::ALL.iter().map(|&isolation| Level { isolation, by: key.enforcement(args.engine, isolation) }).collect();
        let value = policy.limits.run.show(key);
        Row { name: spec.name, what: spec.what, unit: spec.unit, value, min: spec.min, max: spec.max, enforcement }
    });
    let shape = ShapeKey::ALL.iter().map(|&key| {
        let spec = key.spec();
        let value = policy.limits.shape.show(key);
        Row { name: spec.name, what: spec.what, unit: spec.unit, value, min: spec.min, max: spec.max, enforcement: Vec::new() }
    });
    let limits = Limits { profile: args.profile, run: run.collect(), shape: shape.collect() };
    if args.json {
        output::json(&limits)?;
        return Ok(0);
    }
    output::data(&format!("Limits of the profile `{}`: {}.", args.profile, whose(args.profile)))?;
    output::data("`ambit run` sets one with --limit NAME=VALUE, and lifts one with --unlimited NAME.\n")?;
    let rows: Vec<Vec<String>> = limits.run.iter().map(|row| cells(row, &enforced(row, args.isolation))).collect();
    let on = if args.engine == EngineId::Wasmtime { String::new() } else { format!(" ON `{}`", args.engine) };
    let by = format!("ENFORCED AT ISOLATION `{}`{on} BY", args.isolation);
    table::print(&["LIMIT", "VALUE", "RANGE", &by, "BOUNDS"], &rows)?;
    output::data("\nStatic limits, checked by admission at every isolation level before an engine sees the module:\n")?;
    let rows: Vec<Vec<String>> = limits.shape.iter().map(|row| cells(row, "admission")).collect();
    table::print(&["LIMIT", "VALUE", "RANGE", "ENFORCED BY", "BOUNDS"], &rows)?;
    Ok(0)
}

/// Who starts from this profile unasked.
fn whose(profile: Profile) -> &'static str {
    match profile {
        Profile::Terminal => "`ambit run` and `ambit validate` start from it unless --profile names another",
        Profile::Default => {
            "`ambit inspect` compares with it; `ambit run` and `ambit validate` start from `terminal` (ambit limits --profile terminal)"
        }
        Profile::Restricted | Profile::Minimal | Profile::Development => "in force where --profile names it",
    }
}

fn cells(row: &Row, enforced: &str) -> Vec<String> {
    vec![row.name.into(), row.value.clone(), format!("{}..{}", row.min, row.max), enforced.into(), row.what.into()]
}

fn enforced(row: &Row, at: Isolation) -> String {
    match row.enforcement.iter().find(|level| level.isolation == at).map(|level| level.by) {
        Some(Enforcement::By(who)) => who.into(),
        Some(Enforcement::Refused(why)) => format!("refused: {why}"),
        None => String::new(),
    }
}
