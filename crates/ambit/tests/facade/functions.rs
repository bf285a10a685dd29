//! Functions of the embedder's that guests import.

use std::{future::pending, time::Instant};

use ambit::{FuncType, HostError, HostFunctions, LimitKey, RejectReason, Runtime, Units, ValType, Value};

use crate::{builder, exceeded, load_in, rejected, trapped, wat};

const GUEST: &str = r#"(module
    (import "app" "double" (func $double (param i32) (result i32)))
    (import "app" "never" (func $never))
    (func (export "f") (param i32) (result i32) (call $double (local.get 0)))
    (func (export "wait") (call $never)))"#;

fn functions() -> HostFunctions {
    let mut functions = HostFunctions::new();
    let ty = FuncType { params: vec![ValType::I32], results: vec![ValType::I32] };
    let double = functions.add(("app", "double"), ty, "numbers", |_call, args| match args {
        [Value::I32(0)] => Err(HostError::new("nothing doubles")),
        [Value::I32(n)] => Ok(vec![Value::I32(n * 2)]),
        _ => Err(HostError::new("one number")),
    });
    double.expect("free");
    let ty = FuncType { params: Vec::new(), results: Vec::new() };
    functions.add_async(("app", "never"), ty, "waiting", |_call, _args| Box::pin(pending())).expect("free");
    functions
}

fn runtime(grants: &[&str]) -> Result<Runtime, ambit::Error> {
    let builder = builder().functions(functions()).timeout(50.millis());
    grants.iter().fold(builder, |builder, grant| builder.grant("functions", grant)).build()
}

#[test]
fn a_guest_calls_what_it_is_granted() {
    let module = load_in(&runtime(&["numbers", "waiting"]).expect("a runtime"), GUEST);
    assert_eq!(module.call_blocking::<_, i32>("f", 21).expect("it returns"), 42);
    let words = trapped(module.call_blocking::<_, i32>("f", 0));
    assert!(words.contains("nothing doubles"), "{words}");
    let began = Instant::now();
    assert_eq!(exceeded(module.call_blocking::<_, ()>("wait", ())), LimitKey::WallTime);
    assert!(began.elapsed() < 5.secs());
}

#[test]
fn what_is_not_granted_is_not_there() {
    let message = rejected(runtime(&["numbers"]).expect("a runtime").load_blocking(wat(GUEST)), RejectReason::ImportDenied);
    assert!(message.contains("it needs the grant `waiting`"), "{message}");
    let message = rejected(runtime(&["numbrs"]), RejectReason::NotFound);
    assert!(message.contains("did you mean `numbers`?"), "{message}");
    // A policy for one module may grant what the runtime's does not.
    let runtime = runtime(&[]).expect("a runtime");
    let policy = runtime.policy().adjust().grant("functions", "numbers").grant("functions", "waiting").build().expect("a policy");
    let module = runtime.load_with_blocking(wat(GUEST), &policy).expect("admitted");
    assert_eq!(module.call_blocking::<_, i32>("f", 4).expect("it returns"), 8);
    let message = rejected(module.with_policy_blocking(runtime.policy()), RejectReason::ImportDenied);
    assert!(message.contains("it needs the grant"), "{message}");
}
