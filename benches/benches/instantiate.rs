//! A fresh guest: instantiate, call, drop. Each function beside raw Wasmtime.

use ambit_benches::{GREET, Ours, Raw, RawComponent, RawPreview1, RawTyped, guest, policy};
use ambit_engine::Settings;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const RUNS: u32 = 200;

fn instantiate(c: &mut Criterion) {
    let settings = Settings::shared_process(&policy(&[]));
    let noop = wat::parse_bytes(&guest("wat/noop.wat")).expect("valid text").into_owned();
    for function in ["noop", "touch"] {
        let (raw, ours) = (Raw::new(&noop, function, &settings), Ours::new(&noop, Some(function), &[], policy(&[])));
        beside(c, function, || ours.runs(RUNS), || raw.runs(RUNS));
    }
    let hello = guest("bin/hello.wasm");
    let (raw, ours) = (RawPreview1::new(&hello, &settings), Ours::new(&hello, None, &[], policy(&[])));
    beside(c, "p1-hello", || ours.runs(RUNS), || raw.runs(RUNS));
    let hello = guest("bin/hello-p2.wasm");
    let (raw, ours) = (RawComponent::new(&hello, &settings), Ours::new(&hello, None, &[], policy(&[])));
    beside(c, "p2-hello", || ours.runs(RUNS), || raw.runs(RUNS));
    let greet = guest("bin/greet-rust.wasm");
    let (raw, ours) = (RawTyped::new(&greet, &settings), Ours::new(&greet, Some(GREET), &[], policy(&[])));
    beside(c, "typed-call", || ours.runs(RUNS), || raw.runs(RUNS));
}

fn beside(c: &mut Criterion, name: &str, ours: impl Fn(), raw: impl Fn()) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(RUNS.into()));
    group.bench_function("ambit", |b| b.iter(&ours));
    group.bench_function("wasmtime", |b| b.iter(&raw));
    group.finish();
}

criterion_group!(benches, instantiate);
criterion_main!(benches);
