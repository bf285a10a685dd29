//! Rows B2, B4, B5, B6 and B12: the batch runtime of a compute grid.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use ambit_admit::AdmitRules;
use ambit_core::{Clock, Grants, Isolation, LimitKey, Outcome, Profile, Random, RejectReason, Rejection, ResultValue};
use ambit_engine::{Call, host::Capture};
use ambit_runtime::{Module, RunRequest, Streams};

use crate::door::{Ask, Door, Ran, guest, shown};

#[test]
fn b2_load_compiles_validates_and_says_why_not() {
    let door = Door::new();
    let refused = |text: &str| match door.run(Ask::new(text, &[])).report.outcome {
        Outcome::Rejected(Rejection { reason, message }) => (reason, message),
        other => panic!("{other:?}"),
    };
    let check = |text: &str, reason: RejectReason, part: &str| {
        let (found, message) = refused(text);
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    };
    use RejectReason::{ImportDenied, InvalidModule, NotFound};
    check(r#"(module (import "other" "f" (func)))"#, ImportDenied, "other");
    check(r#"(module (import "env" "lgo" (func (param i32 i32))))"#, ImportDenied, "log");
    check(r#"(module (import "env" "log" (func (param i64))))"#, ImportDenied, "i64");
    check(r#"(module (import "env" "memory" (memory 1)))"#, ImportDenied, "memory");
    check(r#"(module (import "wasi_snapshot_preview1" "fd_write" (global i32)))"#, ImportDenied, "fd_write");
    check(r#"(module (import "wasi_snapshot_preview1" "proc_raise" (func (param i32) (result i32))))"#, ImportDenied, "proc_raise");
    check(r#"(module (func (export "run")))"#, NotFound, "_start");
    check(r#"(module (func (export "_start") (result i32) (i32.const 0)))"#, NotFound, "_start");
    check("(module (func (export \"_start\") i32.add))", InvalidModule, "at ");
}

#[test]
fn b4_a_job_runs_for_longer_than_a_tick() {
    // Every job died at the first 100 ms tick.
    let ran = Door::new().run(Ask::new(guest("bin/sleep.wasm"), &[]).command(&["0.25"]));
    assert_eq!(shown(&ran.report.outcome), "exited:0");
    assert!(ran.report.usage.wall_ns >= Some(250_000_000));
    let busy = r#"(module (import "env" "time" (func $time (result i64))) (memory (export "memory") 1)
        (func (export "_start") (local $left i64) (local.set $left (i64.const 300000000))
            (loop (br_if 0 (i64.ne (i64.const 0) (local.tee $left (i64.sub (local.get $left) (i64.const 1))))))))"#;
    assert_eq!(shown(&Door::new().run(Ask::new(busy, &[])).report.outcome), "exited:0");
}

#[test]
fn b4_proc_exit_zero_is_success_and_the_code_is_the_guests() {
    let exit = |code: i32| {
        let text = format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
                (func (export "_start") (call $exit (i32.const {code}))))"#
        );
        Door::new().run(Ask::new(text, &[])).report.outcome
    };
    for code in [0, 1, 7, 255, 256, -1, i32::MIN] {
        assert_eq!(exit(code), Outcome::Exited { code });
    }
}

#[test]
fn b4_cancel_ends_a_running_guest_and_live_usage_is_seen() {
    let door = Door::new();
    let ask = Ask::new(guest("hostile/cpu-002.wat"), &[("fuel", "1000000G"), ("memory", "1MiB")]).invoke("run", &[]);
    let running = door.start(ask, &Capture::default()).expect("accepted");
    let meter = Arc::clone(running.meter());
    let mut seen = 0;
    for _ in 0..500 {
        seen = meter.fuel();
        if seen > 0 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert!(seen > 0, "fuel is seen while it runs");
    running.cancel("the operator");
    let finished = running.wait();
    assert_eq!(finished.outcome(), &Outcome::Cancelled { by: "the operator".into() });
    // Sampled as it is, not added up at each tick.
    assert!(finished.usage().fuel >= Some(seen) && finished.usage().fuel <= Some(1_000_000_000_000_000));
}

#[test]
fn b5_log_time_and_random() {
    let text = r#"(module
        (import "env" "log" (func $log (param i32 i32)))
        (import "env" "time" (func $time (result i64)))
        (import "env" "random" (func $random (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "hello\1b[2J\nforged")
        (func (export "say") (call $log (i32.const 8) (i32.const 16)))
        (func (export "at") (param i32 i32) (call $log (local.get 0) (local.get 1)))
        (func (export "time") (result i64) (call $time))
        (func (export "random") (result i32) (call $random)))"#;
    let door = Door::new();
    let call = |name: &str, args: &[&str], grants: Option<Grants>| {
        let mut ask = Ask::new(text, &[]).invoke(name, args);
        ask.spec.grants = grants;
        door.run(ask).report
    };
    // The bounds check in 32 bits let -1 pass.
    for (ptr, len) in [("65536", "1"), ("-1", "1"), ("8", "-1"), ("0", "65537"), ("-8", "16")] {
        assert_eq!(shown(&call("at", &[ptr, len], None).outcome), "trapped:host", "{ptr} {len}");
    }
    assert_eq!(shown(&call("at", &["65536", "0"], None).outcome), "exited:0");
    let ResultValue::I64(now) = call("time", &[], None).results[0] else { panic!("an i64") };
    assert!(now > 1_700_000_000, "seconds since 1970");
    let seeded = || Some(Grants { random: Random::Seeded(7), clock: Clock::Fixed, ..Grants::default() });
    assert_eq!(call("random", &[], seeded()).results, call("random", &[], seeded()).results);
    assert_eq!(call("time", &[], seeded()).results, [ResultValue::I64(946_684_800)]);

    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let policy = Profile::Default.policy().resolve(Isolation::None).expect("enforceable");
    let module = wat::parse_str(text).expect("valid text");
    let module = Arc::new(ambit_admit::admit(module, &AdmitRules::from_policy(&policy)).expect("admitted"));
    let request = RunRequest {
        call: Call::invoke(&module, "say", &[]).expect("exported"),
        module: Module::Verified(module),
        policy: Arc::new(policy),
        streams: Streams {
            log: Box::new(move |text: &str| {
                sink.lock().expect("no panic").push(text.to_owned());
                true
            }),
            ..Streams::default()
        },
        since: None,
        tenant: None,
        name: "log".into(),
    };
    assert!(door.runtime.start(request).expect("accepted").wait().outcome().is_success());
    assert_eq!(*lines.lock().expect("no panic"), ["hello\\u{1b}[2J\\nforged"], "one line, escaped");
}

#[test]
fn b6_limits_hold_for_what_a_module_defines_itself() {
    // The page cap used to apply to imported memories only.
    let door = Door::new();
    let outcome = |text: &str, limits: &[(&str, &str)]| shown(&door.run(Ask::new(text, limits)).report.outcome);
    let start = r#"(func (export "_start"))"#;
    let two_memories = format!("(module (memory 1) (memory 1) {start})");
    let two_tables = format!("(module (table 1 funcref) (table 1 funcref) {start})");
    assert_eq!(outcome(&format!("(module (memory 17) {start})"), &[("memory", "1MiB")]), "limit-exceeded:memory");
    assert_eq!(outcome(&format!("(module (memory 16) {start})"), &[("memory", "1MiB")]), "exited:0");
    assert_eq!(outcome(&two_memories, &[("memories", "1")]), "limit-exceeded:memories");
    assert_eq!(outcome(&two_memories, &[("memories", "2")]), "exited:0");
    assert_eq!(outcome(&two_tables, &[("tables", "1")]), "limit-exceeded:tables");
    assert_eq!(outcome(&two_tables, &[("tables", "2")]), "exited:0");
    assert_eq!(
        outcome(&format!("(module (table 11 funcref) {start})"), &[("table-elements", "10")]),
        "limit-exceeded:table-elements"
    );
    assert_eq!(outcome(&format!("(module (table 10 funcref) {start})"), &[("table-elements", "10")]), "exited:0");
}

#[test]
fn b6_instances_of_a_component() {
    let text = r#"(component
        (core module $m (func (export "run") (result i32) (i32.const 0)))
        (core instance $a (instantiate $m))
        (core instance $b (instantiate $m))
        (core instance $c (instantiate $m))
        (func $run (result (result)) (canon lift (core func $c "run")))
        (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;
    let outcome = |limit| shown(&Door::new().run(Ask::new(text, &[("instances", limit)])).report.outcome);
    assert_eq!(outcome("2"), "limit-exceeded:instances");
    assert_eq!(outcome("3"), "exited:0");
}

#[test]
fn b12_timeout_at_100_ms() {
    let ask = || Ask::new(guest("hostile/cpu-002.wat"), &[("wall-time", "100ms")]).invoke("run", &[]);
    let Ran { report, .. } = Door::new().run(ask());
    let Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed, used: Some(used) } = report.outcome else {
        panic!("{report:?}")
    };
    assert_eq!(allowed, 100_000_000);
    assert!(used >= allowed, "not a moment early");
}
