//! What is Wasmi's alone: how it is metered, what it refuses by name, and start functions that can be stopped.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use ambit_admit::AdmitRules;
use ambit_core::{Feature, LimitKey, Metering, Outcome, RejectReason, Rejection, ResultValue};
use ambit_engine::{Call, Engine, Meter, Settings, host::HostSpec, wasmi::WasmiEngine};

use crate::drive::{Rig, Tested, policy};

/// What it says to a module.
fn refusal(bytes: &[u8], metering: Metering) -> Option<Rejection> {
    let policy = policy(&[]);
    let bytes = wat::parse_bytes(bytes).expect("valid text").into_owned();
    let features = Feature::ALL.iter().copied().filter(|feature| *feature != Feature::Threads);
    let rules = AdmitRules { features: features.collect(), ..AdmitRules::from_policy(&policy) };
    let module = ambit_admit::admit(bytes, &rules).expect("admitted");
    WasmiEngine::new().compile(&module, &Settings::of(&policy, metering)).err()
}

fn check(bytes: impl AsRef<[u8]>, reason: RejectReason, words: &str) {
    let rejection = refusal(bytes.as_ref(), Metering::Epochs).expect(words);
    assert_eq!(rejection.reason, reason, "{rejection}");
    assert!(rejection.message.contains(words) && rejection.message.contains("--engine wasmtime"), "{rejection}");
}

#[test]
fn what_it_does_not_run_is_refused_by_name() {
    let component = include_bytes!("../../../../guests/bin/hello-p2.wasm");
    check(component, RejectReason::UnsupportedFeature, "wasmi runs core modules, and this is a component");
    let exceptions = r#"(module (tag $t) (func (throw $t)))"#;
    check(exceptions, RejectReason::UnsupportedFeature, "needs `exceptions`, which wasmi does not run");
    let gc = r#"(module (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1)))))"#;
    check(gc, RejectReason::UnsupportedFeature, "`gc`");
}

#[test]
fn what_is_costly_to_translate_is_refused_by_name() {
    let many = |what: &str, count: usize| format!("(module {})", what.repeat(count));
    check(many("(global i32 (i32.const 1))", 1001), RejectReason::Unenforceable, "`globals` of the module is 1001");
    check(
        many("(func)", 10_001),
        RejectReason::Unenforceable,
        "`functions` of the module is 10001, and wasmi is given no more than 10000",
    );
    check(many("(func)", 600), RejectReason::Unenforceable, "the 600 functions of the module have 3 bytes on average");
    let params = format!("(module (func (param {})))", "i32 ".repeat(33));
    check(params, RejectReason::Unenforceable, "`params` of the module is 33");
    // With a second memory Wasmi's own bounds are off.
    let memories = format!("(module (memory 1) (memory 1) {})", "(data \"x\")".repeat(1001));
    check(memories, RejectReason::Unenforceable, "`data-segments` of the module is 1001");
    assert_eq!(refusal(many("(func)", 300).as_bytes(), Metering::Epochs), None, "little code");
}

#[test]
fn a_table_does_not_grow_where_that_would_be_metered() {
    let grows = r#"(module (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))"#;
    check(grows, RejectReason::Unenforceable, "`table.grow` cannot be metered by wasmi");
    assert_eq!(refusal(grows.as_bytes(), Metering::Kernel), None);
}

/// If this fails, Wasmi has learned it, and `table.grow` need not be refused any more.
#[test]
fn out_of_fuel_at_a_table_grow_it_loses_its_place() {
    use wasmi::{CompilationMode, Config, Linker, Module, ResumableCall, Store, Val};
    let text = r#"(module (table 1 funcref) (global $n (export "n") (mut i32) (i32.const 0))
        (func (export "f") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (drop (table.grow 0 (ref.null func) (i32.const 1000)))
            (global.get $n)))"#;
    let mut config = Config::default();
    config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
    let engine = wasmi::Engine::new(&config);
    let module = Module::new(&engine, &*wat::parse_str(text).expect("valid text")).expect("valid");
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).expect("no imports");
    let f = instance.get_func(&store, "f").expect("exported");
    store.set_fuel(50).expect("metered");
    let mut results = [Val::I32(0)];
    let ResumableCall::OutOfFuel(call) = f.call_resumable(&mut store, &[], &mut results).expect("no trap") else {
        panic!("50 is too little to grow by 1000");
    };
    store.set_fuel(10_000).expect("metered");
    let ended = call.resume(&mut store, &mut results).expect("no trap");
    assert!(matches!(ended, ResumableCall::Finished));
    let Val::I32(times) = results[0] else { panic!("{results:?}") };
    assert_eq!(times, 2, "the function began anew");
}

#[test]
fn a_bulk_operation_costs_by_length_and_may_cost_more_than_a_slice() {
    let text = r#"(module (memory (export "memory") 512)
        (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
        (func (export "grow") (result i32) (memory.grow (i32.const 256))))"#;
    let rig = Rig::on(Tested::Wasmi, text, &[("fuel", "1M")]);
    let mut guest = rig.kept();
    let mut used = |len: i32| {
        let before = guest.meter.fuel();
        guest.call(rig.call("fill", &[ResultValue::I32(len)]));
        guest.meter.fuel() - before
    };
    let (short, long) = (used(64), used(32 << 20));
    assert!(short < 100 && long > 500_000, "{short} {long}");
    // 16 MiB in 64-byte steps.
    assert_eq!(rig.run("grow", &[]).1, [ResultValue::I32(512)]);
    let little = Rig::on(Tested::Wasmi, text, &[("fuel", "100k")]);
    for name in ["fill", "grow"] {
        let args = if name == "fill" { vec![ResultValue::I32(32 << 20)] } else { Vec::new() };
        let (outcome, _) = little.run(name, &args);
        assert_eq!(outcome, Outcome::LimitExceeded { limit: LimitKey::Fuel, allowed: 100_000, used: Some(100_000) });
    }
}

#[test]
fn a_slice_ends_at_a_tick_and_not_before() {
    // By itself, so that nobody else ticks.
    let policy = policy(&[]);
    let text = r#"(module (func (export "f") (loop (br 0))))"#;
    let module =
        ambit_admit::admit(wat::parse_str(text).expect("valid text"), &AdmitRules::from_policy(&policy)).expect("admitted");
    let engine = Arc::new(WasmiEngine::new());
    let artifact = engine.compile(&module, &Settings::shared_process(&policy)).expect("compiled");
    let program = engine.load(&artifact).expect("loaded");
    let meter = Arc::new(Meter::new(policy.limits.run.clone(), policy.on_memory_refusal));
    let call = Call::values(&module, "f", Vec::new()).expect("fits");
    let mut guest = program.guest(HostSpec::default(), meter, call);
    let ticking = Arc::clone(&engine);
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        ticking.tick();
    });
    let began = Instant::now();
    let polled = guest.poll_slice(&mut Context::from_waker(Waker::noop()));
    let took = began.elapsed();
    later.join().expect("it only ticks");
    assert!(polled.is_pending());
    assert!(took >= Duration::from_millis(20), "{took:?}");
}

#[test]
fn a_start_function_is_sliced_and_counted_like_all_else() {
    let endless = r#"(module (func $start (loop (br 0))) (start $start) (func (export "f")))"#;
    let rig = Rig::on(Tested::Wasmi, endless, &[]);
    let mut guest = rig.guest(rig.host(), rig.call("f", &[]));
    for _ in 0..3 {
        assert_eq!(guest.slice(), Poll::Pending);
    }
    let (outcome, _) = Rig::on(Tested::Wasmi, endless, &[("fuel", "1M")]).run("f", &[]);
    assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Fuel, .. }), "{outcome:?}");
}

#[test]
fn a_start_function_may_wait_and_sees_the_memory() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func $start
            (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (i64.const 2000000))
            (if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then unreachable)))
        (start $start)
        (func (export "events") (result i32) (i32.load (i32.const 128))))"#;
    assert_eq!(Rig::on(Tested::Wasmi, text, &[]).run("events", &[]).1, [ResultValue::I32(1)]);
}

#[test]
fn deep_recursion_ends_by_the_limit_at_any_class() {
    for stack in ["256KiB", "512KiB", "8MiB"] {
        let text = r#"(module (global (export "n") (mut i32) (i32.const 0))
            (func $f (export "f") (param i64 i64) (global.set 0 (i32.add (global.get 0) (i32.const 1)))
                (call $f (local.get 1) (local.get 0))))"#;
        let rig = Rig::on(Tested::Wasmi, text, &[("stack", stack)]);
        let (outcome, _) = rig.run("f", &[ResultValue::I64(1), ResultValue::I64(2)]);
        assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Stack, .. }), "{outcome:?}");
    }
}
