//! `cargo xtask mutate-limits`: each limit's enforcement is taken out in turn, and a test must notice.
//!
//! The limits come from ambit-core's own tables, and what to take out from [`FILE`], so that a limit that is added there and
//! not here fails the command. Before anything is taken out, the same tests must pass; while it is out, the code must
//! build and the tests must fail, or not end. The file is put back whatever happens: at the end, at Ctrl-C, at a panic, and
//! after a kill by the next call.

mod limits;
mod list;
mod removed;
mod supervised;

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

use self::{
    list::{List, Mutation},
    removed::Removed,
    supervised::{Ended, run},
};
use crate::{
    output::{data, talk},
    process::cargo,
    repo::Repo,
};

/// Where it is written what enforces each limit.
pub(crate) const FILE: &str = "xtask/mutations.toml";

/// How long building may take.
const BUILD: Duration = Duration::from_secs(3600);
/// How long the tests named for one limit may take; a run that nothing ends is noticed by that.
const TEST: Duration = Duration::from_secs(180);

/// What to do about the limits.
#[derive(Debug, clap::Args)]
pub struct MutateArgs {
    /// Only this limit
    #[arg(long, value_name = "LIMIT")]
    only: Option<String>,
    /// Only say what would be taken out, and which tests must notice
    #[arg(long)]
    list: bool,
}

/// Takes each limit's enforcement out in turn. Gives back whether a test noticed each time, and no limit was forgotten.
///
/// # Errors
/// The list does not fit the tree, the tests fail as it is, or Ctrl-C.
pub fn mutate_limits(repo: &Repo, args: &MutateArgs) -> anyhow::Result<bool> {
    let list = List::parse(&repo.text(FILE)?.with_context(|| format!("{FILE} is text"))?)?;
    let limits = limits::all(repo)?;
    let missing = list.missing(&limits)?;
    if let Some(only) = &args.only
        && !limits.contains(only)
    {
        bail!("there is no limit `{only}`; there are {}", limits.join(", "));
    }
    let chosen: Vec<&Mutation> =
        list.mutations.iter().filter(|mutation| args.only.as_ref().is_none_or(|only| *only == mutation.limit)).collect();
    for (limit, reason) in list.exempt.iter().filter(|(limit, _)| args.only.as_ref().is_none_or(|only| only == *limit)) {
        data(&format!("{limit}: exempt: {reason}"));
    }
    if args.list {
        for Mutation { limit, file, find, test, .. } in &chosen {
            data(&format!("{limit}: {file}: `{}`: cargo test {test}", find.lines().next().unwrap_or_default().trim()));
        }
    }
    let noticed = args.list || attempt_all(repo, &chosen)?;
    let missing: Vec<&String> = missing.into_iter().filter(|&limit| args.only.as_ref().is_none_or(|only| only == limit)).collect();
    for limit in &missing {
        data(&format!("{limit}: MISSING: neither a mutation nor a reason to be exempt in {FILE}"));
    }
    Ok(noticed && missing.is_empty())
}

/// Whether every mutation was noticed.
fn attempt_all(repo: &Repo, mutations: &[&Mutation]) -> anyhow::Result<bool> {
    // In this clone, not where cargo builds: that may be shared with others.
    let keep = repo.path("target/mutate-limits");
    fs::create_dir_all(&keep).with_context(|| format!("cannot make `{}`", keep.display()))?;
    let lock = fs::File::create(repo.path("target/mutate-limits.lock"))?;
    lock.try_lock().context("another `cargo xtask mutate-limits` changes files of this clone")?;
    for file in Removed::recover(repo.root(), &keep)? {
        talk(&format!("`{file}` was left as an earlier run was killed; it is put back"));
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut green = BTreeSet::new();
    for Mutation { test, .. } in mutations {
        if green.insert(test) {
            talk(&format!("as it is: cargo test {test}"));
            must_pass(repo, test, &stop)?;
        }
    }
    let mut noticed = true;
    for mutation in mutations {
        let removed = Removed::remove(repo.root(), &keep, mutation)?;
        let verdict = attempt(repo, &mutation.test, &stop);
        removed.put_back()?;
        let (red, verdict) = verdict.with_context(|| format!("limit `{}` in `{}`", mutation.limit, mutation.file))?;
        data(&format!("{}: {verdict}", mutation.limit));
        noticed &= red;
    }
    Ok(noticed)
}

/// The tests must pass on the code as it is, or their failing says nothing.
fn must_pass(repo: &Repo, test: &str, stop: &AtomicBool) -> anyhow::Result<()> {
    if let Err(output) = build(repo, test, stop)? {
        bail!("`cargo test {test}` does not build as it is:\n{output}");
    }
    match run(test_command(repo, test, &[]), TEST, stop)? {
        Ended::Passed(_) => Ok(()),
        Ended::Failed(output) => bail!("`cargo test {test}` fails as it is:\n{output}"),
        Ended::TookTooLong => bail!("`cargo test {test}` does not end within {TEST:?} as it is"),
    }
}

/// Whether the tests noticed, in a word.
fn attempt(repo: &Repo, test: &str, stop: &AtomicBool) -> anyhow::Result<(bool, &'static str)> {
    if let Err(output) = build(repo, test, stop)? {
        talk(&output);
        return Ok((false, "DOES NOT BUILD with its enforcement taken out, which shows nothing; mend `replace`"));
    }
    Ok(match run(test_command(repo, test, &[]), TEST, stop)? {
        Ended::Failed(_) => (true, "red as expected"),
        Ended::TookTooLong => (true, "red as expected: nothing ended it"),
        Ended::Passed(output) if !ran_any(&output) => (false, "SURVIVED: no test has that name"),
        Ended::Passed(_) => (false, "SURVIVED"),
    })
}

/// Builds the tests; `Err` inside is what the compiler says.
fn build(repo: &Repo, test: &str, stop: &AtomicBool) -> anyhow::Result<Result<(), String>> {
    match run(test_command(repo, test, &["--no-run"]), BUILD, stop)? {
        Ended::Passed(_) => Ok(Ok(())),
        Ended::Failed(output) => Ok(Err(output)),
        Ended::TookTooLong => bail!("cargo test --no-run {test} does not end"),
    }
}

/// `cargo test` with `flags` of cargo's and then the words of `test`.
fn test_command(repo: &Repo, test: &str, flags: &[&str]) -> std::process::Command {
    let mut command = cargo(repo);
    command.arg("test").args(flags).args(test.split_whitespace());
    command
}

/// Whether the output of `cargo test` tells of a test that ran.
fn ran_any(output: &str) -> bool {
    let counts = output.lines().filter_map(|line| line.trim().strip_prefix("running ")?.split(' ').next()?.parse::<u64>().ok());
    counts.sum::<u64>() > 0
}

/// Rows of the list that do not fit the tree any more: the line in [`FILE`], and what is wrong.
pub(crate) fn stale(repo: &Repo) -> anyhow::Result<Vec<(usize, String)>> {
    if !repo.has(FILE) {
        return Ok(Vec::new());
    }
    let text = repo.text(FILE)?.unwrap_or_default();
    let list = match List::parse(&text) {
        Ok(list) => list,
        Err(error) => return Ok(vec![(1, format!("{error:#}"))]),
    };
    let mut found: Vec<(usize, String)> =
        list.missing(&limits::all(repo)?).err().map(|error| (1, error.to_string())).into_iter().collect();
    for mutation in &list.mutations {
        let source = if repo.has(&mutation.file) { repo.text(&mutation.file)?.unwrap_or_default() } else { String::new() };
        if let Err(error) = mutation.apply(&source) {
            let limit = format!("\"{}\"", mutation.limit);
            let line = text.lines().position(|line| line.contains(&limit)).map_or(1, |at| at + 1);
            found.push((line, error.to_string()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_did_not_run_proves_nothing() {
        assert!(!ran_any("running 0 tests\n\ntest result: ok. 0 passed\n\nrunning 0 tests\n"));
        assert!(ran_any("running 0 tests\n\nrunning 1 test\ntest a ... ok\n"));
    }
}
