//! The facade, as an embedder uses it.

mod builder;
mod calls;
mod exchange;
mod functions;
mod instances;
mod load;
mod policy;
mod programs;
mod sealed;
mod shipped;
mod tenants;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use ambit::{Error, LimitKey, Module, Outcome, RejectReason, Runtime, RuntimeBuilder};

/// Functions of all kinds: that return, that trap, that do not end.
const KINDS: &str = r#"(module
    (import "env" "log" (func $log (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "hello")
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "swap") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))
    (func (export "nothing"))
    (func (export "all") (param i32 i64 f32 f64 v128 i32 i64 f32) (result i32 i64 f32 f64 v128 i32 i64 f32)
        (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7))
    (func (export "same") (param externref) (result externref) (local.get 0))
    (func (export "null") (result funcref) (ref.null func))
    (func (export "trap") unreachable)
    (func (export "spin") (loop (br 0)))
    (func (export "say") (call $log (i32.const 0) (i32.const 5))))"#;

/// A small runtime.
fn builder() -> RuntimeBuilder {
    Runtime::builder().cores(1).pool(8)
}

fn runtime() -> Runtime {
    builder().build().expect("a runtime")
}

fn load(text: &str) -> Module {
    load_in(&runtime(), text)
}

fn load_in(runtime: &Runtime, text: &str) -> Module {
    runtime.load_blocking(wat(text)).unwrap_or_else(|error| panic!("{error}"))
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid text")
}

/// A module that is shipped in guests/bin.
fn guest(name: &str) -> Vec<u8> {
    let path = format!("{}/../../guests/bin/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a future as an executor does.
fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("an executor").block_on(future)
}

/// The message of a rejection for this reason.
fn rejected<T: std::fmt::Debug>(result: Result<T, Error>, reason: RejectReason) -> String {
    match result {
        Err(Error::Rejected(rejection)) if rejection.reason == reason => rejection.message,
        other => panic!("not rejected as {reason}: {other:?}"),
    }
}

/// The limit that ended a call.
fn exceeded<T: std::fmt::Debug>(result: Result<T, Error>) -> LimitKey {
    match &result {
        Err(error) => match error.outcome() {
            Some(Outcome::LimitExceeded { limit, .. }) => *limit,
            _ => panic!("no limit: {error}"),
        },
        Ok(value) => panic!("it returned: {value:?}"),
    }
}

/// What a call trapped with, in words.
fn trapped<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match &result {
        Err(error) if matches!(error.outcome(), Some(Outcome::Trapped { .. })) => error.to_string(),
        other => panic!("it did not trap: {other:?}"),
    }
}

/// Waits until something is so, for at most ten seconds.
fn until(what: &str, so: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
