//! The catalogue of hostile guests.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Finding, line_of};

const DIR: &str = "guests/hostile/";

#[derive(Deserialize)]
struct Catalogue {
    #[serde(default)]
    attack: Vec<Attack>,
}

/// The part of a row that names files.
#[derive(Deserialize)]
struct Attack {
    id: String,
    module: String,
}

/// Checks that every row's module is there, and that every module there is has a row. `files` are the repository's.
pub(super) fn check(path: &str, text: &str, files: &[&str]) -> Vec<Finding> {
    if path.strip_prefix(DIR) != Some("catalogue.toml") {
        return Vec::new();
    }
    let catalogue: Catalogue = match toml::from_str(text) {
        Ok(catalogue) => catalogue,
        Err(error) => return vec![Finding::new(path, 1, error.message())],
    };
    // Modules that are no files are made by the test that runs them.
    let named: BTreeSet<&str> =
        catalogue.attack.iter().map(|attack| attack.module.as_str()).filter(|name| !name.contains(':')).collect();
    let there: BTreeSet<&str> =
        files.iter().filter_map(|file| file.strip_prefix(DIR)).filter(|file| file.ends_with(".wat")).collect();
    let mut findings = Vec::new();
    for attack in
        catalogue.attack.iter().filter(|attack| named.contains(attack.module.as_str()) && !there.contains(attack.module.as_str()))
    {
        let line = line_of(text, &format!("id = \"{}\"", attack.id));
        findings.push(Finding::new(
            path,
            line,
            format!("`{}` names the module `{}`, which is not in {DIR}", attack.id, attack.module),
        ));
    }
    for module in there.difference(&named) {
        findings.push(Finding::new(&format!("{DIR}{module}"), 1, "no row of the catalogue runs it"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn rows_and_files_match() {
        let path = "guests/hostile/catalogue.toml";
        let rows = "[[attack]]\nid = \"a\"\nmodule = \"a.wat\"\n[[attack]]\nid = \"b\"\nmodule = \"bytes:b\"\n";
        expect(&check(path, rows, &["guests/hostile/a.wat", path]), &[]);
        expect(&check(path, rows, &[path]), &[(2, "`a.wat`")]);
        let more = check(path, rows, &["guests/hostile/a.wat", "guests/hostile/c.wat"]);
        assert_eq!(more[0].path, "guests/hostile/c.wat");
        expect(&more, &[(1, "no row")]);
        expect(&check(path, "attack = 1", &[]), &[(1, "invalid type")]);
        expect(&check("other/catalogue.toml", "attack = 1", &[]), &[]);
    }
}
