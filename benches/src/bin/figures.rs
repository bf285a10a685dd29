//! Measures figures side by side and prints one line of JSON for each; `cargo xtask figures` compares them with what
//! SPECIFICATION.md promises.
//!
//! Sides take turns in short rounds, and the median round of each counts, so that what else the machine does falls on both.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

use std::time::Instant;

use ambit_admit::AdmitRules;
use ambit_benches::{
    Busy, Capped, Doing, GREET, Ours, Raw, RawComponent, RawPreview1, RawTyped, capped, churn, entry_from_scratch, guest,
    idle_memory, inside_rate, kill_overshoot, large_module, neighbour, overshoot, overshoot_of_tokio, parked, policy, rate, shares,
    store_add, store_list, store_lookup, store_open, teardown, tenant_overshoot, unyielding, warm_run, wire_rate,
};
use ambit_engine::Settings;

const ROUNDS: usize = 31;
const RUNS: u32 = 500;

type Measure = fn() -> serde_json::Value;

/// Runs that are ended at their deadline.
const KILLS: usize = 1000;

const FIGURES: [(&str, Measure); 49] = [
    ("noop-call", noop),
    ("p1-hello", p1_hello),
    ("p2-hello", p2_hello),
    ("typed-call", typed_call),
    ("admit", admit),
    ("noop-rate", || value("calls/s", rate(&noop_module(), Some("noop"), 1))),
    ("hello-rate", || value("runs/s", rate(&guest("bin/hello.wasm"), None, 1))),
    ("p2-rate", || value("runs/s", rate(&guest("bin/hello-p2.wasm"), None, 1))),
    ("two-cores", two_cores),
    ("overshoot-p50", || value("ms", overshoot(200).0)),
    ("overshoot-p99", || value("ms", overshoot(200).1)),
    ("overshoot-tokio", overshoot_beside_tokio),
    ("weights", || value("%", off(shares(Busy::Computes).ratio))),
    ("weights-host", || value("%", off(shares(Busy::CallsTheHost).ratio))),
    ("weights-faults", || value("%", off(shares(Busy::Faults).ratio))),
    ("billed", || value("%", unbilled(Busy::Computes))),
    ("billed-host", || value("%", unbilled(Busy::CallsTheHost))),
    ("billed-faults", || value("%", unbilled(Busy::Faults))),
    ("tenant-cap", || value("cores", over(0.25, capped(Capped::Tenant, Busy::Computes)))),
    ("tenant-cap-host", || value("cores", over(0.25, capped(Capped::Tenant, Busy::CallsTheHost)))),
    ("tenant-cap-faults", || value("cores", over(0.25, capped(Capped::Tenant, Busy::Faults)))),
    ("guest-cap", || value("cores", over(0.5, capped(Capped::Guest, Busy::Computes)))),
    ("guest-cap-host", || value("cores", over(0.5, capped(Capped::Guest, Busy::CallsTheHost)))),
    ("guest-cap-faults", || value("cores", over(0.5, capped(Capped::Guest, Busy::Faults)))),
    ("neighbour", beside_neighbours),
    ("parked", || value("kB", parked())),
    ("churn", || value("kB", churn())),
    ("store-open", || value("ms", store_open())),
    ("store-lookup", || value("µs", store_lookup())),
    ("store-list", || value("ms", store_list())),
    ("store-add", || value("ms", store_add())),
    ("warm-run", || value("ms", warm_run())),
    ("jail-entry", || value("ms", entry_from_scratch())),
    ("inside-rate", || value("runs/s", inside_rate(1))),
    ("two-workers", two_workers),
    ("wire-rate", || value("runs/s", wire_rate())),
    ("kill-loops-p50", || value("ms", killed(Doing::Loops).0)),
    ("kill-loops-p99", || value("ms", killed(Doing::Loops).1)),
    ("kill-sleeps-p50", || value("ms", killed(Doing::Sleeps).0)),
    ("kill-sleeps-p99", || value("ms", killed(Doing::Sleeps).1)),
    ("kill-reads-p50", || value("ms", killed(Doing::Reads).0)),
    ("kill-reads-p99", || value("ms", killed(Doing::Reads).1)),
    ("kill-fills-p50", || value("ms", killed_filling().0)),
    ("kill-fills-p99", || value("ms", killed_filling().1)),
    ("kill-compiles-p50", || value("ms", killed(Doing::Compiles).0)),
    ("kill-compiles-p99", || value("ms", killed(Doing::Compiles).1)),
    ("kill-tenant-p99", || value("ms", tenant_overshoot(KILLS))),
    ("kill-unyielding", || value("ms", unyielding())),
    ("worker-memory", || value("MiB", idle_memory())),
];

fn value(unit: &str, ours: f64) -> serde_json::Value {
    serde_json::json!({ "unit": unit, "ours": ours })
}

/// How far a share is from what it is to be.
fn over(wanted: f64, cores: f64) -> f64 {
    eprintln!("{cores:.4} cores instead of {wanted}");
    (cores - wanted).abs()
}

/// How far a ratio of shares is from 3:1, in percent.
fn off(ratio: f64) -> f64 {
    ((ratio / 3.0 - 1.0) * 100.0).abs()
}

/// How much of what the process used is not billed to a tenant, in percent.
fn unbilled(busy: Busy) -> f64 {
    let billed = shares(busy).billed;
    eprintln!("billed {:.2} %", billed * 100.0);
    ((billed - 1.0) * 100.0).abs()
}

fn noop_module() -> Vec<u8> {
    wat::parse_bytes(&guest("wat/noop.wat")).expect("valid text").into_owned()
}

/// How long after their deadline runs are over: the median and the 99th percentile, of which one is the figure.
fn killed(doing: Doing) -> (f64, f64) {
    let (median, most) = kill_overshoot(doing, KILLS);
    eprintln!("{doing:?}: p50 {median:.2} ms, p99 {most:.2} ms");
    (median, most)
}

/// The same of guests that fill their memory, beyond what it takes to give that back.
fn killed_filling() -> (f64, f64) {
    let teardown = teardown(200);
    let (median, most) = killed(Doing::Fills);
    eprintln!("of which the teardown of what was filled: {teardown:.2} ms");
    (median - teardown, most - teardown)
}

/// Runs a second in two workers, beside one.
fn two_workers() -> serde_json::Value {
    let (one, two) = (inside_rate(1), inside_rate(2));
    serde_json::json!({ "unit": "runs/s", "ours": two, "partner": one })
}

/// Runs a second on two cores, beside one.
fn two_cores() -> serde_json::Value {
    let hello = guest("bin/hello.wasm");
    let (one, two) = (rate(&hello, None, 1), rate(&hello, None, 2));
    serde_json::json!({ "unit": "runs/s", "ours": two, "partner": one })
}

fn overshoot_beside_tokio() -> serde_json::Value {
    let (ours, partner) = (overshoot(200).1, overshoot_of_tokio(200).1);
    serde_json::json!({ "unit": "ms", "ours": ours, "partner": partner })
}

/// Beyond three times what it takes alone.
fn beside_neighbours() -> serde_json::Value {
    let (alone, beside) = neighbour();
    eprintln!("alone {alone:.3} ms, beside 500 busy guests {beside:.3} ms");
    value("ms", (beside - 3.0 * alone).max(0.0))
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    for (name, measure) in FIGURES {
        if wanted.is_empty() || wanted.iter().any(|want| want == name) {
            let mut line = measure();
            line["name"] = name.into();
            println!("{line}");
        }
    }
}

fn noop() -> serde_json::Value {
    let module = noop_module();
    let policy = policy(&[]);
    let raw = Raw::new(&module, "noop", &Settings::shared_process(&policy));
    let ours = Ours::new(&module, Some("noop"), &[], policy);
    beside(|| ours.runs(RUNS), || raw.runs(RUNS))
}

fn p1_hello() -> serde_json::Value {
    let module = guest("bin/hello.wasm");
    let policy = policy(&[]);
    let raw = RawPreview1::new(&module, &Settings::shared_process(&policy));
    let ours = Ours::new(&module, None, &[], policy);
    beside(|| ours.runs(RUNS), || raw.runs(RUNS))
}

fn p2_hello() -> serde_json::Value {
    let module = guest("bin/hello-p2.wasm");
    let policy = policy(&[]);
    let raw = RawComponent::new(&module, &Settings::shared_process(&policy));
    let ours = Ours::new(&module, None, &[], policy);
    beside(|| ours.runs(RUNS), || raw.runs(RUNS))
}

fn typed_call() -> serde_json::Value {
    let module = guest("bin/greet-rust.wasm");
    let policy = policy(&[]);
    let raw = RawTyped::new(&module, &Settings::shared_process(&policy));
    let ours = Ours::new(&module, Some(GREET), &[], policy);
    beside(|| ours.runs(RUNS), || raw.runs(RUNS))
}

/// Nanoseconds a run, on both sides.
fn beside(ours: impl Fn(), partner: impl Fn()) -> serde_json::Value {
    ours();
    partner();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (times, side) in times.iter_mut().zip([&ours as &dyn Fn(), &partner]) {
            let began = Instant::now();
            side();
            times.push(began.elapsed().as_nanos() / u128::from(RUNS));
        }
    }
    let [ours, partner] = times.map(median);
    serde_json::json!({ "unit": "ns", "ours": ours, "partner": partner })
}

/// Megabytes a second.
fn admit() -> serde_json::Value {
    let module = large_module();
    let rules = AdmitRules::from_policy(&policy(&[]));
    let times = (0..7).map(|_| {
        let began = Instant::now();
        ambit_admit::admit(module.as_slice(), &rules).expect("admitted");
        began.elapsed().as_nanos()
    });
    let nanos = median(times.collect());
    serde_json::json!({ "unit": "MB/s", "ours": module.len() as u64 * 1000 / nanos })
}

fn median(mut times: Vec<u128>) -> u64 {
    times.sort_unstable();
    u64::try_from(times[times.len() / 2]).unwrap_or(u64::MAX)
}
