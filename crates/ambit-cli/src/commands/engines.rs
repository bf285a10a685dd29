//! `ambit engines`

use ambit_core::{EngineCapabilities, Feature};

use crate::{engines, output, table};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit engines --json | jq '.[].features'")]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let engines: Vec<EngineCapabilities> = engines::all().map(|engine| engine.capabilities()).collect();
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

fn view(engine: &EngineCapabilities) -> serde_json::Value {
    let mut value = serde_json::to_value(engine).unwrap_or_default();
    let features: Vec<&str> = engine.features.iter().map(Feature::name).collect();
    value["features"] = features.into();
    value
}
