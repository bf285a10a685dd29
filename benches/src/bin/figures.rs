//! Measures figures side by side and prints one line of JSON for each; `cargo xtask figures` compares them with what
//! SPECIFICATION.md promises.
//!
//! Sides take turns in short rounds, and the median round of each counts, so that what else the machine does falls on both.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::time::Instant;

use ambit_admit::AdmitRules;
use ambit_benches::{Ours, Raw, RawComponent, RawPreview1, guest, large_module, policy};
use ambit_engine::Settings;

const ROUNDS: usize = 31;
const RUNS: u32 = 500;

type Measure = fn() -> serde_json::Value;

const FIGURES: [(&str, Measure); 4] = [("noop-call", noop), ("p1-hello", p1_hello), ("p2-hello", p2_hello), ("admit", admit)];

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
    let module = wat::parse_bytes(&guest("wat/noop.wat")).expect("valid text").into_owned();
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
