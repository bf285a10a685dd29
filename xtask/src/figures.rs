//! `cargo xtask figures`: measures again every figure that SPECIFICATION.md promises, each beside its partner in the same
//! run, since only ratios taken side by side mean the same on another machine.
//!
//! It is no part of the tests: what it says depends on what else the machine does. Run it on a quiet one.

mod bench;
mod figure;
mod jailed;
mod list;
mod real;
mod release;
mod whole;

use anyhow::bail;

use self::{
    figure::{Figure, Measured},
    list::FIGURES,
};
use crate::{
    output::{data, table, talk},
    repo::Repo,
};

/// Which figures to measure, and how to say them.
#[derive(Debug, clap::Args)]
pub struct FiguresArgs {
    /// Only these; all if none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Only list them
    #[arg(long)]
    list: bool,
}

/// Measures and prints. Gives back whether no figure was missed; what cannot be measured here is printed as skipped.
///
/// # Errors
/// A name is not a figure's.
pub fn figures(repo: &Repo, args: &FiguresArgs) -> anyhow::Result<bool> {
    if let Some(name) = args.names.iter().find(|name| !FIGURES.iter().any(|figure| figure.name == **name)) {
        let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        bail!("there is no figure `{name}`; there are {}", names.join(", "));
    }
    let chosen = FIGURES.iter().filter(|figure| args.names.is_empty() || args.names.iter().any(|name| name == figure.name));
    if args.list {
        let rows: Vec<Vec<String>> =
            chosen.map(|figure| vec![figure.name.into(), figure.bound.to_string(), figure.what.into()]).collect();
        table(&["figure", "bound", "what"], &rows);
        return Ok(true);
    }
    let mut measured = Vec::new();
    for figure in chosen {
        talk(&format!("measuring {}: {}", figure.name, figure.what));
        measured.push((figure, figure.measure(repo)));
    }
    if args.json {
        let view: Vec<_> = measured.iter().map(|(figure, measured)| view(figure, measured)).collect();
        data(&serde_json::to_string_pretty(&view)?);
    } else {
        let rows: Vec<Vec<String>> = measured.iter().map(|(figure, measured)| row(figure, measured)).collect();
        table(&["figure", "bound", "measured", "met"], &rows);
    }
    Ok(measured.iter().all(|(_, measured)| measured.met() != Some(false)))
}

fn row(figure: &Figure, measured: &Measured) -> Vec<String> {
    let met = match measured.met() {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "skipped",
    };
    vec![figure.name.into(), figure.bound.to_string(), measured.to_string(), met.into()]
}

fn view(figure: &Figure, measured: &Measured) -> serde_json::Value {
    let mut view = serde_json::json!({
        "name": figure.name,
        "what": figure.what,
        "bound": figure.bound.to_string(),
        "met": measured.met(),
        "measured": measured.to_string(),
    });
    if let Measured::Value { ours, partner, unit, ratio, .. } = measured {
        view["ours"] = (*ours).into();
        view["partner"] = (*partner).into();
        view["unit"] = unit.as_str().into();
        view["ratio"] = (*ratio).into();
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIGURES.len());
    }

    #[test]
    fn every_figure_is_promised_and_every_promise_is_a_figure() {
        let repo = Repo::here().expect("listed");
        let specification = repo.text("SPECIFICATION.md").expect("read").expect("text");
        let promised = |name: &str| specification.contains(&format!("`cargo xtask figures {name}`"));
        let missing: Vec<&str> = FIGURES.iter().map(|figure| figure.name).filter(|name| !promised(name)).collect();
        assert!(missing.is_empty(), "SPECIFICATION.md does not name {missing:?}");
        let named = specification.split("`cargo xtask figures ").skip(1).filter_map(|rest| rest.split('`').next());
        let unknown: Vec<&str> =
            named.filter(|name| !FIGURES.iter().any(|figure| figure.name == *name) && *name != "NAME").collect();
        assert!(unknown.is_empty(), "SPECIFICATION.md names {unknown:?}");
    }
}
