//! From admitted bytes to an artifact, beside Wasmtime's compiler without metering.

use ambit_admit::AdmitRules;
use ambit_benches::{functions, guest, policy};
use ambit_engine::{
    Engine, Settings,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use criterion::{Criterion, criterion_group, criterion_main};

fn compile(c: &mut Criterion) {
    let plain = wasmtime::Engine::new(&wasmtime::Config::new()).expect("valid");
    let engine = WasmtimeEngine::new(PoolConfig { guests: 0 });
    for (name, module) in [("hello", guest("bin/hello.wasm")), ("2000-functions", functions(2000, 500))] {
        let mut group = c.benchmark_group(format!("compile/{name}"));
        group.sample_size(10);
        let policy = policy(&[]);
        let verified = ambit_admit::admit(module.as_slice(), &AdmitRules::from_policy(&policy)).expect("admitted");
        let epochs = Settings::shared_process(&policy);
        let both = Settings { fuel: true, ..epochs };
        group.bench_function("ambit, epochs", |b| b.iter(|| engine.compile(&verified, &epochs).expect("compiles")));
        group.bench_function("ambit, epochs and fuel", |b| b.iter(|| engine.compile(&verified, &both).expect("compiles")));
        group.bench_function("wasmtime, plain", |b| b.iter(|| plain.precompile_module(&module).expect("compiles")));
        group.finish();
    }
}

criterion_group!(benches, compile);
criterion_main!(benches);
