//! Values and bytes in and out, by the memory convention: guests that keep it and guests that do not.

use std::collections::BTreeMap;

use ambit::{Error, InstanceState, LimitKey, Module, Outcome, RejectReason, TrapKind, Units};
use serde::{Deserialize, Serialize};

use crate::{builder, exceeded, load, load_in, rejected, runtime, trapped, wait};

/// Replies with its input, and badly in every way.
const ECHO: &str = r#"(module
    (memory (export "memory") 1 2000)
    (global $next (mut i32) (i32.const 1024))
    (global $live (export "live") (mut i32) (i32.const 0))
    (func $alloc (export "alloc") (param $len i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $next))
        (global.set $next (i32.add (global.get $next) (local.get $len)))
        (block (br_if 0 (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
            (if (i32.eq (memory.grow (i32.add (i32.div_u (local.get $len) (i32.const 65536)) (i32.const 1))) (i32.const -1))
                (then (return (i32.const 0)))))
        (global.set $live (i32.add (global.get $live) (i32.const 1)))
        (local.get $at))
    (func (export "free") (param i32 i32) (global.set $live (i32.sub (global.get $live) (i32.const 1))))
    (func (export "echo") (param $at i32) (param $len i32) (result i64)
        (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))
    (func (export "says") (param $at i32) (param i32) (result i64) (i64.load (local.get $at)))
    (func (export "traps") (param i32 i32) (result i64) unreachable)
    (func (export "spin") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0)))"#;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    name: String,
    parts: Vec<(u32, f64)>,
    more: Option<Box<Order>>,
    map: BTreeMap<String, i64>,
}

fn order() -> Order {
    let inner = Order { name: String::new(), parts: Vec::new(), more: None, map: BTreeMap::new() };
    let map = [("a".to_owned(), i64::MIN), ("\u{202e}".to_owned(), 7)].into();
    Order { name: "über".into(), parts: vec![(1, 0.5), (u32::MAX, -1e300)], more: Some(Box::new(inner)), map }
}

#[test]
fn values_come_back_in_every_format() {
    let module = load(ECHO);
    let order = order();
    wait(async {
        assert_eq!(module.call_json::<_, Order>("echo", &order).await.expect("a reply"), order);
        assert_eq!(module.call_msgpack::<_, Order>("echo", &order).await.expect("a reply"), order);
        assert_eq!(module.call_postcard::<_, Order>("echo", &order).await.expect("a reply"), order);
        assert_eq!(module.call_bytes("echo", b"\0\xff").await.expect("a reply"), b"\0\xff");
        let value: serde_json::Value = module.call_json("echo", &order).await.expect("a reply");
        assert_eq!(value["name"], "über");
        let mut kept = module.instantiate().await.expect("made");
        assert_eq!(kept.call_json::<_, Order>("echo", &order).await.expect("a reply"), order);
        assert_eq!(kept.call_msgpack::<_, Order>("echo", &order).await.expect("a reply"), order);
        assert_eq!(kept.call_postcard::<_, Order>("echo", &order).await.expect("a reply"), order);
        assert_eq!(kept.call_bytes("echo", "").await.expect("a reply"), b"");
        assert_eq!(kept.global_get("live").expect("exported"), 0.into(), "every reply was given back");
    });
    assert_eq!(module.call_json_blocking::<_, Order>("echo", &order).expect("a reply"), order);
    assert_eq!(module.call_msgpack_blocking::<_, Order>("echo", &order).expect("a reply"), order);
    assert_eq!(module.call_postcard_blocking::<_, Order>("echo", &order).expect("a reply"), order);
    assert_eq!(module.call_bytes_blocking("echo", "x").expect("a reply"), b"x");
    let mut kept = module.instantiate_blocking().expect("made");
    assert_eq!(kept.call_json_blocking::<_, Order>("echo", &order).expect("a reply"), order);
    assert_eq!(kept.call_msgpack_blocking::<_, Order>("echo", &order).expect("a reply"), order);
    assert_eq!(kept.call_postcard_blocking::<_, Order>("echo", &order).expect("a reply"), order);
    assert_eq!(kept.call_bytes_blocking("echo", "x").expect("a reply"), b"x");
}

#[test]
fn a_megabyte_and_a_memory_that_grows_meanwhile() {
    let module = load(ECHO);
    let bytes: Vec<u8> = (0..=255).cycle().take(5 << 20).collect();
    assert!(module.call_bytes_blocking("echo", bytes.clone()).expect("a reply") == bytes);
}

#[test]
fn a_reply_that_is_not_what_it_was_to_be_says_so() {
    let module = load(ECHO);
    let error = module.call_json_blocking::<_, Vec<u32>>("echo", "text").expect_err("text is no list");
    assert_eq!(error.to_string(), "cannot read the 6 bytes that `echo` replied as JSON");
    assert!(std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("expected a sequence")));
    let error = wait(module.call_postcard::<_, String>("echo", &u64::MAX)).expect_err("a number is no text");
    assert!(matches!(error, Error::Decode { format: "postcard", .. }), "{error}");
    // It ran and replied, so its instance can be called again.
    let mut kept = module.instantiate_blocking().expect("made");
    kept.call_json_blocking::<_, Vec<u32>>("echo", "text").expect_err("text is no list");
    assert_eq!(kept.state(), InstanceState::Ready);
    let error = module.call_json_blocking::<_, ()>("echo", &BTreeMap::from([((1, 2), 3)])).expect_err("no keys for JSON");
    assert!(matches!(error, Error::Encode { format: "JSON", .. }), "{error}");
}

/// The reply is what the first eight bytes of the input say.
fn says(module: &Module, address: u64, len: u64) -> Result<Vec<u8>, Error> {
    module.call_bytes_blocking("says", (address << 32 | len).to_le_bytes())
}

#[test]
fn a_reply_out_of_bounds_is_a_trap_and_no_read() {
    let module = load(ECHO);
    assert_eq!(says(&module, 65_536, 0).expect("nothing lies there").len(), 0);
    let max = u64::from(u32::MAX);
    for (address, len) in [(65_536, 1), (65_530, 7), (0, 65_537), (max, 1), (max, max), (max, 0), (1 << 31, 1)] {
        let words = trapped(says(&module, address, len));
        assert!(words.starts_with("`says` trapped: exchange: `says` gave a reply of "), "{words}");
    }
    let error = says(&module, 0, 65_537).expect_err("too long");
    assert!(matches!(error.outcome(), Some(Outcome::Trapped { trap: TrapKind::Exchange, .. })));
    let mut kept = module.instantiate_blocking().expect("made");
    trapped(kept.call_bytes_blocking("says", (max << 32 | max).to_le_bytes()));
    assert_eq!(kept.state(), InstanceState::Over, "who lies is not asked again");
    assert!(matches!(kept.call_bytes_blocking("echo", "x"), Err(Error::Over)));
    kept.reset_blocking().expect("made anew");
    assert_eq!(kept.call_bytes_blocking("echo", "x").expect("a reply"), b"x");
}

#[test]
fn a_reply_is_no_longer_than_the_limit() {
    let runtime = builder().limit("host-buffers", "64KiB").build().expect("a runtime");
    let module = load_in(&runtime, ECHO);
    assert_eq!(module.call_bytes_blocking("echo", vec![0; 65_536]).expect("as much as allowed").len(), 65_536);
    let words = trapped(module.call_bytes_blocking("echo", vec![0; 65_537]));
    assert!(words.contains("and it may have 65536") && words.contains("`host-buffers`"), "{words}");
}

#[test]
fn room_that_is_none_is_a_trap_and_no_write() {
    let alloc = |body: &str| {
        load(&format!(
            r#"(module (memory (export "memory") 1)
                (func (export "alloc") (param i32) (result i32) {body})
                (func (export "f") (param i32 i32) (result i64) (i64.const 0)))"#
        ))
    };
    let check = |body: &str, words: &str| {
        let found = trapped(alloc(body).call_bytes_blocking("f", "12345678"));
        assert!(found.contains(words), "{found}");
    };
    check("(i32.const 0)", "`alloc(8)` gave 0: the guest has no room for its input");
    check("(i32.const 65529)", "`alloc(8)` gave 0xfff9, but the guest's memory ends at 0x10000");
    check("(i32.const -1)", "`alloc(8)` gave 0xffffffff");
    check("(i32.const -8)", "`alloc(8)` gave 0xfffffff8");
    check("unreachable", "unreachable");
    assert_eq!(alloc("(i32.const 65528)").call_bytes_blocking("f", "12345678").expect("just inside"), b"");
}

#[test]
fn limits_hold_as_in_any_call() {
    let runtime = builder().memory(1.mib()).timeout(50.millis()).build().expect("a runtime");
    let module = load_in(&runtime, ECHO);
    assert_eq!(exceeded(module.call_bytes_blocking("echo", vec![0; 2 << 20])), LimitKey::Memory);
    assert_eq!(exceeded(module.call_bytes_blocking("spin", "")), LimitKey::WallTime);
    assert!(trapped(module.call_json_blocking::<_, ()>("traps", &1)).starts_with("`traps` trapped: unreachable"));
}

#[test]
fn a_module_that_does_not_keep_the_convention_is_refused_before_it_runs() {
    let runtime = runtime();
    let check = |text: &str, reason, words: &str| {
        let module = load_in(&runtime, text);
        let message = rejected(module.call_bytes_blocking("f", "x"), reason);
        assert!(message.contains(words), "{message}");
    };
    const F: &str = r#"(func (export "f") (param i32 i32) (result i64) (i64.const 0))"#;
    const ALLOC: &str = r#"(func (export "alloc") (param i32) (result i32) (i32.const 0))"#;
    const MEMORY: &str = r#"(memory (export "memory") 1)"#;
    use RejectReason::{NotFound, Signature};
    check(&format!("(module {ALLOC} {MEMORY})"), NotFound, "exports no function `f`");
    check(&format!("(module {F} {ALLOC})"), Signature, "exports none as `memory`");
    check(&format!("(module {F} {MEMORY})"), Signature, "needs `alloc: (i32) -> i32`");
    let f = r#"(func (export "f") (param i64) (result i64) (i64.const 0))"#;
    check(&format!("(module {f} {ALLOC} {MEMORY})"), Signature, "needs `f` to be (i32, i32) -> i64");
    let alloc = r#"(func (export "alloc") (param i32) (result i64) (i64.const 0))"#;
    check(&format!("(module {F} {alloc} {MEMORY})"), Signature, "needs `alloc` to be (i32) -> i32");
    let free = r#"(func (export "free") (param i32))"#;
    check(&format!("(module {F} {ALLOC} {MEMORY} {free})"), Signature, "needs `free` to be (i32, i32) -> ()");
    assert_eq!(runtime.stats().ended.values().sum::<u64>(), 0, "nothing ran");
}
