//! `ambit run --repeat`: the same run many times, and how long each took.

pub(crate) mod inside;
pub(crate) mod jailed;
mod together;

use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
    time::{Duration, Instant},
};

use ambit_core::{Outcome, Rejection};
use indicatif::ProgressBar;

use super::outcome_text;
use crate::output;

/// How often, and how many at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeat {
    pub(crate) times: NonZeroU64,
    pub(crate) at_once: NonZeroU32,
    pub(crate) json: bool,
}

/// How often a run is asked whether somebody wants it ended.
const LOOK: Duration = Duration::from_millis(50);

/// What came of all runs.
#[derive(Default)]
struct Tally {
    took: Vec<Duration>,
    outcomes: BTreeMap<String, u64>,
    /// The first that was no success.
    failure: Option<Outcome>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        let Self { mut took, outcomes, failure } = other;
        self.took.append(&mut took);
        for (kind, count) in outcomes {
            *self.outcomes.entry(kind).or_default() += count;
        }
        self.failure = self.failure.take().or(failure);
    }

    fn count(&mut self, took: Duration, outcome: &Outcome) {
        self.took.push(took);
        self.untimed(outcome);
    }

    /// Of a run of which nobody knows how long it took.
    fn untimed(&mut self, outcome: &Outcome) {
        *self.outcomes.entry(outcome.in_a_word()).or_default() += 1;
        if !outcome.is_success() {
            self.failure.get_or_insert_with(|| outcome.clone());
        }
    }
}

#[derive(serde::Serialize)]
struct Summary {
    runs: u64,
    at_once: u32,
    outcomes: BTreeMap<String, u64>,
    seconds: f64,
    per_second: f64,
    compile_ms: f64,
    latency_us: Latency,
}

/// Exact, in microseconds.
#[derive(serde::Serialize)]
struct Latency {
    min: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// Prints what runs took. Gives back the exit status: that of the first run that was no success.
fn conclude(
    repeat: Repeat,
    tally: Tally,
    began: Instant,
    compile_time: Duration,
    refused: Option<Rejection>,
    stopped: bool,
) -> anyhow::Result<u8> {
    let seconds = began.elapsed().as_secs_f64();
    let Tally { mut took, outcomes, failure } = tally;
    took.sort_unstable();
    if let Some(summary) = summary(&took, outcomes, repeat.at_once.get(), seconds, compile_time) {
        let printed = if repeat.json { output::json(&summary) } else { print(&summary) };
        // How the runs ended is told by the exit status, whether anybody reads the rest or not.
        if let Err(error) = printed
            && !output::is_broken_pipe(&error)
        {
            return Err(error);
        }
    }
    if let Some(rejection) = refused {
        return Ok(unstarted(&Outcome::Rejected(rejection)));
    }
    if let Some(failure) = &failure {
        output::error(&format!("the first run that failed: {}", outcome_text::describe(failure)));
        return Ok(failure.exit_status());
    }
    Ok(if stopped { unstarted(&Outcome::Cancelled { by: "user".into() }) } else { 0 })
}

/// Says why nothing ran, or no more.
fn unstarted(outcome: &Outcome) -> u8 {
    output::error(&outcome_text::describe(outcome));
    outcome.exit_status()
}

/// Drawn on a terminal only.
fn progress(repeat: Repeat) -> ProgressBar {
    ProgressBar::new(repeat.times.get())
}

/// `None` if nothing ran. `took` is sorted.
fn summary(
    took: &[Duration],
    outcomes: BTreeMap<String, u64>,
    at_once: u32,
    seconds: f64,
    compile_time: Duration,
) -> Option<Summary> {
    let micros = |took: &Duration| took.as_secs_f64() * 1e6;
    let at = |hundredths: usize| took.get((took.len() * hundredths).div_ceil(100).saturating_sub(1)).map(micros);
    let latency_us =
        Latency { min: took.first().map(micros)?, p50: at(50)?, p90: at(90)?, p99: at(99)?, max: took.last().map(micros)? };
    let runs = took.len() as u64;
    let compile_ms = compile_time.as_secs_f64() * 1e3;
    Some(Summary { runs, at_once, outcomes, seconds, per_second: runs as f64 / seconds, compile_ms, latency_us })
}

fn print(summary: &Summary) -> anyhow::Result<()> {
    let Summary { runs, at_once, outcomes, seconds, per_second, compile_ms, latency_us } = summary;
    let ended: Vec<String> = outcomes.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let Latency { min, p50, p90, p99, max } = latency_us;
    output::data(&format!("{runs} runs, {at_once} at a time: {}", ended.join(", ")))?;
    output::data(&format!("{per_second:.0} runs/s over {seconds:.2} s, after compiling for {compile_ms:.1} ms"))?;
    output::data(&format!("latency in µs: min {min:.1}, p50 {p50:.1}, p90 {p90:.1}, p99 {p99:.1}, max {max:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact() {
        let took: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        let summary = summary(&took, BTreeMap::new(), 1, 2.0, Duration::ZERO).expect("some ran");
        let Latency { min, p50, p90, p99, max } = summary.latency_us;
        assert_eq!([min, p50, p90, p99, max].map(f64::round), [1.0, 100.0, 180.0, 198.0, 200.0]);
        assert!((summary.per_second - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_ran() {
        assert!(summary(&[], BTreeMap::new(), 1, 2.0, Duration::ZERO).is_none());
    }
}
