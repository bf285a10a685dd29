//! A million calls of one host function from one guest.

use ambit_benches::{Ours, policy};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const CALLS: u64 = 1_000_000;

fn host_calls(c: &mut Criterion) {
    let mut group = c.benchmark_group("host-calls");
    group.throughput(Throughput::Elements(CALLS)).sample_size(10);
    for (name, import, call) in [
        ("env.random", r#"(import "env" "random" (func $f (result i32)))"#, "(drop (call $f))"),
        (
            "fd_tell",
            r#"(import "wasi_snapshot_preview1" "fd_tell" (func $f (param i32 i32) (result i32)))"#,
            "(drop (call $f (i32.const 9) (i32.const 0)))",
        ),
        ("sched_yield", r#"(import "wasi_snapshot_preview1" "sched_yield" (func $f (result i32)))"#, "(drop (call $f))"),
    ] {
        let text = format!(
            r#"(module {import} (memory (export "memory") 1) (func (export "f") (local $left i32)
                (local.set $left (i32.const {CALLS}))
                (loop {call} (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#
        );
        let module = wat::parse_str(text).expect("valid text");
        let ours = Ours::new(&module, Some("f"), &[], policy(&[]));
        group.bench_function(name, |b| b.iter(|| ours.runs(1)));
    }
    group.finish();
}

criterion_group!(benches, host_calls);
criterion_main!(benches);
