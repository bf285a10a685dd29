//! The house rules that no compiler checks.

mod arrows;
mod catalogue;
mod digests;
mod leftovers;
mod links;
mod manifests;
mod places;
mod promises;
mod sizes;
mod unsafe_code;

use std::fmt;

use crate::{mutate, repo::Repo};

/// Something that does not belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the repository's root.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and, where it is not plain, what would be right.
    pub message: String,
    /// Worth a look, but no fault.
    pub warning: bool,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into(), warning: false }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warning { "warning: " } else { "" };
        write!(f, "{}:{}: {kind}{}", self.path, self.line, self.message)
    }
}

/// A check of one text file, given its path and text.
type Check = fn(&str, &str) -> Vec<Finding>;

const CHECKS: &[Check] = &[arrows::check, manifests::check, sizes::check, unsafe_code::check, leftovers::check, places::check];

/// Everything in the repository that does not belong, in the order of the files.
///
/// # Errors
/// A file cannot be read.
pub fn tidy(repo: &Repo) -> anyhow::Result<Vec<Finding>> {
    let files: Vec<&str> = repo.files().collect();
    let mut findings = Vec::new();
    for &path in &files {
        findings.extend(leftovers::check_name(path));
        let Some(text) = repo.text(path)? else { continue };
        findings.extend(CHECKS.iter().flat_map(|check| check(path, &text)));
        findings.extend(links::check(path, &text, &|target| repo.has(target)));
        findings.extend(promises::check(path, &text, &|target| repo.text(target).ok().flatten()));
        findings.extend(catalogue::check(path, &text, &files));
    }
    findings.extend(digests::check_repo(repo)?);
    findings.extend(mutate::stale(repo)?.into_iter().map(|(line, message)| Finding::new(mutate::FILE, line, message)));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(findings)
}

/// The line, from 1, on which `needle` first stands; 1 if it stands nowhere.
fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).map_or(1, |at| at + 1)
}

/// The line of a manifest, from 1, that sets `key`; where none does, the first that names it.
fn line_of_key(text: &str, key: &str) -> usize {
    let sets = |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    text.lines().position(sets).map_or_else(|| line_of(text, key), |at| at + 1)
}

/// Lines of `text` with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

#[cfg(test)]
mod check {
    use super::Finding;

    /// Asserts that the findings are on these lines with these words in them, and nothing else.
    pub(super) fn check(findings: &[Finding], expect: &[(usize, &str)]) {
        let found: Vec<_> = findings.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for ((line, message), (at, words)) in found.iter().zip(expect) {
            assert_eq!(line, at, "{message}");
            assert!(message.contains(words), "`{words}` is not in `{message}`");
        }
    }
}
