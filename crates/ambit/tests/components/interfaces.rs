//! Interfaces of the embedder's.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use ambit::{
    ComponentValue, Error, HostError, Interface, LimitKey, Outcome, RejectReason, Runtime, RuntimeBuilder, TrapKind, Units,
};
use serde::{Deserialize, Serialize};

const WIT: &str = "package acme:shop@1.0.0;
    interface prices {
        record item { name: string, pieces: u32 }
        variant refusal { unknown(string), closed }
        price: func(of: item, currency: option<string>) -> result<u64, refusal>;
        now: func() -> u64;
        forget: func(all: list<u8>);
        never: func();
    }";

/// Hands on what it is called with, and what it is given back.
const GUEST: &str = r#"(component
    (import "acme:shop/prices@1.0.0" (instance $prices
        (type $item' (record (field "name" string) (field "pieces" u32)))
        (export "item" (type $item (eq $item')))
        (type $refusal' (variant (case "unknown" string) (case "closed")))
        (export "refusal" (type $refusal (eq $refusal')))
        (export "price" (func (param "of" $item) (param "currency" (option string)) (result (result u64 (error $refusal)))))
        (export "now" (func (result u64)))
        (export "forget" (func (param "all" (list u8))))
        (export "never" (func))))
    (alias export $prices "item" (type $item))
    (alias export $prices "refusal" (type $refusal))
    (core module $libc
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
            (global.set $next (i32.add (local.get $at) (local.get 3)))
            (local.get $at)))
    (core instance $libc (instantiate $libc))
    (core func $price (canon lower (func $prices "price") (memory $libc "memory") (realloc (func $libc "realloc"))))
    (core func $now (canon lower (func $prices "now")))
    (core func $forget (canon lower (func $prices "forget") (memory $libc "memory")))
    (core func $never (canon lower (func $prices "never")))
    (core module $m
        (import "host" "price" (func $price (param i32 i32 i32 i32 i32 i32 i32)))
        (import "host" "now" (func $now (result i64)))
        (import "host" "forget" (func $forget (param i32 i32)))
        (import "host" "never" (func $never))
        (func (export "price") (param i32 i32 i32 i32 i32 i32) (result i32)
            (call $price (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (i32.const 512))
            (i32.const 512))
        (func (export "now") (result i64) (call $now))
        (func (export "forget") (param i32) (call $forget (i32.const 0) (local.get 0)))
        (func (export "never") (call $never)))
    (core instance $i (instantiate $m (with "host" (instance
        (export "price" (func $price)) (export "now" (func $now)) (export "forget" (func $forget)) (export "never" (func $never))))))
    (export $item2 "item" (type $item))
    (export $refusal2 "refusal" (type $refusal))
    (func (export "price") (param "of" $item2) (param "currency" (option string)) (result (result u64 (error $refusal2)))
        (canon lift (core func $i "price") (memory $libc "memory") (realloc (func $libc "realloc"))))
    (func (export "now") (result u64) (canon lift (core func $i "now")))
    (func (export "forget") (param "bytes" u32) (canon lift (core func $i "forget")))
    (func (export "never") (canon lift (core func $i "never"))))"#;

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    name: String,
    pieces: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Refusal {
    Unknown(String),
    Closed,
}

fn prices() -> Interface {
    Interface::from_wit(WIT)
        .expect("an interface")
        .func("price", async |(of, currency): (Item, Option<String>)| match (of.name.as_str(), currency.as_deref()) {
            ("tea", None | Some("EUR")) => Ok(Ok(450 * u64::from(of.pieces))),
            ("tea", Some(_)) => Ok(Err(Refusal::Closed)),
            ("fire", _) => Err(HostError::new("it burns")),
            (name, _) => Ok(Err(Refusal::Unknown(name.to_owned()))),
        })
        .func("now", async |()| {
            // Not on this thread, and not at once.
            let (tell, told) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || tell.send(7u64));
            told.await.map_err(HostError::new)
        })
        .func("forget", async |(_all,): (Vec<u8>,)| Ok(()))
        .values_func("never", |_args| pending())
}

fn builder() -> RuntimeBuilder {
    Runtime::builder().cores(1).pool(8).interface("prices", prices()).timeout(5.secs())
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("text")
}

#[test]
fn a_component_calls_what_it_is_granted() {
    let runtime = builder().grant("functions", "prices").build().expect("a runtime");
    let module = runtime.load_blocking(wat(GUEST)).expect("admitted");
    let price = |name: &str, currency: Option<&str>| {
        let item = Item { name: name.into(), pieces: 3 };
        module.call_json_blocking::<_, Result<u64, Refusal>>("price", &(item, currency))
    };
    assert_eq!(price("tea", None).expect("it returns"), Ok(1350));
    assert_eq!(price("tea", Some("USD")).expect("it returns"), Err(Refusal::Closed));
    assert_eq!(price("Ζωή", Some("EUR")).expect("it returns"), Err(Refusal::Unknown("Ζωή".into())));
    let error = price("fire", None).expect_err("the host fails");
    let Some(Outcome::Trapped { trap: TrapKind::Host, message, .. }) = error.outcome() else { panic!("{error}") };
    assert!(message.contains("it burns"), "{message}");
    assert_eq!(module.call_wave_blocking("now()").expect("it returns").as_deref(), Some("7"));
}

#[test]
fn what_waits_in_the_host_ends_at_its_deadline() {
    let runtime = builder().grant("functions", "prices").timeout(50.millis()).build().expect("a runtime");
    let module = runtime.load_blocking(wat(GUEST)).expect("admitted");
    let began = Instant::now();
    let error = module.call_wave_blocking("never()").expect_err("it never returns");
    assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::WallTime, .. })), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_the_host_is_given_is_charged() {
    let runtime = builder().grant("functions", "prices").limit("host-buffers", "64KiB").build().expect("a runtime");
    let module = runtime.load_blocking(wat(GUEST)).expect("admitted");
    assert_eq!(module.call_wave_blocking("forget(1000)").expect("it returns"), None);
    let error = module.call_wave_blocking("forget(60000)").expect_err("too much");
    assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::HostBuffers, .. })), "{error}");
}

#[test]
fn flags_are_charged_as_what_they_take() {
    // All set: 4 bytes each in the guest, and 32 names each in the host.
    let names: Vec<String> =
        (0..32).map(|index| format!("{}", char::from(b'a' + index % 26)).repeat(1 + usize::from(index / 26))).collect();
    let wit = format!("package a:b; interface c {{ flags f {{ {} }} mark: func(all: list<f>); }}", names.join(", "));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let interface = Interface::from_wit(&wit).expect("an interface").func("mark", move |(all,): (Vec<Vec<String>>,)| {
        counted.fetch_add(all.len(), Relaxed);
        async { Ok(()) }
    });
    let text = format!(
        r#"(component
            (import "a:b/c" (instance $c (type $f' (flags "{}")) (export "f" (type $f (eq $f')))
                (export "mark" (func (param "all" (list $f))))))
            (core module $libc (memory (export "memory") 1))
            (core instance $libc (instantiate $libc))
            (core func $mark (canon lower (func $c "mark") (memory $libc "memory")))
            (core module $m
                (import "h" "mark" (func $mark (param i32 i32)))
                (import "h" "memory" (memory 1))
                (func (export "f") (param i32)
                    (memory.fill (i32.const 0) (i32.const 255) (i32.const 65536))
                    (call $mark (i32.const 0) (local.get 0))))
            (core instance $i (instantiate $m (with "h" (instance
                (export "mark" (func $mark)) (export "memory" (memory $libc "memory"))))))
            (func (export "f") (param "n" u32) (canon lift (core func $i "f"))))"#,
        names.join("\" \"")
    );
    let builder = Runtime::builder().cores(1).interface("c", interface).grant("functions", "c").limit("host-buffers", "64KiB");
    let module = builder.build().expect("a runtime").load_blocking(wat(&text)).expect("admitted");
    assert_eq!(module.call_wave_blocking("f(50)").expect("it returns"), None);
    // By the letters alone there would be room for seven times as many.
    let error = module.call_wave_blocking("f(100)").expect_err("too much");
    assert!(matches!(error.outcome(), Some(Outcome::LimitExceeded { limit: LimitKey::HostBuffers, .. })), "{error}");
    assert_eq!(calls.load(Relaxed), 50);
}

#[test]
fn what_is_not_granted_is_not_there() {
    let runtime = builder().build().expect("a runtime");
    let error = runtime.load_blocking(wat(GUEST)).expect_err("not granted");
    assert_eq!(error.rejection().map(|rejection| rejection.reason), Some(RejectReason::ImportDenied));
    assert!(error.to_string().contains("it needs the grant `prices`"), "{error}");
    // Admitted under one policy, and run under another.
    let granted = runtime.policy().adjust().grant("functions", "prices").build().expect("a policy");
    let module = runtime.load_with_blocking(wat(GUEST), &granted).expect("admitted");
    assert!(module.with_policy_blocking(runtime.policy()).is_err());
    let error = builder().grant("functions", "pricse").build().expect_err("no such grant");
    assert!(error.to_string().contains("did you mean `prices`?"), "{error}");
}

#[test]
fn another_type_than_the_interface_has_is_refused() {
    let runtime = builder().grant("functions", "prices").build().expect("a runtime");
    let text = r#"(component (import "acme:shop/prices@1.0.0" (instance (export "now" (func (result s64))))))"#;
    let error = runtime.load_blocking(wat(text)).expect_err("of another type");
    assert!(error.to_string().contains("its type is func() -> s64 there, but the function is func() -> u64"), "{error}");
}

#[test]
fn an_interface_is_given_whole_and_as_declared() {
    let build = |interface: Interface| Runtime::builder().cores(1).interface("prices", interface).build();
    let message = |result: Result<Runtime, Error>| result.expect_err("refused").to_string();
    let one = || Interface::from_wit("package a:b; interface c { f: func() -> u8; }").expect("an interface");
    assert!(message(build(one())).contains("the function `f` of the interface `a:b/c` is declared and not given"));
    let more = one().func("f", async |()| Ok(1)).func("g", async |()| Ok(1));
    assert!(message(build(more)).contains("declares no function `g`"));
    let wasi = Interface::from_wit("package wasi:clocks@0.2.0; interface c { f: func(); }").expect("an interface");
    assert!(message(build(wasi.func("f", async |()| Ok(())))).contains("function of this host's own"));
    let refused = |text: &str| Interface::from_wit(text).expect_err("refused").to_string();
    assert!(
        refused("package a:b; interface c { resource r; f: func() -> r; }").contains("`f` cannot be provided: it has a resource")
    );
    assert!(refused("package a:b; interface c { f: func() -> stream<u8>; }").contains("it has a stream"));
    assert!(refused("package a:b; interface c {} interface d {}").contains("exactly one interface"));
    assert!(refused("interface").contains("cannot provide the interface"));
}

#[test]
fn a_host_that_returns_another_type_loses_the_run() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let interface = Interface::from_wit("package a:b; interface c { f: func() -> u8; }").expect("an interface");
    let interface = interface.values_func("f", move |_args| {
        counted.fetch_add(1, Relaxed);
        async { Ok(Some(ComponentValue::String("no number".into()))) }
    });
    let runtime = Runtime::builder().cores(1).interface("c", interface).grant("functions", "c").build().expect("a runtime");
    let text = r#"(component
        (import "a:b/c" (instance $c (export "f" (func (result u8)))))
        (core func $f (canon lower (func $c "f")))
        (core module $m (import "h" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f)))
        (core instance $i (instantiate $m (with "h" (instance (export "f" (func $f))))))
        (func (export "f") (result u8) (canon lift (core func $i "f"))))"#;
    let module = runtime.load_blocking(wat(text)).expect("admitted");
    let error = module.call_wave_blocking("f()").expect_err("another type");
    let Some(Outcome::Lost { reason }) = error.outcome() else { panic!("{error}") };
    assert!(reason.contains("expected u8, found"), "{reason}");
    assert_eq!(calls.load(Relaxed), 1);
}
