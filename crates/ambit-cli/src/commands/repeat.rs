//! `ambit run --repeat`: the same run many times, and how long each took.

use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Outcome, Policy, Rejection, Stdin};
use ambit_engine::{
    Call,
    host::{EmptyInput, GuestInput},
};
use ambit_runtime::{Finished, LoadedModule, Module, RunRequest, Runtime, RuntimeConfig, Started, Streams};
use indicatif::ProgressBar;

use super::outcome_text;
use crate::{output, signals::OnSignal};

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
struct Tally {
    took: Vec<Duration>,
    outcomes: BTreeMap<String, u64>,
    /// The first that was no success.
    failure: Option<Outcome>,
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

/// Runs it and prints what it took. Gives back the exit status: that of the first run that was no success.
pub(crate) fn repeat(
    repeat: Repeat,
    module: &Arc<Verified>,
    policy: &Arc<Policy>,
    call: &Call,
    name: &Arc<str>,
    on_signal: &OnSignal,
) -> anyhow::Result<u8> {
    let Repeat { times, at_once, json } = repeat;
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = processors.min(at_once.get() as usize);
    let pool_guests = at_once.get().min(1000);
    let runtime = Runtime::new(RuntimeConfig { cores, pool_guests, ..RuntimeConfig::default() })?;
    let loaded = match runtime.load(module, policy) {
        Ok(loaded) => loaded,
        Err(rejection) => return Ok(rejected(rejection)),
    };
    let compile_time = loaded.compile_time();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    on_signal.ends(move || stopped.store(true, Relaxed));
    // indicatif draws on a terminal only.
    let bar = ProgressBar::new(times.get());
    let work =
        Work { runtime: &runtime, module: loaded, policy, call, name, left: AtomicU64::new(times.get()), stop: &stop, bar: &bar };
    let began = Instant::now();
    let tally = Mutex::new(Tally { took: Vec::new(), outcomes: BTreeMap::new(), failure: None });
    let refused = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once.get()).map(|_| scope.spawn(|| work.run(&tally))).collect();
        workers.into_iter().filter_map(|worker| worker.join().expect("no panic").err()).next()
    });
    let seconds = began.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let Tally { mut took, outcomes, failure } = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    took.sort_unstable();
    if let Some(summary) = summary(&took, outcomes, at_once.get(), seconds, compile_time) {
        if json { output::json(&summary)? } else { print(&summary)? }
    }
    if let Some(rejection) = refused {
        return Ok(rejected(rejection));
    }
    if let Some(failure) = &failure {
        output::error(&format!("the first run that failed: {}", outcome_text::describe(failure)));
        return Ok(failure.exit_status());
    }
    Ok(if stop.load(Relaxed) { Outcome::Cancelled { by: "user".into() }.exit_status() } else { 0 })
}

/// What all workers do the same.
struct Work<'a> {
    runtime: &'a Runtime,
    module: Arc<LoadedModule>,
    policy: &'a Arc<Policy>,
    call: &'a Call,
    name: &'a Arc<str>,
    left: AtomicU64,
    stop: &'a AtomicBool,
    bar: &'a ProgressBar,
}

impl Work<'_> {
    fn run(&self, tally: &Mutex<Tally>) -> Result<(), Rejection> {
        let mut took = Vec::new();
        let mut ended: BTreeMap<String, u64> = BTreeMap::new();
        let mut failure = None;
        let mut refused = Ok(());
        while !self.stop.load(Relaxed) && self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            let began = Instant::now();
            match self.once() {
                Ok(finished) => {
                    took.push(began.elapsed());
                    let outcome = finished.outcome();
                    *ended.entry(outcome.in_a_word()).or_default() += 1;
                    if !outcome.is_success() {
                        failure.get_or_insert_with(|| outcome.clone());
                    }
                    self.bar.inc(1);
                }
                Err(rejection) => {
                    self.stop.store(true, Relaxed);
                    refused = Err(rejection);
                }
            }
        }
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.took.append(&mut took);
        for (kind, count) in ended {
            *tally.outcomes.entry(kind).or_default() += count;
        }
        tally.failure = tally.failure.take().or(failure);
        refused
    }

    fn once(&self) -> Result<Finished, Rejection> {
        let request = RunRequest {
            module: Module::Loaded(Arc::clone(&self.module)),
            policy: Arc::clone(self.policy),
            call: self.call.clone(),
            streams: Streams { stdin: empty_if_inherited(self.policy), ..Streams::default() },
            since: None,
            tenant: None,
            name: Arc::clone(self.name),
        };
        let mut running = match self.runtime.start_here(request)? {
            Started::Finished(finished) => return Ok(finished),
            Started::Running(running) => running,
        };
        loop {
            running = match running.wait_until(Instant::now() + LOOK) {
                Ok(finished) => return Ok(finished),
                Err(running) => running,
            };
            if self.stop.load(Relaxed) {
                running.cancel("user");
            }
        }
    }
}

/// There is one inherited input, and many runs.
fn empty_if_inherited(policy: &Policy) -> Option<Box<dyn GuestInput>> {
    match policy.grants.stdin {
        Stdin::Inherit => Some(Box::new(EmptyInput)),
        Stdin::None | Stdin::File(_) => None,
    }
}

fn rejected(rejection: Rejection) -> u8 {
    let outcome = Outcome::Rejected(rejection);
    output::error(&outcome_text::describe(&outcome));
    outcome.exit_status()
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
