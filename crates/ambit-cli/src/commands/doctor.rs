//! `ambit doctor`

use std::path::PathBuf;

use ambit_core::Isolation;
use ambit_manager::{Doctor, Here, LayerHere, Level, Setting, doctor};
use clap::ValueHint;

use crate::{output, table};

/// Exit status where runs do not get the isolation that they get unasked.
const NOT_AVAILABLE: u8 = 1;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ambit doctor
  ambit doctor --dir /srv/data
  ambit doctor --json | jq '.layers[] | select(.here != \"yes\")'
  systemd-run --user --scope -p Delegate=yes ambit doctor

Exit status: 0 if isolation `process` is available, 1 if not. What it tells is tried, not read from settings: it starts \
workers, and has them enter their jails.")]
pub(crate) struct Args {
    /// Try whether this directory can be granted
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = ".")]
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let found = doctor(&args.dir);
    if args.json {
        output::json(&found)?;
    } else {
        show(&found)?;
    }
    Ok(if found.offers(Isolation::Process) { 0 } else { NOT_AVAILABLE })
}

fn show(found: &Doctor) -> anyhow::Result<()> {
    let Doctor { layers, settings, levels } = found;
    let rows: Vec<Vec<String>> = layers
        .iter()
        .map(|LayerHere { layer, here, required: _, detail: _, purpose, remedy }| cells(layer.name(), *here, purpose, remedy))
        .collect();
    table::print(&["LAYER", "HERE", "WHAT IT IS FOR", "HOW TO GET IT"], &rows)?;
    output::data("")?;
    let rows: Vec<Vec<String>> =
        settings.iter().map(|Setting { name, here, detail: _, purpose, remedy }| cells(name, *here, purpose, remedy)).collect();
    table::print(&["BESIDES", "HERE", "WHAT IT IS FOR", "HOW TO GET IT"], &rows)?;
    output::data("")?;
    let layers = layers.iter().map(|row| (row.layer.name(), row.detail.as_ref()));
    for (name, detail) in layers.chain(settings.iter().map(|row| (row.name, row.detail.as_ref()))) {
        if let Some(detail) = detail {
            output::data(&format!("{name}: {detail}"))?;
        }
    }
    output::data("")?;
    for Level { level, available, why } in levels {
        let available = if *available { "available" } else { "not available" };
        let why = why.as_ref().map(|why| format!(", because {why}")).unwrap_or_default();
        output::data(&format!("isolation `{level}`: {available}{why}"))?;
    }
    Ok(())
}

fn cells(name: &str, here: Here, purpose: &str, remedy: &Option<String>) -> Vec<String> {
    let here = match here {
        Here::Yes => "yes",
        Here::InPart => "in part",
        Here::No => "NO",
        Here::Unknown => "?",
    };
    vec![name.into(), here.into(), purpose.into(), remedy.clone().unwrap_or_default()]
}
