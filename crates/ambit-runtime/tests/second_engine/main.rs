//! The engine contract holds for an engine of another kind: Wasmi, an interpreter that yields by fuel and waits by host
//! traps, through the same host functions and the same scheduler. It is a sketch of that engine, for this test only.

mod engine;
mod guest;
mod kept;
mod link;
mod value;

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use ambit_admit::AdmitRules;
use ambit_core::{Isolation, LimitKey, LimitsSpec, Outcome, PolicySpec, Profile, ResultValue};
use ambit_engine::{
    Call, Ended, Engine, Guest, Meter, Settings, TableElement,
    host::{Capture, HostSpec},
};
use ambit_runtime::{Finished, Module, RunRequest, Running, Runtime, RuntimeConfig, Streams};

/// A program that sleeps for `$SECONDS`: poll_oneoff with one relative clock.
fn sleeper(nanos: u64) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                (i32.store (i32.const 16) (i32.const 1))
                (i64.store (i32.const 24) (i64.const {nanos}))
                (if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then unreachable))
                (if (i32.ne (i32.load (i32.const 128)) (i32.const 1)) (then unreachable))))"#
    );
    wat::parse_str(text).expect("valid text")
}

fn start(runtime: &Runtime, module: Vec<u8>, limits: &[(&str, &str)], stdout: &Capture) -> Running {
    let mut spec = LimitsSpec::default();
    for (key, value) in limits {
        spec.set(key, value).expect("a limit");
    }
    let spec = PolicySpec { limits: spec, ..PolicySpec::default() };
    let policy = Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::None).expect("enforceable");
    let module = Arc::new(ambit_admit::admit(module, &AdmitRules::from_policy(&policy)).expect("admitted"));
    let call = Call::command(&module).expect("a program");
    let streams = Streams { stdout: Box::new(stdout.clone()), ..Streams::default() };
    let request = RunRequest {
        module: Module::Verified(module),
        policy: Arc::new(policy),
        call,
        streams,
        since: None,
        tenant: None,
        name: "guest".into(),
    };
    runtime.start(request).expect("accepted")
}

fn run(module: Vec<u8>, limits: &[(&str, &str)]) -> (Finished, Vec<u8>) {
    let runtime = Runtime::with_engine(RuntimeConfig::default(), Arc::new(engine::WasmiEngine)).expect("threads");
    let stdout = Capture::default();
    let finished = start(&runtime, module, limits, &stdout).wait();
    (finished, stdout.take())
}

fn exceeded(finished: &Finished) -> Option<LimitKey> {
    match finished.outcome() {
        Outcome::LimitExceeded { limit, .. } => Some(*limit),
        _ => None,
    }
}

#[test]
fn p1_hello() {
    let hello = include_bytes!("../../../../guests/bin/hello.wasm").to_vec();
    let (finished, stdout) = run(hello, &[]);
    assert_eq!(finished.outcome(), &Outcome::Exited { code: 0 });
    assert_eq!(String::from_utf8_lossy(&stdout), "hello, world\n");
    assert_eq!(finished.usage().output_bytes, Some(13));
    assert!(finished.usage().host_calls > Some(0));
}

#[test]
fn a_sleeping_guest_wakes_up() {
    let (finished, _) = run(sleeper(20_000_000), &[]);
    assert_eq!(finished.outcome(), &Outcome::Exited { code: 0 });
    assert!(finished.usage().wall_ns >= Some(20_000_000));
}

#[test]
fn a_sleeping_guest_is_ended_at_its_deadline() {
    let (finished, _) = run(sleeper(1_000_000_000_000), &[("wall-time", "50ms")]);
    assert_eq!(exceeded(&finished), Some(LimitKey::WallTime));
}

#[test]
fn a_computing_guest_yields_and_is_ended() {
    let runtime = Runtime::with_engine(RuntimeConfig::default(), Arc::new(engine::WasmiEngine)).expect("threads");
    let stdout = Capture::default();
    let endless = wat::parse_str(r#"(module (func (export "_start") (loop (br 0))))"#).expect("valid text");
    let loops = start(&runtime, endless.clone(), &[("wall-time", "300ms")], &stdout);
    let hello = include_bytes!("../../../../guests/bin/hello.wasm").to_vec();
    let beside = start(&runtime, hello, &[], &stdout).wait();
    assert_eq!(beside.outcome(), &Outcome::Exited { code: 0 }, "it runs between the other's slices");
    assert_eq!(exceeded(&loops.wait()), Some(LimitKey::WallTime));

    let cancelled = start(&runtime, endless.clone(), &[], &stdout);
    std::thread::sleep(Duration::from_millis(20));
    cancelled.cancel("the test");
    assert_eq!(cancelled.wait().outcome(), &Outcome::Cancelled { by: "the test".into() });

    let fuelled = start(&runtime, endless, &[("fuel", "10M")], &stdout).wait();
    assert_eq!(exceeded(&fuelled), Some(LimitKey::Fuel));
    assert_eq!(fuelled.usage().fuel, Some(10_000_000));
}

#[test]
fn an_instance_is_kept_called_and_looked_into() {
    let text = r#"(module
        (memory (export "memory") 1) (data (i32.const 0) "data")
        (global $n (export "n") (mut i32) (i32.const 0))
        (table (export "t") 2 funcref) (elem (i32.const 0) $add)
        (func (export "_initialize") (global.set $n (i32.const 100)))
        (func $add (export "add") (param i32) (result i32)
            (global.set $n (i32.add (global.get $n) (local.get 0)))
            (global.get $n))
        (func (export "spin") (loop (br 0)))
        (func (export "trap") unreachable))"#;
    let engine = engine::WasmiEngine;
    let policy = Profile::Default.policy();
    let bytes = wat::parse_str(text).expect("valid text");
    let module = ambit_admit::admit(bytes, &AdmitRules::from_policy(&policy)).expect("admitted");
    let artifact = engine.compile(&module, &Settings::shared_process(&policy)).expect("compiled");
    let program = engine.load(&artifact).expect("loaded");
    let mut spec = LimitsSpec::default();
    spec.set("fuel", "100k").expect("a limit");
    let meter = Arc::new(Meter::new(policy.limits.with(&spec).run, policy.on_memory_refusal));
    let mut guest = program.keep(HostSpec::default(), Arc::clone(&meter));
    let run = |guest: &mut Box<dyn Guest>| {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(ended) = guest.poll_slice(&mut cx) {
                return ended;
            }
        }
    };
    let call = |name: &str, args: &[ResultValue]| Call::values(&module, name, args.to_vec()).expect("fits");
    assert!(guest.kept().is_none());
    assert_eq!(run(&mut guest), Ended::Returned(Vec::new()));
    for expect in [101, 102] {
        guest.kept().expect("idle").call(call("add", &[ResultValue::I32(1)]));
        assert_eq!(run(&mut guest), Ended::Returned(vec![ResultValue::I32(expect)]));
    }
    let kept = guest.kept().expect("idle");
    assert_eq!((kept.memories(), kept.globals(), kept.tables()), (vec!["memory".into()], vec!["n".into()], vec!["t".into()]));
    assert_eq!(kept.global_get("n"), Ok(ResultValue::I32(102)));
    assert!(kept.global_set("n", ResultValue::I64(1)).is_err());
    assert_eq!(kept.global_set("n", ResultValue::I32(1)), Ok(()));
    assert_eq!(kept.memory_read("memory", 0, 4).as_deref(), Ok(&b"data"[..]));
    assert!(kept.memory_write("memory", 65_535, b"xy").is_err());
    assert_eq!(kept.memory_grow("memory", 1), Ok(65_536));
    assert_eq!(kept.memory_write("memory", 65_535, b"xy"), Ok(()));
    assert_eq!((kept.table_size("t"), kept.table_get("t", 0)), (Ok(2), Ok(TableElement::Function)));
    assert_eq!(kept.table_set_null("t", 0), Ok(()));
    assert_eq!(kept.table_get("t", 0), Ok(TableElement::Null));
    let before = meter.fuel();
    kept.call(call("spin", &[]));
    assert!(matches!(run(&mut guest), Ended::Limit { limit: LimitKey::Fuel, .. }));
    assert_eq!(meter.fuel(), before + 100_000, "each call has its own");
    assert!(guest.kept().is_none());
}
