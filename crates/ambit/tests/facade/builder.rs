//! Setting up a runtime: what cannot be had is an error.

use std::sync::{Arc, Mutex};

use ambit::{EngineId, Error, Event, LimitKey, RejectReason, Runtime, RuntimeBuilder, Units};

use crate::{builder, exceeded, load_in, rejected};

#[test]
fn what_cannot_be_had_is_an_error_and_names_the_remedy() {
    use RejectReason::{NotFound, Policy, Unenforceable};
    let check = |say: fn(RuntimeBuilder) -> RuntimeBuilder, reason, words: &str| {
        let message = rejected(say(builder()).build(), reason);
        assert!(message.contains(words), "{message}");
    };
    check(|b| b.profile("minimul"), Policy, "did you mean `minimal`?");
    check(|b| b.profile("minimal").memory(64.mib()), Policy, "limit `memory` is 64MiB, but the policy allows at most 4MiB");
    check(|b| b.memory(64.mib()).profile("minimal"), Policy, "allows at most 4MiB");
    check(|b| b.profile("minimal").grant("dirs", "/:/"), Policy, "does not allow the grant `dirs`");
    check(|b| b.memory(0.mib()), Policy, "0 is not a limit");
    check(|b| b.memory((-1).mib()), Policy, "0 is not a limit");
    check(|b| b.timeout(0.secs()), Policy, "limit `wall-time`");
    check(|b| b.cpus(2.0), Policy, "limit `cpus` is 2; it must lie between 0.01 and 1");
    check(|b| b.cpus(f64::NAN), Policy, "limit `cpus` is NaN");
    check(|b| b.cpus(-0.5), Policy, "limit `cpus` is -0.5");
    check(|b| b.limit("memry", "1MiB"), Policy, "did you mean `memory`?");
    check(|b| b.limit("memory", "1 parsec"), Policy, "unknown unit `parsec`");
    check(|b| b.limit("compile-time", "1s"), Unenforceable, "limit `compile-time` cannot be enforced");
    check(|b| b.grant("net", "example.org:443"), Unenforceable, "grant `net` cannot be enforced");
    check(|b| b.grant("http", "https://example.org"), Unenforceable, "grant `http`");
    check(|b| b.grant("functions", "kv"), NotFound, "`functions` grants `kv`");
    check(|b| b.guests(|p| p.feature("simmd")), Policy, "did you mean `simd`?");
    check(|b| b.guests(|p| p.feature("threads")), RejectReason::UnsupportedFeature, "threads");
    // The first of several.
    check(|b| b.limit("memry", "1").limit("fule", "1").cpus(7.0), Policy, "memry");
}

#[test]
fn what_all_share_has_ranges() {
    let check = |say: fn(RuntimeBuilder) -> RuntimeBuilder, words: &str| match say(builder()).build() {
        Err(Error::Setup(error)) => assert!(error.to_string().contains(words), "{error}"),
        other => panic!("{other:?}"),
    };
    check(|b| b.cores(0), "0 cores; there must be between 1 and 1024");
    check(|b| b.slice(1.secs() * 2), "a slice of 2s");
}

#[test]
fn presets_are_what_they_say() {
    let limits = |profile: &str| {
        let runtime = Runtime::builder().cores(1).pool(0).profile(profile).build().expect("a profile");
        let policy = runtime.policy();
        (policy.limits.run.memory.to_string(), policy.limits.get(LimitKey::WallTime).finite().map(|nanos| nanos / 1_000_000_000))
    };
    assert_eq!(limits("minimal"), ("4MiB".into(), Some(1)));
    assert_eq!(limits("default"), ("64MiB".into(), Some(30)));
    assert_eq!(limits("development"), ("2GiB".into(), Some(3600)));
}

#[test]
fn the_runtimes_policy_is_its_guests() {
    let runtime = builder().memory(1.mib()).timeout(20.millis()).build().expect("a runtime");
    let module = load_in(
        &runtime,
        r#"(module (memory (export "memory") 1)
            (func (export "grow") (result i32) (memory.grow (i32.const 100)))
            (func (export "spin") (loop (br 0))))"#,
    );
    assert_eq!(module.call_blocking::<_, i32>("grow", ()).expect("it is told -1"), -1);
    assert_eq!(exceeded(module.call_blocking::<_, ()>("spin", ())), LimitKey::WallTime);
    let runtime = builder().guests(|policy| policy.end_on_memory_refusal()).memory(1.mib()).build().expect("a runtime");
    let module = load_in(&runtime, r#"(module (memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 100))))"#);
    assert_eq!(exceeded(module.call_blocking::<_, i32>("grow", ())), LimitKey::Memory);
}

#[test]
fn fuel_is_metered_when_it_is_limited() {
    let runtime = builder().fuel(10_000).build().expect("a runtime");
    let module = load_in(&runtime, r#"(module (func (export "spin") (loop (br 0))) (func (export "f")))"#);
    assert_eq!(exceeded(module.call_blocking::<_, ()>("spin", ())), LimitKey::Fuel);
    module.call_blocking::<_, ()>("f", ()).expect("it has fuel of its own");
}

#[test]
fn total_memory_and_concurrency_bound_all_of_them() {
    let runtime = builder().memory(1.mib()).total_memory(2.mib()).build().expect("a runtime");
    let module = load_in(&runtime, "(module (func (export \"f\")))");
    let (first, _second) = (module.instantiate_blocking().expect("room"), module.instantiate_blocking().expect("room"));
    assert_eq!((runtime.stats().reserved, runtime.stats().instances), (2 << 20, 2));
    let hasty = builder().memory(1.mib()).total_memory(1.mib()).queue(0, 1.secs()).build().expect("a runtime");
    let crowded = load_in(&hasty, "(module (func (export \"f\")))");
    let _only = crowded.instantiate_blocking().expect("room");
    let message = rejected(crowded.call_blocking::<_, ()>("f", ()), RejectReason::Overloaded);
    assert!(message.contains("try again later"), "{message}");
    // What needs more than there is at all does not wait.
    let larger = runtime.policy().adjust().memory(3.mib()).build().expect("a policy");
    let message = rejected(module.with_policy_blocking(&larger).expect("loaded").instantiate_blocking(), RejectReason::Policy);
    assert!(message.contains("3MiB") && message.contains("2MiB"), "{message}");
    drop(first);
}

#[test]
fn a_listener_hears_of_every_call() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let runtime = builder()
        .listener(move |event: &Event| {
            let word = match event {
                Event::Started { .. } => "started",
                Event::Compiled { .. } => "compiled",
                Event::Ended { outcome, .. } => outcome.kind(),
            };
            kept.lock().expect("whole").push(word);
        })
        .build()
        .expect("a runtime");
    let module = load_in(&runtime, r#"(module (func (export "f")) (func (export "g") unreachable))"#);
    module.call_blocking::<_, ()>("f", ()).expect("it returns");
    module.call_blocking::<_, ()>("g", ()).expect_err("it traps");
    assert_eq!(*heard.lock().expect("whole"), ["started", "exited", "started", "trapped"]);
    assert_eq!(runtime.stats().ended["trapped"], 1);
}

#[test]
fn a_call_that_is_refused_for_lack_of_room_ends_for_a_listener_too() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let runtime = builder().memory(1.mib()).total_memory(1.mib()).queue(0, 1.secs()).listener(move |event: &Event| {
        let (run, ended) = match event {
            Event::Started { run, .. } => (*run, None),
            Event::Compiled { run } => (*run, None),
            Event::Ended { run, outcome, .. } => (*run, Some(outcome.kind())),
        };
        kept.lock().expect("whole").push((run, ended));
    });
    let module = load_in(&runtime.build().expect("a runtime"), "(module (func (export \"f\")))");
    let _only = module.instantiate_blocking().expect("room");
    heard.lock().expect("whole").clear();
    rejected(module.call_blocking::<_, ()>("f", ()), RejectReason::Overloaded);
    let heard = heard.lock().expect("whole");
    let run = heard.first().expect("it was told of").0;
    assert_eq!(*heard, [(run, None), (run, Some("rejected"))]);
}

#[test]
fn clones_are_the_same_runtime_and_modules_keep_it() {
    let runtime = builder().build().expect("a runtime");
    let module = load_in(&runtime.clone(), r#"(module (func (export "f") (result i32) (i32.const 7)))"#);
    drop(runtime);
    assert_eq!(module.call_blocking::<_, i32>("f", ()).expect("it returns"), 7);
}

#[test]
fn another_engine_runs_what_it_can_and_says_what_not() {
    let runtime = Runtime::builder().engine(EngineId::Wasmi).fuel(1_000_000).build().expect("built in");
    let text = r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "endless") (loop (br 0))))"#;
    let module = runtime.load_blocking(wat::parse_str(text).expect("valid text")).expect("loaded");
    let sum: i32 = module.call_blocking("add", (5, 3)).expect("it returns");
    assert_eq!(sum, 8);
    let endless: Result<(), Error> = module.call_blocking("endless", ());
    assert_eq!(exceeded(endless), LimitKey::Fuel);
    let component = include_bytes!("../../../../guests/bin/hello-p2.wasm").to_vec();
    let refused = rejected(runtime.load_blocking(component), RejectReason::UnsupportedFeature);
    assert!(refused.contains("wasmi runs core modules"), "{refused}");
    // What it has not, nobody can set.
    let check = |say: fn(RuntimeBuilder) -> RuntimeBuilder, words: &str| {
        let message = rejected(say(Runtime::builder()).build(), RejectReason::Unenforceable);
        assert!(message.contains(words), "{message}");
    };
    check(|b| b.engine(EngineId::Wasmi).pool(16), "`pool` says nothing to wasmi");
    check(|b| b.compiler(ambit::CompilerConfig::default()).engine(EngineId::Wasmi), "`compiler` says nothing to wasmi");
    check(|b| b.engine(EngineId::Wasmer), "engine `wasmer` is not built in");
}
