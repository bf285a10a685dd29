//! The scheduler runs guests of an engine of another kind: Wasmi, an interpreter that yields by fuel and waits by host traps.

use std::{sync::Arc, time::Duration};

use ambit_admit::AdmitRules;
use ambit_core::{Isolation, LimitKey, LimitsSpec, Outcome, PolicySpec, Profile};
use ambit_engine::{Call, host::Capture, wasmi::WasmiEngine};
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

/// One core.
fn runtime() -> Runtime {
    let config = RuntimeConfig { cores: 1, ..RuntimeConfig::default() };
    Runtime::with_engine(config, Arc::new(WasmiEngine::new())).expect("threads")
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
    let runtime = runtime();
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
    let hello = include_bytes!("../../../guests/bin/hello.wasm").to_vec();
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
    let runtime = runtime();
    let stdout = Capture::default();
    let endless = wat::parse_str(r#"(module (func (export "_start") (loop (br 0))))"#).expect("valid text");
    let loops = start(&runtime, endless.clone(), &[("wall-time", "300ms")], &stdout);
    let hello = include_bytes!("../../../guests/bin/hello.wasm").to_vec();
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
fn a_start_function_is_ended_at_the_deadline() {
    let endless = wat::parse_str(r#"(module (func $s (loop (br 0))) (start $s) (func (export "_start")))"#).expect("valid text");
    let (finished, _) = run(endless, &[("wall-time", "50ms")]);
    assert_eq!(exceeded(&finished), Some(LimitKey::WallTime));
    assert!(finished.usage().cpu_ns > Some(10_000_000), "it ran");
}

#[test]
fn two_endless_guests_share_a_core() {
    let runtime = runtime();
    let stdout = Capture::default();
    let endless = wat::parse_str(r#"(module (func (export "_start") (loop (br 0))))"#).expect("valid text");
    let both = [(); 2].map(|()| start(&runtime, endless.clone(), &[("wall-time", "400ms")], &stdout));
    let cpu = both.map(|running| running.wait().usage().cpu_ns.expect("measured"));
    let (less, more) = (cpu[0].min(cpu[1]), cpu[0].max(cpu[1]));
    assert!(less * 2 > more, "{cpu:?}");
}
