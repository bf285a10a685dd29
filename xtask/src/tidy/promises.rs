//! Promises: what a page says is shown by a test is shown by a test that exists.

use super::{Finding, numbered};

/// Checks links of a Markdown page whose text is a name in code, as [`name`](path): a Rust file must have a function of that
/// name, a TOML file that string. `read` gives a file's text by its path from the root.
pub(super) fn check(path: &str, text: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    // Pages at the root, where SPECIFICATION.md is; links to what does not exist are another check's.
    if !path.ends_with(".md") || path.contains('/') {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in numbered(text) {
        for (name, target) in links(line) {
            let Some(source) = read(target) else { continue };
            let found = if target.ends_with(".rs") {
                [format!("fn {name}("), format!("fn {name}<")].iter().any(|function| source.contains(function))
            } else if target.ends_with(".toml") {
                source.contains(&format!("\"{name}\""))
            } else {
                true
            };
            if !found {
                findings.push(Finding::new(path, number, format!("`{name}` is not in {target}")));
            }
        }
    }
    findings
}

/// Names in code that are links, with where they lead.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("[`").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("`](")?;
        let (target, _) = rest.split_once(')')?;
        // A path's text is the path, not something in it.
        (!name.contains(['.', '/', ' '])).then_some((name, target))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn promises_are_kept_by_tests_that_exist() {
        let read = |path: &str| match path {
            "tests/a.rs" => Some("#[test]\nfn it_holds() {}\nfn of<T>() {}\n".to_owned()),
            "a.toml" => Some("id = \"cpu-001\"\n".to_owned()),
            _ => None,
        };
        let check = |text: &str, lines: &[(usize, &str)]| expect(&check("SPECIFICATION.md", text, &read), lines);
        check("| x | [`it_holds`](tests/a.rs) and [`of`](tests/a.rs), [`cpu-001`](a.toml) |", &[]);
        check("\n| x | [`it_hold`](tests/a.rs) |", &[(2, "`it_hold` is not in tests/a.rs")]);
        check("[`cpu-002`](a.toml) [`tests/a.rs`](tests/a.rs) [`x`](gone.rs) [x](tests/a.rs)", &[(1, "`cpu-002`")]);
    }
}
