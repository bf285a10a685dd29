//! Paths of somebody's machine, which mean nothing on another.

use super::{Finding, numbered};

/// Directories that no file of ours names. Split, so that this one does not either.
const PLACES: &[&str] =
    &[concat!("/", "root/"), concat!("/", "home/"), concat!("/", "Users/"), concat!("/", "work/"), concat!(".", "library")];

/// Checks a text file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in numbered(text) {
        for place in PLACES.iter().filter(|place| names(line, place)) {
            findings.push(Finding::new(path, number, format!("`{place}` is a place on one machine only")));
        }
    }
    findings
}

/// Whether `line` has `place` other than as a part of a longer path.
fn names(line: &str, place: &str) -> bool {
    let mut starts = line.match_indices(place).map(|(at, _)| line[..at].chars().next_back());
    starts.any(|before| before.is_none_or(|c| !(c.is_alphanumeric() || "._-~}/".contains(c))))
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn places_are_found() {
        let place = |name: &str| format!("/{name}/x");
        let check = |text: &str, lines: &[(usize, &str)]| expect(&check("a.md", text), lines);
        check(&format!("cd {}", place("work")), &[(1, "one machine")]);
        check(&format!("a\n\"{}\"", place("root")), &[(2, "one machine")]);
        check(&place("home"), &[(1, "one machine")]);
        check(&format!("HOST:{}", place("work")), &[(1, "one machine")]);
        check(&format!("{}{}", ".", "library/x"), &[(1, "one machine")]);
        // Parts of longer paths.
        check(&format!("/proc/self{}", place("root")), &[]);
        check(&format!("$HOME{} ~{} ${{X}}{}", place("work"), place("work"), place("work")), &[]);
        check("network/ homework/ /workspace/", &[]);
    }
}
