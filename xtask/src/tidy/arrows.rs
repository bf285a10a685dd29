//! The arrows between our crates: who may depend on whom.

use toml::{Table, Value};

use super::{Finding, line_of_key};

/// A crate, and the crates of ours that it may depend on. Not all of them exist yet.
const ARROWS: &[(&str, &[&str])] = &[
    ("ambit-core", &[]),
    ("ambit-admit", &["ambit-core"]),
    ("ambit-engine", &["ambit-admit", "ambit-core"]),
    ("ambit-runtime", &["ambit-engine", "ambit-admit", "ambit-core"]),
    ("ambit-jail", &["ambit-core"]),
    ("ambit-worker", &["ambit-jail", "ambit-runtime", "ambit-engine", "ambit-admit", "ambit-core"]),
    // The control process never compiles or executes guest code: store, manager, cluster and server know no engine.
    ("ambit-store", &["ambit-admit", "ambit-core"]),
    ("ambit-manager", &["ambit-store", "ambit-jail", "ambit-admit", "ambit-core"]),
    ("ambit-cluster", &["ambit-manager", "ambit-store", "ambit-admit", "ambit-core"]),
    ("ambit-server", &["ambit-manager", "ambit-store", "ambit-admit", "ambit-core"]),
    ("ambit", &["ambit-manager", "ambit-store", "ambit-runtime", "ambit-engine", "ambit-admit", "ambit-core"]),
    // Part of guests, and of nothing else.
    ("ambit-guest", &[]),
    (
        "ambit-cli",
        &[
            "ambit-server",
            "ambit-cluster",
            "ambit-manager",
            "ambit-store",
            "ambit-worker",
            "ambit-runtime",
            "ambit-engine",
            "ambit-admit",
            "ambit-core",
        ],
    ),
];

/// Checks a crate's manifest. Tests may use what they like.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let Some(name) = path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml")) else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
        return vec![Finding::new(path, 1, format!("`{name}` has no row in the table of arrows, xtask/src/tidy/arrows.rs"))];
    };
    let Ok(manifest) = text.parse::<Table>() else { return vec![Finding::new(path, 1, "is not TOML")] };
    let ours = |dependency: &&String| *dependency == "ambit" || dependency.starts_with("ambit-");
    dependencies(&manifest)
        .filter(ours)
        .filter(|dependency| !allowed.contains(&dependency.as_str()))
        .map(|dependency| Finding::new(path, line_of_key(text, dependency), format!("`{name}` must not depend on `{dependency}`")))
        .collect()
}

/// What is linked into the crate itself or its build script, on any platform.
fn dependencies(manifest: &Table) -> impl Iterator<Item = &String> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")])
        .flatten()
        .filter_map(Value::as_table)
        .flat_map(Table::keys)
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn arrows_point_one_way() {
        let engine = "crates/ambit-engine/Cargo.toml";
        expect(&check(engine, "[dependencies]\nambit-core.workspace = true\nserde.workspace = true\n"), &[]);
        expect(&check(engine, "[dependencies]\nambit-runtime.workspace = true\n"), &[(2, "must not depend on `ambit-runtime`")]);
        expect(&check(engine, "[build-dependencies]\nambit-cli = {}\n"), &[(2, "`ambit-cli`")]);
        expect(&check(engine, "[target.'cfg(unix)'.dependencies]\nambit-jail = {}\n"), &[(2, "`ambit-jail`")]);
        expect(&check(engine, "[dev-dependencies]\nambit-runtime.workspace = true\n"), &[]);
        expect(&check("crates/ambit-core/Cargo.toml", "[dependencies.ambit-admit]\nworkspace = true\n"), &[(1, "`ambit-admit`")]);
        expect(&check("crates/ambit-new/Cargo.toml", ""), &[(1, "no row")]);
        expect(&check("benches/Cargo.toml", "[dependencies]\nambit-cli = {}\n"), &[]);
    }

    #[test]
    fn the_control_process_never_reaches_an_engine() {
        for from in ["ambit-server", "ambit-manager", "ambit-cluster", "ambit-store"] {
            let (mut reached, mut next) = (Vec::new(), vec![from]);
            while let Some(name) = next.pop() {
                let (_, to) = ARROWS.iter().find(|(row, _)| *row == name).expect("every crate named has a row");
                next.extend(to.iter().filter(|name| !reached.contains(*name)));
                reached.extend(*to);
            }
            assert!(!reached.contains(&"ambit-engine") && !reached.contains(&"ambit-runtime"), "{from}: {reached:?}");
        }
    }

    #[test]
    fn there_are_no_cycles() {
        // Every crate depends only on crates that can be built before it.
        let mut built: Vec<&str> = Vec::new();
        while built.len() < ARROWS.len() {
            let ready = |(name, to): &&(&'static str, &[&str])| !built.contains(name) && to.iter().all(|to| built.contains(to));
            let next = ARROWS.iter().find(ready).expect("no cycle");
            built.push(next.0);
        }
    }
}
