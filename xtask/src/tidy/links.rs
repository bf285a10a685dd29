//! Links between our pages.

use super::{Finding, numbered};

/// Checks that every link of a Markdown page to a file of the repository leads somewhere. `has` says what is there.
pub(super) fn check(path: &str, text: &str, has: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut fenced = false;
    for (number, line) in numbered(text) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for target in targets(line).iter().filter_map(|target| within(path, target)) {
                if !target.as_ref().is_some_and(|target| has(target)) {
                    let target = target.unwrap_or_else(|| "what lies outside".into());
                    findings.push(Finding::new(path, number, format!("links to `{target}`, which is not in the repository")));
                }
            }
        }
    }
    findings
}

/// Where the links of a line lead: `[…](here)`, and `[…]: here`.
fn targets(line: &str) -> Vec<String> {
    // Code spans are shown, not followed.
    let shown: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
    let mut found: Vec<String> = shown
        .match_indices("](")
        .filter_map(|(at, open)| shown[at + open.len()..].split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect();
    if let Some((_, target)) = shown.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        found.push(target.to_owned());
    }
    found
}

/// The path from the root that a link on the page `page` means; `None` if it leads to another site or stays on the page,
/// `Some(None)` if it leads out of the repository.
fn within(page: &str, target: &str) -> Option<Option<String>> {
    let target = target.trim().split(' ').next().unwrap_or_default().trim_matches(['<', '>']);
    let target = target.split(['#', '?']).next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { page.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Some(None);
                }
            }
            part => parts.push(part),
        }
    }
    Some(Some(parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn links_lead_somewhere() {
        let has = |path: &str| ["README.md", "docs/a.md", "docs", ""].contains(&path);
        let check = |page: &str, text: &str, lines: &[(usize, &str)]| expect(&check(page, text, &has), lines);
        check("README.md", "[a](docs/a.md) [b](docs/) [c](#here) [d](https://example.org/x) [e](mailto:a@b)", &[]);
        check("README.md", "x\n[a](docs/b.md)", &[(2, "`docs/b.md`")]);
        check("README.md", "[a](docs/a.md#part \"title\") [b](<docs/c.md>)", &[(1, "`docs/c.md`")]);
        check("docs/a.md", "[up](../README.md) [here](a.md) [root](/README.md) [..](..)", &[]);
        check("docs/a.md", "[up](README.md) [out](../../x.md)", &[(1, "`docs/README.md`"), (1, "outside")]);
        check("docs/a.md", "[x]: b.md", &[(1, "`docs/b.md`")]);
        check("README.md", "`[a](b.md)`\n```\n[a](b.md)\n```\n", &[]);
        check("a.rs", "[a](b.md)", &[]);
    }
}
