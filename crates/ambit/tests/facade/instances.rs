//! Instances that are kept: state, looks inside, control, ends.

use std::time::Duration;

use ambit::{
    AccessError, Error, Instance, InstanceState, LimitKey, Outcome, PolicyBuilder, RejectReason, RunState, TableElement, TypedFunc,
    Units, Value,
};

use crate::{builder, exceeded, guest, load, load_in, rejected, runtime, trapped, until, wait};

const ACTOR: &str = r#"(module
    (import "env" "log" (func $log (param i32 i32)))
    (memory (export "memory") 1 4)
    (memory (export "other") 2)
    (global $n (export "n") (mut i32) (i32.const 0))
    (global (export "fixed") i64 (i64.const 7))
    (global (export "ref") (mut externref) (ref.null extern))
    (table (export "table") 3 funcref)
    (elem (i32.const 1) func $add)
    (data (i32.const 8) "hello")
    (func $add (export "add") (param i32) (result i32)
        (global.set $n (i32.add (global.get $n) (local.get 0)))
        (global.get $n))
    (func (export "say") (call $log (i32.const 8) (i32.const 5)))
    (func (export "half") (i32.store (i32.const 0) (i32.const 1)) unreachable)
    (func (export "spin") (loop (br 0))))"#;

fn make(text: &str) -> Instance {
    load(text).instantiate_blocking().expect("made")
}

fn over<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Over)), "{result:?}");
}

fn access<T: std::fmt::Debug>(result: Result<T, Error>) -> AccessError {
    match result {
        Err(Error::Access(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn state_stays_from_call_to_call() {
    let module = load(ACTOR);
    let (mut one, mut other) = (module.instantiate_blocking().expect("made"), wait(module.instantiate()).expect("made"));
    wait(async {
        assert_eq!(one.call::<_, i32>("add", 3).await.expect("it returns"), 3);
        assert_eq!(one.call::<_, i32>("add", 4).await.expect("it returns"), 7);
        assert_eq!(one.call_values("add", &[1.into()]).await.expect("it returns"), [Value::I32(8)]);
    });
    assert_eq!(other.call_blocking::<_, i32>("add", 1).expect("it returns"), 1);
    let add: TypedFunc<i32, i32> = module.func("add").expect("exported");
    assert_eq!(add.call_in_blocking(&mut one, 2).expect("it returns"), 10);
    assert_eq!(wait(add.call_in(&mut other, 2)).expect("it returns"), 3);
    assert_eq!(add.call_blocking(5).expect("it returns"), 5, "in an instance of its own");
    assert_eq!(one.statistics().calls, 4);
    assert_eq!((one.state(), one.statistics().returned), (InstanceState::Ready, 4));
    let elsewhere = load(ACTOR).func::<i32, i32>("add").expect("exported");
    rejected(elsewhere.call_in_blocking(&mut load("(module)").instantiate_blocking().expect("made"), 1), RejectReason::Policy);
}

#[test]
fn memories_are_read_written_and_grown_within_bounds() {
    let mut actor = make(ACTOR);
    assert_eq!(actor.memories().expect("alive"), ["memory", "other"]);
    assert_eq!(actor.memory_size("other").expect("there"), 2 << 16);
    assert_eq!(actor.memory_read("memory", 8, 5).expect("inside"), b"hello");
    actor.memory_write("memory", 65_530, b"sixsix").expect("inside");
    assert_eq!(actor.memory_read("memory", 65_530, 6).expect("inside"), b"sixsix");
    for (offset, len) in [(65_536, 1), (65_530, 7), (u64::MAX, 1), (1, u64::MAX), (1 << 32, 1), (8, 1 << 32)] {
        let error = access(actor.memory_read("memory", offset, len));
        assert!(matches!(error, AccessError::OutOfBounds { size: 65_536, .. }), "{error}");
    }
    assert!(matches!(access(actor.memory_write("memory", 65_531, b"sixsix")), AccessError::OutOfBounds { .. }));
    assert_eq!(actor.memory_read("memory", 65_530, 6).expect("inside"), b"sixsix", "nothing was half written");
    assert!(matches!(access(actor.memory_read("none", 0, 1)), AccessError::Missing { .. }));
    assert_eq!(actor.memory_grow("memory", 1).expect("within its maximum"), 65_536);
    assert_eq!(actor.memory_size("memory").expect("there"), 2 << 16);
    assert!(matches!(access(actor.memory_grow("memory", 3)), AccessError::Maximum { pages: 3 }));
    assert!(matches!(access(actor.memory_grow("memory", u64::MAX)), AccessError::Maximum { .. } | AccessError::Limit(_)));
    assert!(matches!(access(actor.memory_grow("other", 1 << 20)), AccessError::Limit(excess) if excess.limit == LimitKey::Memory));
    assert_eq!(actor.control().memory(), (4 << 16) + 3 * 8, "two memories and a table");
}

#[test]
fn a_growth_beyond_the_limit_ends_it_where_the_policy_says_so() {
    let runtime = builder().guests(|policy| policy.end_on_memory_refusal()).memory(1.mib()).build().expect("a runtime");
    let mut actor = load_in(&runtime, ACTOR).instantiate_blocking().expect("made");
    assert!(matches!(access(actor.memory_grow("other", 100)), AccessError::Limit(_)));
    over(actor.memory_size("memory"));
    assert_eq!((actor.state(), runtime.stats().reserved), (InstanceState::Over, 0));
}

#[test]
fn globals_and_tables_are_looked_at_and_references_are_not() {
    let mut actor = make(ACTOR);
    assert_eq!(actor.globals().expect("alive"), ["n", "fixed", "ref"]);
    assert_eq!(actor.global_get("fixed").expect("a number"), Value::I64(7));
    actor.global_set("n", 40).expect("mutable");
    assert_eq!(actor.call_blocking::<_, i32>("add", 2).expect("it returns"), 42);
    assert_eq!(access(actor.global_set("fixed", 1i64)), AccessError::Immutable);
    assert!(matches!(access(actor.global_set("n", 1i64)), AccessError::WrongType { .. }));
    assert_eq!(access(actor.global_get("ref")), AccessError::Reference);
    assert!(access(actor.global_get("ref")).to_string().contains("reference"));
    assert_eq!(actor.tables().expect("alive"), ["table"]);
    assert_eq!(actor.table_size("table").expect("there"), 3);
    let kind = |actor: &mut Instance, index| actor.table_get("table", index);
    assert_eq!(kind(&mut actor, 0).expect("inside"), TableElement::Null);
    assert_eq!(kind(&mut actor, 1).expect("inside"), TableElement::Function);
    actor.table_set_null("table", 1).expect("nullable");
    assert_eq!(kind(&mut actor, 1).expect("inside"), TableElement::Null);
    assert!(matches!(access(kind(&mut actor, 3)), AccessError::OutOfBounds { size: 3, .. }));
    assert!(matches!(access(kind(&mut actor, u64::MAX)), AccessError::OutOfBounds { .. }));
}

#[test]
fn one_that_trapped_is_not_called_again_until_it_is_reset() {
    let mut actor = make(ACTOR);
    assert_eq!(actor.call_blocking::<_, i32>("add", 3).expect("it returns"), 3);
    assert!(trapped(actor.call_blocking::<_, ()>("half", ())).starts_with("`half` trapped: unreachable"));
    assert_eq!(actor.state(), InstanceState::Over);
    over(actor.call_blocking::<_, i32>("add", 1));
    over(actor.memory_read("memory", 0, 4));
    over(actor.call_bytes_blocking("add", b"").map_err(|error| match error {
        // It does not keep the convention, which is looked at first.
        Error::Rejected(_) => Error::Over,
        error => error,
    }));
    actor.reset_blocking().expect("made anew");
    assert_eq!(actor.state(), InstanceState::Ready);
    assert_eq!(actor.memory_read("memory", 0, 4).expect("inside"), [0; 4], "what it had half done is gone");
    assert_eq!(actor.call_blocking::<_, i32>("add", 1).expect("it returns"), 1);
    let statistics = actor.statistics();
    assert_eq!((statistics.calls, statistics.returned, statistics.resets), (3, 2, 1));
    assert!(statistics.wall >= statistics.cpu / 2);
    wait(async {
        actor.reset().await.expect("made anew");
        assert_eq!(actor.call::<_, i32>("add", 5).await.expect("it returns"), 5);
    });
}

#[test]
fn a_loop_ends_at_its_deadline_and_its_instance_with_it() {
    let runtime = builder().timeout(30.millis()).build().expect("a runtime");
    let mut actor = load_in(&runtime, ACTOR).instantiate_blocking().expect("made");
    assert_eq!(exceeded(actor.call_blocking::<_, ()>("spin", ())), LimitKey::WallTime);
    over(actor.call_blocking::<_, i32>("add", 1));
    actor.reset_blocking().expect("made anew");
    assert_eq!(actor.call_blocking::<_, i32>("add", 1).expect("it returns"), 1);
}

#[test]
fn terminated_is_over_and_free() {
    let runtime = runtime();
    let mut actor = load_in(&runtime, ACTOR).instantiate_blocking().expect("made");
    assert_eq!(runtime.stats().instances, 1);
    actor.terminate();
    actor.terminate();
    assert_eq!((actor.state(), runtime.stats().instances, runtime.stats().reserved), (InstanceState::Over, 0, 0));
    over(actor.call_blocking::<_, i32>("add", 1));
    actor.reset_blocking().expect("made anew");
    assert_eq!(runtime.stats().instances, 1);
}

#[test]
fn a_call_under_way_is_paused_looked_at_and_cancelled() {
    let runtime = builder().timeout(60.secs()).build().expect("a runtime");
    let mut actor = load_in(&runtime, ACTOR).instantiate_blocking().expect("made");
    let control = actor.control();
    assert!(!control.pause() && !control.resume() && !control.cancel("nobody"), "there is no call");
    assert_eq!(control.state(), InstanceState::Ready);
    let calling = actor.start("spin", &[]).expect("accepted");
    calling.pause();
    until("it is paused", || calling.state() == Some(RunState::Paused));
    assert_eq!(control.state(), InstanceState::Calling(RunState::Paused));
    let slices = runtime.stats().slices;
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(runtime.stats().slices, slices, "it does not run");
    assert!(control.resume());
    until("it runs", || runtime.stats().slices > slices);
    assert!(calling.control().is_some() && calling.usage().peak_memory_bytes.is_some());
    assert!(control.cancel("operator"));
    let error = calling.wait().expect_err("cancelled");
    assert_eq!(error.outcome(), Some(&Outcome::Cancelled { by: "operator".into() }));
    assert_eq!((control.state(), actor.state()), (InstanceState::Over, InstanceState::Over));
    assert!(control.usage().cpu_ns.is_some_and(|nanos| nanos > 0));
}

#[test]
fn a_short_call_is_over_when_it_was_started() {
    let mut actor = make(ACTOR);
    let calling = actor.start("add", &[2.into()]).expect("accepted");
    assert_eq!((calling.state(), calling.control().is_none()), (None, true));
    assert_eq!(wait(calling).expect("it returned"), [Value::I32(2)]);
    // One that nobody asks for its result has been made all the same.
    drop(actor.start("add", &[2.into()]).expect("accepted"));
    assert_eq!(actor.call_blocking::<_, i32>("add", 1).expect("it returns"), 5);
    rejected(actor.start("add", &[]), RejectReason::Policy);
}

#[test]
fn a_call_whose_future_is_dropped_is_cancelled_and_the_instance_over() {
    let runtime = builder().timeout(60.secs()).build().expect("a runtime");
    let mut actor = load_in(&runtime, ACTOR).instantiate_blocking().expect("made");
    wait(async {
        assert!(tokio::time::timeout(20.millis(), actor.call::<_, ()>("spin", ())).await.is_err());
    });
    assert_eq!(actor.state(), InstanceState::Over);
    over(actor.call_blocking::<_, i32>("add", 1));
    until("it was cancelled", || runtime.stats().ended["cancelled"] == 1);
    actor.reset_blocking().expect("made anew");
    assert_eq!(actor.call_blocking::<_, i32>("add", 1).expect("it returns"), 1);
}

#[test]
fn what_an_instance_writes_is_taken() {
    let mut actor = make(ACTOR);
    actor.call_blocking::<_, ()>("say", ()).expect("it returns");
    assert_eq!((actor.take_log(), actor.take_log()), (vec!["hello".to_owned()], Vec::new()));
    assert_eq!((actor.take_stdout(), actor.take_stderr()), (Vec::new(), Vec::new()));
}

#[test]
fn one_whose_start_fails_is_not_made() {
    let check = |text: &str, words: &str| {
        let error = load(text).instantiate_blocking().expect_err("its start fails");
        assert!(error.to_string().starts_with(words), "{error}");
    };
    check("(module (func $f unreachable) (start $f))", "the instance trapped: unreachable");
    check(r#"(module (func (export "_initialize") unreachable))"#, "the instance trapped: unreachable");
    let hasty = builder().timeout(20.millis()).build().expect("a runtime");
    let error = load_in(&hasty, "(module (func $f (loop (br 0))) (start $f))").instantiate_blocking().expect_err("it loops");
    assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::WallTime, .. })), "{error}");
    let small = builder().memory(1.mib()).build().expect("a runtime");
    assert_eq!(exceeded(load_in(&small, "(module (memory 100))").instantiate_blocking()), LimitKey::Memory);
}

#[test]
fn components_cannot_be_kept() {
    let module = runtime().load_blocking(guest("hello-p2")).expect("admitted");
    let result = module.instantiate_blocking();
    assert!(matches!(&result, Err(Error::Rejected(rejection)) if rejection.message.contains("component")), "{result:?}");
}

#[test]
fn usage_is_that_of_all_calls() {
    let runtime = builder().fuel(1_000_000).build().expect("a runtime");
    let mut actor = load_in(&runtime, ACTOR).instantiate_blocking().expect("made");
    let mut before = actor.usage();
    assert!(before.instantiate_ns.is_some() && before.wall_ns.is_some());
    for _ in 0..3 {
        actor.call_blocking::<_, i32>("add", 1).expect("it returns");
        let after = actor.usage();
        assert!(after.fuel > before.fuel && after.wall_ns > before.wall_ns, "{before:?} {after:?}");
        before = after;
    }
}

#[test]
fn an_instance_has_what_it_was_launched_with_again_after_a_reset() {
    let policy = PolicyBuilder::default().build().expect("a policy");
    let module = runtime().load_with_blocking(
        crate::wat(
            r#"(module
                (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
                (memory (export "memory") 1) (data (i32.const 0) "\40\00\00\00\08\00\00\00")
                (func (export "read") (result i32)
                    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32))) (i32.load (i32.const 32)))
                (func (export "args") (result i32)
                    (drop (call $args (i32.const 32) (i32.const 36))) (i32.load (i32.const 32))))"#,
        ),
        &policy,
    );
    let mut reader = module.expect("admitted").launch().args(["a", "b"]).stdin("12345").instantiate_blocking().expect("made");
    for _ in 0..2 {
        assert_eq!(reader.call_blocking::<_, i32>("args", ()).expect("it returns"), 3);
        assert_eq!(reader.call_blocking::<_, i32>("read", ()).expect("it returns"), 5);
        assert_eq!(reader.call_blocking::<_, i32>("read", ()).expect("it returns"), 0, "the end");
        reader.reset_blocking().expect("made anew");
    }
}

#[test]
fn reset_waits_for_a_call_that_was_given_up_and_a_control_outlives_its_instance() {
    let runtime = crate::builder().build().expect("made");
    let module = runtime.load_blocking(wat::parse_str(crate::KINDS).expect("valid")).expect("loaded");
    let mut instance = module.instantiate_blocking().expect("made");
    drop(instance.start("spin", &[]).expect("exported"));
    instance.reset_blocking().expect("made anew");
    assert_eq!(runtime.stats().ended["cancelled"], 1, "the one that was has ended before");
    let control = instance.control();
    assert_eq!(control.state(), ambit::InstanceState::Ready);
    drop(instance);
    assert_eq!(control.state(), ambit::InstanceState::Over);
}
