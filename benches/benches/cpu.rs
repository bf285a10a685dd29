//! CPU-bound guests: plain Wasmtime without metering, and Ambit with epochs and with fuel.

use ambit_benches::{Ours, guest, policy};
use criterion::{Criterion, criterion_group, criterion_main};
use wasmtime::{Config, Engine, Linker, Module, Store};

/// Plain Wasmtime; imports trap, and the functions measured call none.
struct Plain {
    engine: Engine,
    module: Module,
}

impl Plain {
    fn new(bytes: &[u8]) -> Self {
        let engine = Engine::new(&Config::new()).expect("valid");
        Self { module: Module::new(&engine, bytes).expect("valid"), engine }
    }

    fn call(&self, function: &str, argument: i32) {
        let mut store = Store::new(&self.engine, ());
        let mut linker = Linker::new(&self.engine);
        linker.define_unknown_imports_as_traps(&self.module).expect("links");
        let instance = linker.instantiate(&mut store, &self.module).expect("instantiates");
        let function = instance.get_typed_func::<i32, i32>(&mut store, function).expect("exported");
        function.call(&mut store, argument).expect("returns");
    }
}

fn cpu(c: &mut Criterion) {
    let module = guest("bin/cpu.wasm");
    let plain = Plain::new(&module);
    for (function, argument) in [("matmul", 200), ("sha", 20), ("mix", 20)] {
        let args = [argument.to_string()];
        let mut group = c.benchmark_group(format!("cpu/{function}"));
        group.sample_size(10);
        group.bench_function("wasmtime, plain", |b| b.iter(|| plain.call(function, argument)));
        let epochs = Ours::new(&module, Some(function), &args, policy(&[]));
        group.bench_function("ambit, epochs", |b| b.iter(|| epochs.runs(1)));
        let fuel = Ours::new(&module, Some(function), &args, policy(&[("fuel", "1000000G")]));
        group.bench_function("ambit, epochs and fuel", |b| b.iter(|| fuel.runs(1)));
        group.finish();
    }
}

criterion_group!(benches, cpu);
criterion_main!(benches);
