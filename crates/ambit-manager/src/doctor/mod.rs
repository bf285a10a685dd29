//! What this machine gives, and what to change to get the rest.

mod advice;
mod beyond;

use std::path::Path;

use ambit_core::{Isolation, Layer};
use ambit_jail::{Machine, Tried};
use serde::Serialize;

/// What this machine gives to this user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doctor {
    /// Each layer of isolation, in the order of reports.
    pub layers: Vec<LayerHere>,
    /// What else depends on the machine.
    pub settings: Vec<Setting>,
    /// Which isolation levels there are, therefore.
    pub levels: Vec<Level>,
}

/// Whether something is to be had on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Here {
    /// All of it.
    Yes,
    /// Enough of it; a remedy gives more.
    InPart,
    /// No.
    No,
    /// Nobody got so far as to find out.
    Unknown,
}

/// A layer of isolation on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerHere {
    /// Which.
    pub layer: Layer,
    /// Whether a worker had it around it.
    pub here: Here,
    /// Whether isolation `process` needs it.
    pub required: bool,
    /// More about it, or why it is missing.
    pub detail: Option<String>,
    /// What it is for.
    pub purpose: &'static str,
    /// What to change to get it, or the rest of it; `None` if nothing is missing.
    pub remedy: Option<String>,
}

/// Something besides the layers that depends on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// What it is called.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub here: Here,
    /// Its value, or why it is missing.
    pub detail: Option<String>,
    /// What it is for.
    pub purpose: &'static str,
    /// What to change; `None` if nothing is missing.
    pub remedy: Option<String>,
}

/// An isolation level on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Which.
    pub level: Isolation,
    /// Whether runs get it.
    pub available: bool,
    /// Why not, and what there is instead.
    pub why: Option<String>,
}

impl Doctor {
    /// Whether runs get `level`.
    pub fn offers(&self, level: Isolation) -> bool {
        self.levels.iter().any(|here| here.level == level && here.available)
    }
}

/// Finds out, by having workers enter jails: this program's `main` must become what it was spawned for. `dir` is a directory to
/// try to grant.
///
/// Takes as long as a run or a few. Making control groups to try them may tell that of this process to pass its controllers on.
pub fn doctor(dir: &Path) -> Doctor {
    let machine = Machine::probe(dir);
    Doctor {
        layers: Layer::ALL.iter().map(|layer| layer_here(*layer, &machine)).collect(),
        settings: beyond::settings(&machine, dir),
        levels: vec![
            Level { level: Isolation::Process, available: machine.entry.failed.is_empty(), why: why_not(&machine.entry) },
            Level {
                level: Isolation::Tenant,
                available: machine.tenant.is_ok(),
                // What it lacks is what a process of its own lacks, unless that has all there is.
                why: machine.tenant.as_ref().err().map(|error| why_not(&machine.entry).unwrap_or_else(|| error.to_string())),
            },
            Level { level: Isolation::None, available: true, why: None },
        ],
    }
}

fn layer_here(layer: Layer, machine: &Machine) -> LayerHere {
    let purpose = advice::purpose(layer);
    if layer == Layer::Cgroup {
        return beyond::cgroup(machine, purpose);
    }
    let failed = machine.entry.failed.iter().find(|error| error.layer == Some(layer));
    let (here, detail, remedy) = match (&machine.entry.layers, failed) {
        (Some(layers), _) if layers.contains(&layer) => {
            let newer = (layer == Layer::Landlock).then(|| beyond::newer_landlock(machine)).flatten();
            let version = (layer == Layer::Landlock).then(|| beyond::landlock(machine)).flatten();
            (if newer.is_some() { Here::InPart } else { Here::Yes }, version, newer)
        }
        (_, Some(error)) => (Here::No, Some(error.to_string()), Some(advice::remedy(layer, machine.root))),
        (Some(_), None) => (Here::No, Some(advice::LEANS.into()), Some(advice::remedy(layer, machine.root))),
        (None, None) => (Here::Unknown, Some("no worker got so far".into()), None),
    };
    LayerHere { layer, here, required: true, detail, purpose, remedy }
}

/// Why runs do not get isolation `process`, if they do not.
fn why_not(entry: &Tried) -> Option<String> {
    let first = entry.failed.first()?;
    let what = first.layer.map_or_else(|| "no worker starts".to_owned(), |layer| format!("the layer `{layer}` is missing"));
    let Some(layers) = &entry.layers else { return Some(format!("{what}: {first}")) };
    let missing = Layer::ALL.iter().filter(|layer| **layer != Layer::Cgroup && !layers.contains(layer));
    let flags: Vec<String> = missing.map(|layer| format!("--allow-missing {layer}")).collect();
    Some(format!("{what}: {first}; `ambit run` goes without what is missing if told so: {}", flags.join(" ")))
}
