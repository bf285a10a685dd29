//! Figures of whole processes: from spawn to exit.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    figure::Sample,
    release::{release, shipped},
};
use crate::{process::on_path, repo::Repo};

pub(super) const HELLO: &str = "guests/bin/hello.wasm";
/// Runs of each program that is compared, in turn, so that what else the machine does meets both alike.
pub(super) const COMPARED_RUNS: usize = 20;
/// Runs before them, for the page cache.
const WARM_UP_RUNS: usize = 3;
/// Runs of a guest that is ended.
const ENDED_RUNS: usize = 5;
/// The exit status of a run that is ended at its deadline.
const OUT_OF_TIME: i32 = 124;

/// `ambit run hello` beside `wasmtime run hello`, both without anything compiled before. Ours is what is shipped; theirs is what
/// is on PATH.
pub(super) fn run_hello(repo: &Repo) -> anyhow::Result<Sample> {
    let Some(wasmtime) = on_path("wasmtime") else {
        return Ok(Sample::Skipped("there is no `wasmtime` on PATH to compare with".into()));
    };
    let ambit = shipped(repo)?;
    let ours = (ambit.as_path(), ["run", "--isolation", "none", HELLO].as_slice());
    compared(repo, ours, (&wasmtime, &["run", "-C", "cache=n", HELLO]), COMPARED_RUNS)
}

/// Two commands in turn: the medians, in milliseconds.
pub(super) fn compared(repo: &Repo, ours: (&Path, &[&str]), theirs: (&Path, &[&str]), runs: usize) -> anyhow::Result<Sample> {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for run in 0..WARM_UP_RUNS + runs {
        let our = time_zero(repo, ours.0, ours.1)?;
        let their = time_zero(repo, theirs.0, theirs.1)?;
        if run >= WARM_UP_RUNS {
            our_times.push(our);
            their_times.push(their);
        }
    }
    Ok(Sample::Value { ours: median(&mut our_times), partner: Some(median(&mut their_times)), unit: "ms".into() })
}

/// A loop, ended at its deadline.
pub(super) fn kill_loop(repo: &Repo) -> anyhow::Result<Sample> {
    ended(repo, &["--invoke", "run", "guests/hostile/cpu-002.wat"])
}

/// A sleeping guest, ended at its deadline.
pub(super) fn kill_sleep(repo: &Repo) -> anyhow::Result<Sample> {
    ended(repo, &["guests/bin/sleep.wasm", "100"])
}

/// A loop in a start function, ended at its deadline.
pub(super) fn kill_start(repo: &Repo) -> anyhow::Result<Sample> {
    ended(repo, &["--invoke", "run", "guests/hostile/cpu-003.wat"])
}

fn ended(repo: &Repo, guest: &[&str]) -> anyhow::Result<Sample> {
    let ambit = ambit(repo)?;
    let mut times = Vec::new();
    for _ in 0..ENDED_RUNS {
        let args: Vec<&str> = ["run", "--isolation", "none", "--timeout", "500ms"].iter().chain(guest).copied().collect();
        let (status, time) = time(repo, &ambit, &args)?;
        if status.code() != Some(OUT_OF_TIME) {
            bail!("`ambit {}` ended with {status}, not with {OUT_OF_TIME}", args.join(" "));
        }
        times.push(time);
    }
    Ok(Sample::Value { ours: median(&mut times), partner: None, unit: "ms".into() })
}

/// The program as it is shipped but for its size: built now, so that what is measured is what is there.
fn ambit(repo: &Repo) -> anyhow::Result<PathBuf> {
    release(repo, "ambit")
}

pub(super) fn time_zero(repo: &Repo, program: &Path, args: &[&str]) -> anyhow::Result<Duration> {
    let (status, time) = time(repo, program, args)?;
    if !status.success() {
        bail!("`{} {}` ended with {status}", program.display(), args.join(" "));
    }
    Ok(time)
}

fn time(repo: &Repo, program: &Path, args: &[&str]) -> anyhow::Result<(ExitStatus, Duration)> {
    let mut command = Command::new(program);
    command.args(args).current_dir(repo.root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status().with_context(|| format!("cannot run `{}`", program.display()))?;
    Ok((status, began.elapsed()))
}

/// In milliseconds.
pub(super) fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let middle = times.len() / 2;
    let median = if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2 };
    median.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let check = |millis: &[u64], expect: f64| {
            let mut times: Vec<Duration> = millis.iter().map(|&millis| Duration::from_millis(millis)).collect();
            assert!((median(&mut times) - expect).abs() < 1e-9, "{millis:?}");
        };
        check(&[3, 100, 1], 3.0);
        check(&[4, 1, 2, 100], 3.0);
    }
}
