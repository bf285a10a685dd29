//! File sizes: a file that grows has more than one idea.

use super::Finding;

/// Lines of a source file above which it is worth asking whether it is two.
const ARGUE: usize = 400;
/// Lines no source file has.
const MOST: usize = 600;

/// Checks a source file of a crate.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let source = path.starts_with("crates/") && path.split('/').nth(2) == Some("src") && path.ends_with(".rs");
    let lines = text.lines().count();
    if !source || lines <= ARGUE {
        return Vec::new();
    }
    let message = format!("{lines} lines; at most {MOST}, and above {ARGUE} there should be a reason");
    vec![Finding { warning: lines <= MOST, ..Finding::new(path, lines, message) }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found() {
        let check = |path: &str, lines: usize, expect: &[bool]| {
            let warnings: Vec<bool> = check(path, &"x\n".repeat(lines)).iter().map(|finding| finding.warning).collect();
            assert_eq!(warnings, expect, "{path} {lines}");
        };
        check("crates/x/src/a.rs", 400, &[]);
        check("crates/x/src/a.rs", 401, &[true]);
        check("crates/x/src/b/a.rs", 600, &[true]);
        check("crates/x/src/b/a.rs", 601, &[false]);
        check("crates/x/tests/a.rs", 601, &[]);
        check("Cargo.lock", 601, &[]);
    }
}
