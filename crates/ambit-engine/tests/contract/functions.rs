//! Host functions of the embedder's.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use ambit_admit::{AdmitRules, FuncType, ValType};
use ambit_core::{Grants, Outcome, RejectReason, ResultValue, TrapKind};
use ambit_engine::{
    Ended, HostError, HostFunctions,
    host::HostSpec,
    wasmtime::{PoolConfig, WasmtimeEngine},
};

use crate::drive::{Rig, Tested, on_each_engine, policy};

pub(crate) fn ty(params: &[ValType], results: &[ValType]) -> FuncType {
    FuncType { params: params.to_vec(), results: results.to_vec() }
}

fn i32s(values: &[i32]) -> Vec<ResultValue> {
    values.iter().map(|&value| ResultValue::I32(value)).collect()
}

/// A pair of address and length.
fn range(args: &[ResultValue]) -> Result<(u64, u64), HostError> {
    match args {
        [ResultValue::I32(ptr), ResultValue::I32(len)] => Ok((ptr.cast_unsigned().into(), len.cast_unsigned().into())),
        _ => Err(HostError::new("an address and a length")),
    }
}

const SHOUT: &str = r#"(module
    (import "app" "shout" (func $shout (param i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 65531) "hello")
    (func (export "shout") (param i32 i32) (result i32) (call $shout (local.get 0) (local.get 1)))
    (func (export "first") (result i32) (i32.load8_u (i32.const 65531))))"#;

/// Writes in upper case, and gives the memory's size.
fn shout() -> HostFunctions {
    let mut functions = HostFunctions::new();
    let ty = ty(&[ValType::I32, ValType::I32], &[ValType::I32]);
    let added = functions.add(("app", "shout"), ty, "loud", |call, args| {
        let (ptr, len) = range(args)?;
        let text = call.memory_read(ptr, len)?;
        call.memory_write(ptr, &text.to_ascii_uppercase())?;
        Ok(vec![ResultValue::I32(i32::try_from(call.memory_size()?).map_err(HostError::new)?)])
    });
    added.expect("free");
    functions
}

on_each_engine! {
    fn a_function_reads_and_writes_the_guests_memory(engine) {
        let rig = Rig::functions(engine, SHOUT, shout(), &["loud"], &[]);
        let mut guest = rig.kept();
        assert_eq!(guest.call(rig.call("shout", &i32s(&[65_531, 5]))), Ended::Returned(i32s(&[65_536])));
        assert_eq!(guest.call(rig.call("first", &[])), Ended::Returned(i32s(&[i32::from(b'H')])));
        assert_eq!(guest.instance().memory_read("memory", 65_531, 5).as_deref(), Ok(&b"HELLO"[..]));
        assert_eq!(guest.meter.usage().host_calls, Some(1));
        // What the function refuses with `?`, the guest traps with.
        for (ptr, len) in [(65_531, 6), (-1, 1), (-1, -1), (0, -1)] {
            let (outcome, _) = rig.run("shout", &i32s(&[ptr, len]));
            let Outcome::Trapped { trap: TrapKind::Host, message, frames } = outcome else { panic!("{outcome:?}") };
            assert!(message.starts_with("the host function `app` `shout` failed: "), "{message}");
            assert!(message.contains("do not lie in the memory, which has 65536"), "{message}");
            assert_eq!(frames.is_empty(), engine == Tested::Wasmi, "who has a stack shows it");
        }
    }
}

#[test]
fn admission_names_the_grant_that_is_missing() {
    let engine = WasmtimeEngine::with_functions(PoolConfig { guests: 0 }, shout());
    let functions = ambit_engine::Engine::functions(&engine);
    let admit = |text: &str, grants: &[&str]| {
        let grants = Grants { functions: grants.iter().map(ToString::to_string).collect(), ..Grants::default() };
        let rules = AdmitRules { host_functions: functions.admitted(&grants)?, ..AdmitRules::from_policy(&policy(&[])) };
        ambit_admit::admit(wat::parse_str(text).expect("valid text"), &rules)
    };
    let check = |text: &str, grants: &[&str], reason: RejectReason, words: &str| {
        let rejection = admit(text, grants).expect_err(words);
        assert_eq!(rejection.reason, reason);
        assert!(rejection.message.contains(words), "{}", rejection.message);
    };
    assert!(admit(SHOUT, &["loud"]).is_ok());
    check(
        SHOUT,
        &[],
        RejectReason::ImportDenied,
        "`app` `shout`: it needs the grant `loud`, which is not given; name it in `functions`",
    );
    let other = r#"(module (import "app" "shout" (func (param i64))))"#;
    check(other, &["loud"], RejectReason::ImportDenied, "its type is (i64) -> () there, but the function is (i32, i32) -> i32");
    check(SHOUT, &["lound"], RejectReason::NotFound, "there is no grant of host functions `lound`; did you mean `loud`?");
    assert!(admit("(module)", &[]).is_ok());
}

on_each_engine! {
    fn a_guest_without_the_grant_does_not_begin(engine) {
        // Admitted under a policy that grants the function, and then run under one that does not.
        let rig = Rig::functions(engine, SHOUT, shout(), &["loud"], &[]);
        let call = || rig.call("first", &[]);
        let refused = |functions: &[&str]| {
            let host = || HostSpec { functions: functions.iter().map(ToString::to_string).collect(), ..HostSpec::default() };
            let ended = rig.guest(host(), call()).end();
            assert_eq!(rig.keep(host()).end(), ended, "kept or not");
            match ended {
                Ended::Refused(rejection) => rejection,
                other => panic!("{other:?}"),
            }
        };
        let rejection = refused(&[]);
        assert_eq!(rejection.reason, RejectReason::ImportDenied);
        assert_eq!(rejection.message, "the module imports `app` `shout`: it needs the grant `loud`, which is not given");
        assert_eq!(refused(&["loud", "other"]).reason, RejectReason::NotFound);
        assert_eq!(rig.guest(rig.host(), call()).end(), Ended::Returned(i32s(&[i32::from(b'h')])));
    }
}

#[test]
fn a_grant_that_nothing_honours_is_refused() {
    let host = || HostSpec { functions: vec!["loud".into()], ..HostSpec::default() };
    let rig = Rig::new(r#"(module (func (export "f")))"#, &[]);
    let ended = rig.guest(host(), rig.call("f", &[])).end();
    assert!(matches!(&ended, Ended::Refused(rejection) if rejection.reason == RejectReason::NotFound), "{ended:?}");
    let component = include_bytes!("../../../../guests/bin/hello-p2.wasm");
    let rig = Rig::load(Arc::new(WasmtimeEngine::new(PoolConfig { guests: 0 })), component, policy(&[]));
    let ended = rig.guest(host(), ambit_engine::Call::command(&rig.module).expect("a program")).end();
    assert!(matches!(&ended, Ended::Refused(rejection) if rejection.reason == RejectReason::NotFound), "{ended:?}");
}

/// A module that calls the function `app` `f`, and how one call of that ends.
fn calls(engine: Tested, functions: HostFunctions) -> Rig {
    let text = r#"(module
        (import "app" "f" (func $f (param i32) (result i64 f64)))
        (memory (export "memory") 1)
        (func (export "f") (param i32) (result i64 f64) (call $f (local.get 0)))
        (func (export "twice") (param i32) (result i64 f64)
            (call $f (local.get 0)) (drop) (drop) (call $f (local.get 0)))
        (func (export "fine")))"#;
    Rig::functions(engine, text, functions, &["f"], &[])
}

fn f() -> FuncType {
    ty(&[ValType::I32], &[ValType::I64, ValType::F64])
}

on_each_engine! {
    fn an_error_is_a_trap_with_a_message_that_can_be_shown(engine) {
        let mut functions = HostFunctions::new();
        functions.add(("app", "f"), f(), "f", |_, _| Err(HostError::new(format!("\x1b[2J{}", "x".repeat(10_000))))).expect("free");
        let rig = calls(engine, functions);
        let mut guest = rig.kept();
        let (outcome, _) = guest.call(rig.call("f", &i32s(&[1]))).outcome(&guest.meter);
        let Outcome::Trapped { trap: TrapKind::Host, message, .. } = outcome else { panic!("{outcome:?}") };
        assert!(message.starts_with("the host function `app` `f` failed: \\u{1b}[2Jxxx"), "{message}");
        assert!(message.len() < 600 && message.ends_with("more bytes)"), "{message}");
        assert!(!guest.is_kept());
    }
}

on_each_engine! {
    fn a_function_that_gives_something_else_loses_the_run(engine) {
        let check = |results: Vec<ResultValue>, shown: &str| {
            let mut functions = HostFunctions::new();
            functions.add(("app", "f"), f(), "f", move |_, _| Ok(results.clone())).expect("free");
            let (outcome, _) = calls(engine, functions).run("f", &i32s(&[1]));
            let Outcome::Lost { reason } = outcome else { panic!("{outcome:?}") };
            assert_eq!(reason, format!("the host function `app` `f` behaved as (i32) -> {shown}, but it is (i32) -> (i64, f64)"));
        };
        check(Vec::new(), "()");
        check(vec![ResultValue::I64(1)], "i64");
        check(vec![ResultValue::F64(1), ResultValue::I64(1)], "(f64, i64)");
        check(vec![ResultValue::I64(1), ResultValue::F64(1), ResultValue::F64(1)], "(i64, f64, f64)");
    }
}

on_each_engine! {
    fn a_function_may_wait(engine) {
        let mut functions = HostFunctions::new();
        let added = functions.add_async(("app", "f"), f(), "f", |_call, args| {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let [ResultValue::I32(n)] = args else { return Err(HostError::new("a number")) };
                Ok(vec![ResultValue::I64(i64::from(*n) + 1), ResultValue::F64(2.5f64.to_bits())])
            })
        });
        added.expect("free");
        let rig = calls(engine, functions);
        let mut guest = rig.kept();
        for n in [-7, 8] {
            let expect = vec![ResultValue::I64(i64::from(n) + 1), ResultValue::F64(2.5f64.to_bits())];
            assert_eq!(guest.call(rig.call("twice", &i32s(&[n]))), Ended::Returned(expect));
        }
        assert_eq!(guest.meter.usage().host_calls, Some(4));
    }
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

on_each_engine! {
    fn what_a_function_waits_for_is_dropped_with_the_guest(engine) {
        let (begun, dropped) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let mut functions = HostFunctions::new();
        let (counter, flag) = (Arc::clone(&begun), Arc::clone(&dropped));
        let added = functions.add_async(("app", "f"), f(), "f", move |_call, _args| {
            counter.fetch_add(1, SeqCst);
            let held = Dropped(Arc::clone(&flag));
            Box::pin(async move {
                std::future::pending::<()>().await;
                drop(held);
                Ok(Vec::new())
            })
        });
        added.expect("free");
        let rig = calls(engine, functions);
        let mut guest = rig.guest(rig.host(), rig.call("f", &i32s(&[1])));
        for _ in 0..3 {
            assert_eq!(guest.slice(), Poll::Pending);
        }
        assert_eq!((begun.load(SeqCst), dropped.load(SeqCst)), (1, false));
        drop(guest);
        assert!(dropped.load(SeqCst));
    }
}

on_each_engine! {
    fn a_panic_comes_out_and_leaves_the_engine_whole(engine) {
        let mut now = HostFunctions::new();
        now.add(("app", "f"), f(), "f", |_, args| if args == i32s(&[0]) { panic!("at once") } else { Ok(Vec::new()) }).expect("free");
        let mut later = HostFunctions::new();
        let added = later.add_async(("app", "f"), f(), "f", |_, _| {
            Box::pin(async {
                tokio::task::yield_now().await;
                panic!("after a while")
            })
        });
        added.expect("free");
        for (functions, expect) in [(now, "at once"), (later, "after a while")] {
            let rig = calls(engine, functions);
            let mut guest = rig.kept();
            guest.instance().call(rig.call("f", &i32s(&[0])));
            let panic = catch_unwind(AssertUnwindSafe(|| guest.end())).expect_err("it panics");
            assert_eq!(panic.downcast_ref::<&str>(), Some(&expect));
            assert!(!guest.is_kept(), "it is not called again");
            drop(guest);
            for _ in 0..4 {
                assert_eq!(rig.kept().call(rig.call("fine", &[])), Ended::Returned(Vec::new()));
            }
        }
    }
}
