//! Bytes in, bytes out, through the memory convention.

use ambit_admit::AdmitRules;
use ambit_core::{Feature, LimitKey, Outcome, RejectReason, ResultValue, TrapKind};
use ambit_engine::{Answer, Call, Ended, Exchange, host::HostSpec};

use crate::drive::{Driven, Rig, on_each_engine, policy};

/// A bump allocator that counts what is not freed, and functions that reply well and badly.
const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (global $live (export "live") (mut i32) (i32.const 0))
    (global $calls (export "calls") (mut i32) (i32.const 0))
    (func $alloc (export "alloc") (param $len i32) (result i32)
        (local $at i32)
        (global.set $live (i32.add (global.get $live) (local.get $len)))
        (local.set $at (global.get $next))
        (global.set $next (i32.add (global.get $next) (local.get $len)))
        (block (br_if 0 (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
            (if (i32.eq (memory.grow (i32.add (i32.div_u (local.get $len) (i32.const 65536)) (i32.const 1))) (i32.const -1))
                (then (return (i32.const 0)))))
        (local.get $at))
    (func $free (export "free") (param $at i32) (param $len i32)
        (global.set $live (i32.sub (global.get $live) (local.get $len))))
    (func $packed (param $at i32) (param $len i32) (result i64)
        (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))
    ;; The input, backwards, in fresh memory.
    (func (export "reverse") (param $at i32) (param $len i32) (result i64)
        (local $to i32) (local $i i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (local.set $to (call $alloc (local.get $len)))
        (block (loop
            (br_if 1 (i32.eq (local.get $i) (local.get $len)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (i32.store8
                (i32.sub (i32.add (local.get $to) (local.get $len)) (local.get $i))
                (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $i)) (i32.const 1))))
            (br 0)))
        (call $free (local.get $at) (local.get $len))
        (call $packed (local.get $to) (local.get $len)))
    ;; Whatever the input's first eight bytes say.
    (func (export "says") (param $at i32) (param i32) (result i64) (i64.load (local.get $at)))
    (func (export "traps") (param i32 i32) (result i64) unreachable)
    (func (export "loops") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0))
    (func (export "wrong") (param i32) (result i64) (i64.const 0)))"#;

fn reply(ended: Ended) -> Vec<u8> {
    match ended {
        Ended::Replied(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

fn trap(ended: &Ended) -> &str {
    match ended {
        Ended::Trapped { trap: TrapKind::Exchange, message, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn exchange(rig: &Rig, name: &str, input: &[u8], most: u64) -> Call {
    Call::exchange(&rig.module, name, input.to_vec(), most).expect("keeps the convention")
}

fn live(guest: &mut Driven) -> i32 {
    match guest.instance().global_get("live") {
        Ok(ResultValue::I32(live)) => live,
        other => panic!("{other:?}"),
    }
}

on_each_engine! {
    fn bytes_go_in_and_come_out(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        for input in [&b""[..], b"x", b"{\"a\":1}", &[0xff; 3000]] {
            let (outcome, answer) = rig.guest(HostSpec::default(), exchange(&rig, "reverse", input, 3000)).outcome();
            assert_eq!(outcome, Outcome::Exited { code: 0 });
            assert_eq!(answer, Answer::Bytes(input.iter().rev().copied().collect()));
        }
    }
}

on_each_engine! {
    fn a_kept_instance_exchanges_again_and_again_and_leaks_nothing(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        let reverse = Exchange::find(&rig.module, "reverse").expect("keeps the convention");
        let mut guest = rig.kept();
        for round in 0..50 {
            let input = vec![round; 1000];
            let call = reverse.call(input.clone(), 1000).expect("short");
            assert_eq!(reply(guest.call(call)), input);
            assert_eq!(live(&mut guest), 0, "input and reply were freed");
        }
        assert_eq!(guest.instance().global_get("calls"), Ok(ResultValue::I32(50)));
    }
}

on_each_engine! {
    fn the_memory_may_grow_meanwhile(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        let input: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        let ended = rig.guest(HostSpec::default(), exchange(&rig, "reverse", &input, 1 << 20)).end();
        assert!(reply(ended).iter().rev().eq(&input));
    }
}

on_each_engine! {
    fn without_free_nothing_is_freed(engine) {
        let rig = Rig::on(engine, &MODULE.replace("(export \"free\")", ""), &[]);
        let mut guest = rig.kept();
        assert_eq!(reply(guest.call(exchange(&rig, "reverse", b"abc", 3))), b"cba");
        assert_eq!(live(&mut guest), 3, "the reply");
    }
}

on_each_engine! {
    fn a_reply_must_lie_in_memory_and_be_short_enough(engine) {
        let rig = Rig::on(engine, MODULE, &[]);
        let says = |address: u64, len: u64, most: u64| {
            let mut guest = rig.kept();
            let ended = guest.call(exchange(&rig, "says", &(address << 32 | len).to_le_bytes(), most));
            assert_eq!(guest.is_kept(), matches!(ended, Ended::Replied(_)), "who breaks the convention is not called again");
            ended
        };
        assert_eq!(reply(says(65_535, 1, 100)), [0]);
        assert_eq!(reply(says(65_536, 0, 0)), b"");
        let outside = says(65_536, 1, 100);
        assert_eq!(trap(&outside), "`says` gave a reply of 1 bytes at 0x10000, but the guest's memory ends at 0x10000");
        for (address, len) in [(65_530, 7), (0, 65_537), (u64::from(u32::MAX), u64::from(u32::MAX)), (65_537, 0)] {
            assert!(trap(&says(address, len, u64::MAX)).contains("but the guest's memory ends at 0x10000"));
        }
        assert_eq!(trap(&says(0, 101, 100)), "`says` gave a reply of 101 bytes at 0x0, and it may have 100");
        assert!(trap(&says(0, u64::from(u32::MAX), 100)).contains("may have 100"));
    }
}

on_each_engine! {
    fn the_room_for_the_input_must_lie_in_memory(engine) {
        let check = |alloc: &str, expect: &str| {
            let text = format!(
                r#"(module (memory (export "memory") 1)
                    (func (export "alloc") (param i32) (result i32) (i32.const {alloc}))
                    (func (export "f") (param i32 i32) (result i64) unreachable))"#
            );
            let rig = Rig::on(engine, &text, &[]);
            let ended = rig.guest(HostSpec::default(), exchange(&rig, "f", b"12345678", 100)).end();
            assert_eq!(trap(&ended), expect);
        };
        check("0", "`alloc(8)` gave 0: the guest has no room for its input");
        check("65529", "`alloc(8)` gave 0xfff9, but the guest's memory ends at 0x10000");
        check("-1", "`alloc(8)` gave 0xffffffff, but the guest's memory ends at 0x10000");
        check("-8", "`alloc(8)` gave 0xfffffff8, but the guest's memory ends at 0x10000");
    }
}

on_each_engine! {
    fn limits_hold_as_in_any_call(engine) {
        let rig = Rig::on(engine, MODULE, &[("memory", "128KiB"), ("fuel", "1M")]);
        // The guest is refused the growth, says so, and the limit is what explains it.
        let (outcome, answer) = rig.guest(HostSpec::default(), exchange(&rig, "reverse", &[0; 200_000], 1 << 20)).outcome();
        assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Memory, allowed: 131_072, .. }), "{outcome:?}");
        assert_eq!(answer, Answer::default());
        let (outcome, _) = rig.guest(HostSpec::default(), exchange(&rig, "loops", b"", 0)).outcome();
        assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Fuel, .. }), "{outcome:?}");
        let (outcome, _) = rig.guest(HostSpec::default(), exchange(&rig, "traps", b"", 0)).outcome();
        assert!(matches!(outcome, Outcome::Trapped { trap: TrapKind::Unreachable, .. }), "{outcome:?}");
    }
}

#[test]
fn a_module_that_does_not_keep_the_convention_is_refused() {
    let mut policy = policy(&[]);
    policy.features = policy.features.with(Feature::Memory64);
    let check = |text: &str, reason: RejectReason, words: &str| {
        let bytes = wat::parse_str(text).expect("valid text");
        let module = ambit_admit::admit(bytes, &AdmitRules::from_policy(&policy)).expect("admitted");
        let rejection = Exchange::find(&module, "f").expect_err(words);
        assert_eq!(rejection.reason, reason);
        assert!(rejection.message.contains(words), "{}", rejection.message);
    };
    const F: &str = r#"(func (export "f") (param i32 i32) (result i64) (i64.const 0))"#;
    const ALLOC: &str = r#"(func (export "alloc") (param i32) (result i32) (i32.const 0))"#;
    const MEMORY: &str = r#"(memory (export "memory") 1)"#;
    use RejectReason::{NotFound, Signature};
    check(&format!("(module {ALLOC} {MEMORY})"), NotFound, "the module exports no function `f`; name a function");
    check(&format!("(module {F} {MEMORY})"), Signature, "needs `alloc: (i32) -> i32`");
    check(&format!("(module {F} {ALLOC})"), Signature, "exports none as `memory`");
    check(&format!(r#"(module {F} {ALLOC} (memory (export "memory") i64 1))"#), Signature, "64-bit addresses");
    check(&format!(r#"(module {F} {ALLOC} (global (export "memory") i32 (i32.const 0)))"#), Signature, "exports none as `memory`");
    let f = r#"(func (export "f") (param i32) (result i64) (i64.const 0))"#;
    check(
        &format!("(module {f} {ALLOC} {MEMORY})"),
        Signature,
        "needs `f` to be (i32, i32) -> i64, and in this module it is (i32) -> i64",
    );
    let alloc = r#"(func (export "alloc") (param i64) (result i32) (i32.const 0))"#;
    check(
        &format!("(module {F} {alloc} {MEMORY})"),
        Signature,
        "needs `alloc` to be (i32) -> i32, and in this module it is (i64) -> i32",
    );
    let free = r#"(func (export "free") (param i32))"#;
    check(&format!("(module {F} {ALLOC} {MEMORY} {free})"), Signature, "needs `free` to be (i32, i32) -> ()");
    let component = include_bytes!("../../../../guests/bin/hello-p2.wasm").to_vec();
    let component = ambit_admit::admit(component, &AdmitRules::from_policy(&policy)).expect("admitted");
    assert!(Exchange::find(&component, "f").is_err_and(|rejection| rejection.message.contains("components")));
}
