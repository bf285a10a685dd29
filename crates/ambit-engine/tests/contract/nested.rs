//! Host functions that call the guest back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use ambit_admit::ValType;
use ambit_core::{LimitKey, Outcome, ResultValue, TrapKind};
use ambit_engine::{Ended, HostError, HostFunctions};

use crate::{
    drive::{Rig, Tested, on_each_engine},
    functions::ty,
};

fn i32s(values: &[i32]) -> Vec<ResultValue> {
    values.iter().map(|&value| ResultValue::I32(value)).collect()
}

/// `app` `call` calls an export by number, with one argument, and gives what that gives; an error is -1.
fn caller() -> (HostFunctions, Arc<Mutex<Vec<String>>>) {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let mut functions = HostFunctions::new();
    let kept = Arc::clone(&errors);
    let ty = ty(&[ValType::I32, ValType::I32], &[ValType::I32]);
    let added = functions.add_async(("app", "call"), ty, "call", move |mut call, args| {
        let errors = Arc::clone(&kept);
        Box::pin(async move {
            let [ResultValue::I32(which), arg] = args else { return Err(HostError::new("two numbers")) };
            match call.call(&format!("f{which}"), &[*arg]).await {
                Ok(results) => Ok(results),
                Err(error) => {
                    errors.lock().expect("no panic").push(error.to_string());
                    Ok(vec![ResultValue::I32(-1)])
                }
            }
        })
    });
    added.expect("free");
    (functions, errors)
}

const MODULE: &str = r#"(module
    (import "app" "call" (func $call (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (global $seen (export "seen") (mut i32) (i32.const 0))
    (func (export "run") (param i32 i32) (result i32) (call $call (local.get 0) (local.get 1)))
    (func (export "f0") (param i32) (result i32)
        (global.set $seen (local.get 0))
        (i32.mul (local.get 0) (i32.const 2)))
    ;; Through the host again, as often as it is told.
    (func (export "f1") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
        (i32.add (i32.const 1) (call $call (i32.const 1) (i32.sub (local.get 0) (i32.const 1)))))
    (func (export "f2") (param i32) (result i32) unreachable)
    (func (export "f3") (param i32) (result i32) (call $exit (local.get 0)) (i32.const 0))
    (func (export "f4") (param i32) (result i32) (loop (br 0)) (i32.const 0))
    (func (export "f5") (param i64) (result i32) (i32.const 0))
    (func (export "f6") (param i32) (result funcref) (ref.null func)))"#;

fn rig(engine: Tested, limits: &[(&str, &str)]) -> (Rig, Arc<Mutex<Vec<String>>>) {
    let (functions, errors) = caller();
    (Rig::functions(engine, MODULE, functions, &["call"], limits), errors)
}

on_each_engine! {
    fn a_function_calls_the_guest_that_called_it(engine) {
        let (rig, _) = rig(engine, &[]);
        let mut guest = rig.kept();
        assert_eq!(guest.call(rig.call("run", &i32s(&[0, 21]))), Ended::Returned(i32s(&[42])));
        assert_eq!(guest.instance().global_get("seen"), Ok(ResultValue::I32(21)), "the same instance");
        // 62 calls by the host inside that one and `run`: 64 in all.
        assert_eq!(guest.call(rig.call("run", &i32s(&[1, 62]))), Ended::Returned(i32s(&[69])));
        assert_eq!(guest.call(rig.call("run", &i32s(&[1, 62]))), Ended::Returned(i32s(&[69])), "no stack is lost");
        assert_eq!(guest.meter.usage().host_calls, Some(1 + 63 + 63));
    }
}

on_each_engine! {
    fn a_guest_is_not_inside_itself_more_often_than_allowed(engine) {
        let (rig, errors) = rig(engine, &[]);
        let (outcome, _) = rig.run("run", &i32s(&[1, 63]));
        assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Stack, .. }), "{outcome:?}");
        assert_eq!(errors.lock().expect("no panic")[0], "the guest is inside itself too often");
    }
}

on_each_engine! {
    /// Row cpu-021 of the catalogue of attacks.
    fn cpu_021_an_import_calls_the_export_that_calls_it(engine) {
        let text = include_str!("../../../../guests/hostile/cpu-021.wat");
        let calls = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&calls);
        let mut functions = HostFunctions::new();
        let added = functions.add_async(("env", "callback"), ty(&[], &[]), "callback", move |mut call, _args| {
            counter.fetch_add(1, SeqCst);
            Box::pin(async move { call.call("cb", &[]).await })
        });
        added.expect("free");
        let rig = Rig::functions(engine, text, functions, &["callback"], &[]);
        for _ in 0..3 {
            calls.store(0, SeqCst);
            let (outcome, _) = rig.run("run", &[]);
            assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Stack, .. }), "{outcome:?}");
            assert_eq!(calls.load(SeqCst), 64, "as often as the guest was in `cb`");
        }
    }
}

on_each_engine! {
    fn what_ends_the_guest_inside_ends_the_run_whatever_the_function_says(engine) {
        let (rig, _) = rig(engine, &[("fuel", "1M")]);
        let check = |which: i32, arg: i32, expect: &dyn Fn(&Outcome) -> bool| {
            let mut guest = rig.kept();
            let (outcome, _) = guest.call(rig.call("run", &i32s(&[which, arg]))).outcome(&guest.meter);
            assert!(expect(&outcome), "{outcome:?}");
            assert!(!guest.is_kept());
        };
        check(
            2,
            0,
            &|outcome| matches!(outcome, Outcome::Trapped { trap: TrapKind::Unreachable, .. }),
        );
        check(3, 5, &|outcome| *outcome == Outcome::Exited { code: 5 });
        check(3, 0, &|outcome| *outcome == Outcome::Exited { code: 0 });
        check(4, 0, &|outcome| matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Fuel, .. }));
    }
}

on_each_engine! {
    fn a_loop_inside_is_sliced_and_dropped(engine) {
        let (rig, _) = rig(engine, &[]);
        for _ in 0..5 {
            let mut guest = rig.guest(rig.host(), rig.call("run", &i32s(&[4, 0])));
            for _ in 0..3 {
                assert_eq!(guest.slice(), Poll::Pending);
            }
        }
    }
}

on_each_engine! {
    fn a_call_that_does_not_fit_is_the_functions_to_handle(engine) {
        let (rig, errors) = rig(engine, &[]);
        let mut guest = rig.kept();
        for which in [9, 5, 6] {
            assert_eq!(guest.call(rig.call("run", &i32s(&[which, 1]))), Ended::Returned(i32s(&[-1])));
        }
        let expect =
            ["the guest exports no function `f9`", "`f5` takes other arguments than it was given", "`f6` takes or gives a reference"];
        assert_eq!(*errors.lock().expect("no panic"), expect);
    }
}

on_each_engine! {
    fn a_call_given_up_half_way_ends_the_run(engine) {
        let mut functions = HostFunctions::new();
        let ty = ty(&[ValType::I32, ValType::I32], &[ValType::I32]);
        let added = functions.add_async(("app", "call"), ty, "call", |mut call, _args| {
            Box::pin(async move {
                {
                    let mut endless = Box::pin(call.call("f4", &[ResultValue::I32(0)]));
                    assert!(endless.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                }
                assert!(call.call("f0", &[ResultValue::I32(0)]).await.is_err(), "half way is no place to go on from");
                Ok(vec![ResultValue::I32(0)])
            })
        });
        added.expect("free");
        let rig = Rig::functions(engine, MODULE, functions, &["call"], &[]);
        let (outcome, _) = rig.run("run", &i32s(&[0, 0]));
        let Outcome::Trapped { trap: TrapKind::Host, message, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(message, "the host function `app` `call` gave up its call of `f4` half way");
    }
}

on_each_engine! {
    fn a_function_that_answers_at_once_cannot_call(engine) {
        let mut functions = HostFunctions::new();
        let ty = ty(&[ValType::I32, ValType::I32], &[ValType::I32]);
        let added = functions.add(("app", "call"), ty, "call", |call, args| {
            let mut called = Box::pin(call.call("f0", &args[1..]));
            match called.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(results) => results,
                Poll::Pending => Ok(Vec::new()),
            }
        });
        added.expect("free");
        let rig = Rig::functions(engine, MODULE, functions, &["call"], &[]);
        let (outcome, _) = rig.run("run", &i32s(&[0, 0]));
        let Outcome::Trapped { trap: TrapKind::Host, message, .. } = outcome else { panic!("{outcome:?}") };
        assert!(message.ends_with("a host function that answers at once cannot call the guest"), "{message}");
    }
}

on_each_engine! {
    /// Row host-010 of the catalogue of attacks: what was checked is a copy, and nothing the guest does changes it.
    fn host_010_the_guest_changes_its_memory_between_check_and_use(engine) {
        let text = r#"(module
            (import "app" "open" (func $open (param i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 8) "/data/a")
            (func (export "scribble") (i64.store (i32.const 8) (i64.const 0x2f2e2e2f2e2e2f)))
            (func (export "run") (result i32) (call $open (i32.const 8) (i32.const 7))))"#;
        let mut functions = HostFunctions::new();
        let added = functions.add_async(("app", "open"), ty(&[ValType::I32, ValType::I32], &[ValType::I32]), "open", |mut call, _| {
            Box::pin(async move {
                let path = call.memory_read(8, 7)?;
                let allowed = path.starts_with(b"/data/");
                call.call("scribble", &[]).await?;
                let now = call.memory_read(8, 7)?;
                let opened = allowed && path == b"/data/a" && now == b"/../../";
                Ok(vec![ResultValue::I32(opened.into())])
            })
        });
        added.expect("free");
        let rig = Rig::functions(engine, text, functions, &["open"], &[]);
        assert_eq!(rig.run("run", &[]).1, i32s(&[1]));
    }
}
