//! `ambit engines`

use ambit_core::{Choice, EngineCapabilities, Feature, Preferences, Requirement, choose};
use serde_json::json;

use crate::{engines, output, table};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit engines --json | jq '.[].features'
  ambit engines --require simd,fuel --explain
  ambit engines --require no-code              # the name of one that makes no machine code
  ambit engines --require fuel --prefer start

Exit status: 1 if no engine has all that is required")]
pub(crate) struct Args {
    /// Print the engine to choose that has all of these: features, limits, and components, yields, start-interruptible, bulk-fuel,
    /// deterministic, stack-trace, no-code
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    require: Vec<Requirement>,
    /// What is liked of those that have it, by weight: speed, of code; start, of a module that is new. Default speed
    #[arg(long, value_name = "WHAT[=WEIGHT],…")]
    prefer: Option<Preferences>,
    /// Say why not the others
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let engines: Vec<EngineCapabilities> = engines::all().map(|engine| engine.capabilities()).collect();
    if !args.require.is_empty() || args.prefer.is_some() || args.explain {
        let choice = choose(&engines, &args.require, args.prefer.unwrap_or_default());
        return chosen(&choice, args);
    }
    if args.json {
        let view: Vec<_> = engines.iter().map(view).collect();
        output::json(&view)?;
        return Ok(0);
    }
    for engine in &engines {
        let EngineCapabilities {
            engine: id,
            version,
            compiler,
            features,
            components,
            limits,
            yields,
            start_interruptible,
            bulk_fuel_by_length,
            deterministic,
            stack_trace,
            pooling,
        } = engine;
        output::heading(&format!("{id} {version}"))?;
        let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
        let limits: Vec<&str> = limits.iter().map(|limit| limit.name()).collect();
        let missing: Vec<&str> = Feature::ALL.iter().filter(|&&f| !features.contains(f)).map(|f| f.name()).collect();
        let rows = [
            ("compiler", compiler.clone().unwrap_or_else(|| "none: an interpreter".into())),
            ("features", features.to_string()),
            ("never", missing.join(", ")),
            ("components", yes(*components)),
            ("limits", limits.join(", ")),
            ("yields to the scheduler", yes(*yields)),
            ("start functions interruptible", yes(*start_interruptible)),
            ("bulk operations cost fuel by length", yes(*bulk_fuel_by_length)),
            ("deterministic on request", yes(*deterministic)),
            ("stack traces", yes(*stack_trace)),
            ("instance pool", yes(*pooling)),
        ];
        let rows: Vec<Vec<String>> = rows.map(|(name, value)| vec![format!("  {name}"), value]).to_vec();
        table::print(&["", ""], &rows)?;
    }
    Ok(0)
}

/// Prints a choice; says by the status whether there is one.
fn chosen(choice: &Choice, args: &Args) -> anyhow::Result<u8> {
    let Choice { engine, others } = choice;
    if args.json {
        let others: Vec<_> = others.iter().map(|(engine, why)| json!({ "engine": engine, "why": why })).collect();
        output::json(&json!({ "engine": engine, "others": others }))?;
    } else {
        if let Some(engine) = engine {
            output::data(engine.name())?;
        }
        if args.explain {
            for (other, why) in others {
                output::data(&format!("not {other}: {why}"))?;
            }
        } else if engine.is_none() {
            output::error("no engine has all of that; --explain says what each lacks");
        }
    }
    Ok(u8::from(engine.is_none()))
}

fn view(engine: &EngineCapabilities) -> serde_json::Value {
    let mut value = serde_json::to_value(engine).unwrap_or_default();
    let features: Vec<&str> = engine.features.iter().map(Feature::name).collect();
    value["features"] = features.into();
    value
}
