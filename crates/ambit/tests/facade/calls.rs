//! Calls of functions, each in a fresh instance.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use ambit::{Error, LimitKey, Outcome, RejectReason, TypedFunc, Units, Value};

use crate::{KINDS, builder, exceeded, guest, load, load_in, rejected, runtime, trapped, until, wait};

#[test]
fn numbers_of_all_types_go_in_and_come_out() {
    let module = load(KINDS);
    wait(async {
        let sum: i32 = module.call("add", (5, 3)).await.expect("it returns");
        assert_eq!(sum, 8);
        let sum: u32 = module.call("add", (u32::MAX, 3u32)).await.expect("it returns");
        assert_eq!(sum, 2);
        let swapped: (f64, i64) = module.call("swap", (7i64, f64::MIN_POSITIVE)).await.expect("it returns");
        assert_eq!(swapped, (f64::MIN_POSITIVE, 7));
        let () = module.call("nothing", ()).await.expect("it returns");
        let all = (1, u64::MAX, 1.5f32, f64::INFINITY, u128::MAX - 7, -1, i64::MIN, -0.0f32);
        let back: (i32, u64, f32, f64, u128, i32, i64, f32) = module.call("all", all).await.expect("it returns");
        assert_eq!(back, all);
        let nan = f32::from_bits(0x7fa0_0001);
        let values = [1.into(), 2i64.into(), nan.into(), f64::NAN.into(), 5u128.into(), 6.into(), 7u64.into(), 8f32.into()];
        assert_eq!(module.call_values("all", &values).await.expect("it returns"), values, "NaNs keep their bits");
    });
    assert_eq!(module.call_blocking::<_, i32>("add", (5, 3)).expect("it returns"), 8);
    assert_eq!(module.call_values_blocking("add", &[1.into(), 2.into()]).expect("it returns"), [Value::I32(3)]);
}

#[test]
fn other_types_are_refused_before_anything_runs() {
    let module = load(KINDS);
    let runtime = module.runtime().clone();
    let check = |message: String, expect: &str| assert_eq!(message, expect);
    let wrong = rejected(module.call_blocking::<_, i32>("add", (1, 2i64)), RejectReason::Policy);
    check(wrong, "`add` is (i32, i32) -> i32, and was called as (i32, i64) -> i32");
    let wrong = rejected(module.call_blocking::<_, i64>("add", (1, 2)), RejectReason::Policy);
    check(wrong, "`add` is (i32, i32) -> i32, and was called as (i32, i32) -> i64");
    let wrong = rejected(module.call_blocking::<_, ()>("add", 1), RejectReason::Policy);
    check(wrong, "`add` is (i32, i32) -> i32, and was called as (i32) -> ()");
    let wrong = rejected(module.call_values_blocking("add", &[1.into()]), RejectReason::Policy);
    check(wrong, "`add` takes 2 arguments, 1 were given");
    let wrong = rejected(module.call_values_blocking("add", &[1.into(), 2f32.into()]), RejectReason::Policy);
    check(wrong, "argument 2 of `add` is of type f32, not i32");
    assert_eq!(runtime.stats().ended.values().sum::<u64>(), 0, "nothing ran");
}

#[test]
fn what_cannot_be_called_is_refused_by_name() {
    let module = load(KINDS);
    let check = |name: &str, expect: &str| {
        let message = rejected(module.call_blocking::<_, ()>(name, ()), RejectReason::NotFound);
        assert!(message.contains(expect), "{message}");
        let message = rejected(module.call_values_blocking(name, &[]), RejectReason::NotFound);
        assert!(message.contains(expect), "{message}");
    };
    check("ad", "the module exports no function `ad`; ");
    check("memory", "the module exports no function `memory`");
    check("a\u{1b}[2Jb", "`a\\u{1b}[2Jb`");
    check("same", "`same` has a value of type externref, which cannot be passed from outside");
    check("null", "`null` has a value of type funcref");
    let component = runtime().load_blocking(guest("upper")).expect("admitted");
    let message = rejected(component.call_blocking::<_, ()>("upper", ()), RejectReason::NotFound);
    assert!(message.contains("it is a component, whose functions take and return values of other types"), "{message}");
}

#[test]
fn a_call_sees_nothing_of_another() {
    let module = load(
        r#"(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
            (func (export "next") (result i32)
                (global.set $g (i32.add (global.get $g) (i32.const 1)))
                (i32.store8 (i32.const 99) (i32.add (i32.load8_u (i32.const 99)) (i32.const 1)))
                (i32.add (global.get $g) (i32.load8_u (i32.const 99)))))"#,
    );
    let next: TypedFunc<(), i32> = module.func("next").expect("exported");
    for _ in 0..50 {
        assert_eq!(next.call_blocking(()).expect("it returns"), 2);
    }
}

#[test]
fn a_call_that_fails_says_how_with_the_whole_account() {
    let module = load(KINDS);
    let error = module.call_blocking::<_, ()>("trap", ()).expect_err("it traps");
    assert!(error.to_string().starts_with("`trap` trapped: unreachable: "), "{error}");
    let report = error.report().expect("it ran");
    assert_eq!((report.module, report.name.as_deref()), (Some(module.digest()), Some("guest")));
    assert!(report.usage.wall_ns.is_some() && report.policy.is_some());
    assert!(matches!(error, Error::Ended { .. }) && error.rejection().is_none());
    trapped(module.call_values_blocking("trap", &[]));
}

#[test]
fn an_endless_loop_ends_at_its_deadline_awaited_or_not() {
    let runtime = builder().timeout(50.millis()).build().expect("a runtime");
    let module = load_in(&runtime, KINDS);
    let began = Instant::now();
    assert_eq!(exceeded(module.call_blocking::<_, ()>("spin", ())), LimitKey::WallTime);
    assert_eq!(exceeded(wait(module.call::<_, ()>("spin", ()))), LimitKey::WallTime);
    let took = began.elapsed();
    assert!(took >= 100.millis() && took < 5.secs(), "{took:?}");
    let error = module.call_blocking::<_, ()>("spin", ()).expect_err("it loops");
    let words = error.to_string();
    assert!(words.starts_with("`spin` exceeded the limit `wall-time`: 50ms allowed, "), "{words}");
    assert!(words.ends_with("raise it with `.timeout(…)`"), "{words}");
}

#[test]
fn a_call_that_nobody_awaits_any_more_is_cancelled() {
    let runtime = builder().timeout(60.secs()).build().expect("a runtime");
    let module = load_in(&runtime, KINDS);
    wait(async {
        let patience = tokio::time::timeout(20.millis(), module.call::<_, ()>("spin", ())).await;
        assert!(patience.is_err());
    });
    until("it was cancelled", || runtime.stats().ended["cancelled"] == 1);
}

#[test]
fn an_executors_thread_is_held_for_two_slices_at_most() {
    let runtime = builder().timeout(300.millis()).slice(1.millis()).build().expect("a runtime");
    let module = load_in(&runtime, KINDS);
    wait(async {
        let began = Instant::now();
        let spin = module.call::<_, ()>("spin", ());
        let mut spin = std::pin::pin!(spin);
        // Polled once.
        let pending = std::future::poll_fn(|cx| std::task::Poll::Ready(spin.as_mut().poll(cx).is_pending())).await;
        assert!(pending);
        assert!(began.elapsed() < 150.millis(), "{:?}", began.elapsed());
        assert_eq!(exceeded(spin.await), LimitKey::WallTime);
    });
}

#[test]
fn many_calls_at_once_from_many_threads() {
    let runtime = builder().cores(2).build().expect("a runtime");
    let module = load_in(&runtime, KINDS);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let add: TypedFunc<(i32, i32), i32> = module.func("add").expect("exported");
            scope.spawn(move || {
                for i in 0..500 {
                    assert_eq!(add.call_blocking((thread, i)).expect("it returns"), thread + i);
                }
            });
        }
    });
    assert_eq!(runtime.stats().ended["exited"], 2000);
    assert_eq!((runtime.stats().reserved, runtime.stats().instances), (0, 0));
}

#[test]
fn an_exit_is_no_return() {
    let module = load(
        r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
            (func (export "f") (param i32) (result i32) (call $exit (local.get 0)) (i32.const 1)))"#,
    );
    for code in [0, 3] {
        let error = module.call_blocking::<_, i32>("f", code).expect_err("it did not return");
        assert_eq!(error.outcome(), Some(&Outcome::Exited { code }));
        assert_eq!(error.to_string(), format!("`f` exited with code {code}"));
    }
}

#[test]
fn messages_go_where_the_module_says() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let module = load(KINDS).with_log(move |line| kept.lock().expect("whole").push(line.to_owned()));
    module.call_blocking::<_, ()>("say", ()).expect("it returns");
    module.instantiate_blocking().expect("made").call_blocking::<_, ()>("say", ()).expect("it returns");
    assert_eq!(*heard.lock().expect("whole"), ["hello", "hello"]);
}

#[test]
fn initialize_runs_first() {
    let module = runtime().load_blocking(guest("reactor")).expect("admitted");
    assert_eq!(module.call_blocking::<_, i32>("get", ()).expect("it returns"), 42);
}

#[test]
fn names_stand_in_reports() {
    let module = load(KINDS).with_name("plugin");
    let error = module.call_blocking::<_, ()>("trap", ()).expect_err("it traps");
    assert_eq!(error.report().expect("it ran").name.as_deref(), Some("plugin"));
}

#[test]
fn everything_goes_from_thread_to_thread() {
    fn sent<T: Send>(_: &T) {}
    fn shared<T: Send + Sync>(_: &T) {}
    let (runtime, module) = (runtime(), load(KINDS));
    shared(&runtime);
    shared(&module);
    shared(&module.func::<(i32, i32), i32>("add").expect("exported"));
    sent(&runtime.load(b""));
    sent(&module.call::<_, i32>("add", (1, 2)));
    sent(&module.call_json::<_, u32>("add", &1));
    sent(&module.run([""; 0]));
    sent(&module.instantiate());
    sent(&module.with_policy(runtime.policy()));
    let mut kept = module.instantiate_blocking().expect("made");
    sent(&kept);
    shared(&kept.control());
    sent(&kept.call::<_, i32>("add", (1, 2)));
    sent(&kept.reset());
    sent(&kept.start("add", &[1.into(), 2.into()]).expect("accepted"));
}

#[test]
fn to_exit_is_not_to_return() {
    let text = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (func (export "f") (result i32) (call $exit (i32.const 0)) (i32.const 7))
        (func (export "g") (call $exit (i32.const 0))))"#;
    let module = crate::builder().build().expect("made").load_blocking(wat::parse_str(text).expect("valid")).expect("loaded");
    assert!(module.call_blocking::<_, i32>("f", ()).is_err());
    assert!(module.call_blocking::<_, ()>("g", ()).is_err());
    assert!(module.call_values_blocking("g", &[]).is_err());
    let mut instance = module.instantiate_blocking().expect("made");
    assert!(instance.call_blocking::<_, ()>("g", ()).is_err());
    assert_eq!(instance.statistics().returned, 0);
}
