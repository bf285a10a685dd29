//! Manifests of the workspace's members: what is said once is inherited.

use toml::{Table, Value};

use super::{Finding, line_of, line_of_key};

/// Package fields that the workspace says for all.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license"];

/// Checks a manifest of the workspace.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let member = path.starts_with("crates/") || path.starts_with("benches/") || path.starts_with("xtask/");
    if path != "Cargo.toml" && !(member && path.ends_with("/Cargo.toml")) {
        return Vec::new();
    }
    let Ok(manifest) = text.parse::<Table>() else { return vec![Finding::new(path, 1, "is not TOML")] };
    if path == "Cargo.toml" {
        return workspace(path, text, &manifest);
    }
    let mut findings = Vec::new();
    let package = manifest.get("package").and_then(Value::as_table);
    for &field in INHERITED {
        if !package.and_then(|package| package.get(field)).is_some_and(inherited) {
            findings.push(Finding::new(
                path,
                line_of_key(text, field),
                format!("the package must have `{field}.workspace = true`"),
            ));
        }
    }
    if !manifest.get("lints").is_some_and(inherited) {
        findings.push(Finding::new(path, line_of(text, "[lints]"), "must have `[lints] workspace = true`"));
    }
    for (name, value) in dependencies(&manifest) {
        if !inherited(value) {
            let message = format!("`{name}` must be `{name}.workspace = true`; versions stand in the workspace's Cargo.toml");
            findings.push(Finding::new(path, line_of_key(text, name), message));
        }
    }
    findings
}

fn workspace(path: &str, text: &str, manifest: &Table) -> Vec<Finding> {
    let lint = manifest.get("workspace").and_then(|value| value.get("lints")?.get("rust")?.get("unsafe_code")?.as_str());
    if matches!(lint, Some("deny" | "forbid")) {
        return Vec::new();
    }
    let line = line_of(text, "[workspace.lints.rust]");
    vec![Finding::new(path, line, "must have `unsafe_code = \"deny\"`, so that unsafe code is possible only where it is expected")]
}

fn inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true) && value.get("version").is_none()
}

fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)))
        .filter_map(Value::as_table)
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    const GOOD: &str = "[package]\nname = \"x\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                        license.workspace = true\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n";

    #[test]
    fn members_inherit() {
        let check = |text: &str| check("crates/x/Cargo.toml", text);
        expect(&check(GOOD), &[]);
        expect(&check(&GOOD.replace("edition.workspace = true", "edition = \"2021\"")), &[(4, "`edition.workspace = true`")]);
        expect(&check(&GOOD.replace("[lints]\nworkspace = true\n", "")), &[(1, "[lints]")]);
        expect(&check(&GOOD.replace("serde.workspace = true", "serde = \"1\"")), &[(10, "`serde.workspace = true`")]);
        let feature = "serde = { workspace = true, features = [\"derive\"] }";
        expect(&check(&GOOD.replace("serde.workspace = true", feature)), &[]);
        expect(&check(&format!("{GOOD}[dev-dependencies]\nx = {{ path = \"../x\" }}\n")), &[(12, "`x`")]);
        expect(&check(&format!("{GOOD}[target.'cfg(unix)'.dependencies]\ny = {{ version = \"1\" }}\n")), &[(12, "`y`")]);
    }

    #[test]
    fn other_workspaces_are_their_own() {
        expect(&check("guests/rust/Cargo.toml", "[workspace]"), &[]);
    }

    #[test]
    fn unsafe_code_is_denied_for_all() {
        expect(&check("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"deny\"\n"), &[]);
        expect(&check("Cargo.toml", "[workspace]\n[workspace.lints.rust]\nmissing_docs = \"warn\"\n"), &[(2, "unsafe_code")]);
    }
}
