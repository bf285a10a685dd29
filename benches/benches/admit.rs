//! Admission: bytes a second, by kind of module.

use ambit_admit::AdmitRules;
use ambit_benches::{guest, large_module, policy};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn admit(c: &mut Criterion) {
    let rules = AdmitRules::from_policy(&policy(&[]));
    let mut group = c.benchmark_group("admit");
    group.sample_size(10);
    for (name, module) in [
        ("20 MB", large_module()),
        ("hello", guest("bin/hello.wasm")),
        ("json", guest("bin/json.wasm")),
        ("hello-p2", guest("bin/hello-p2.wasm")),
    ] {
        group.throughput(Throughput::Bytes(module.len() as u64));
        group.bench_function(name, |b| b.iter(|| ambit_admit::admit(module.as_slice(), &rules).expect("admitted")));
    }
    group.finish();
}

criterion_group!(benches, admit);
criterion_main!(benches);
