//! Instances that are kept between calls.

use std::{sync::Arc, task::Poll};

use ambit_core::{LimitKey, OnMemoryRefusal, Outcome, RejectReason, ResultValue, TrapKind};
use ambit_engine::{
    AccessError, Call, Ended,
    host::{Capture, HostSpec},
    wasmtime::{PoolConfig, WasmtimeEngine},
};

use crate::drive::{Driven, Rig, on_each_engine, policy};

const COUNTER: &str = r#"(module
    (global $n (mut i32) (i32.const 0))
    (global (export "starts") (mut i32) (i32.const 0))
    (func $start (global.set 1 (i32.add (global.get 1) (i32.const 1))))
    (start $start)
    (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 100))))
    (func (export "add") (param i32) (result i32)
        (global.set $n (i32.add (global.get $n) (local.get 0)))
        (global.get $n)))"#;

fn i32s(values: &[i32]) -> Vec<ResultValue> {
    values.iter().map(|&value| ResultValue::I32(value)).collect()
}

on_each_engine! {
    fn state_lasts_and_initialization_happens_once(engine) {
        let rig = Rig::on(engine, COUNTER, &[]);
        let mut guest = rig.keep(HostSpec::default());
        assert!(!guest.is_kept(), "it has not run");
        assert_eq!(guest.end(), Ended::Returned(Vec::new()));
        assert!(guest.meter.usage().instantiate_ns > Some(0));
        for (add, expect) in [(1, 101), (2, 103), (-3, 100)] {
            assert_eq!(guest.call(rig.call("add", &i32s(&[add]))), Ended::Returned(i32s(&[expect])));
        }
        assert_eq!(guest.instance().global_get("starts"), Ok(ResultValue::I32(1)));
        assert_eq!(guest.call(rig.call("_initialize", &[])), Ended::Returned(Vec::new()), "it can be asked for");
        assert_eq!(guest.call(rig.call("add", &i32s(&[0]))), Ended::Returned(i32s(&[200])));
        let mut other = rig.kept();
        assert_eq!(other.call(rig.call("add", &i32s(&[0]))), Ended::Returned(i32s(&[100])), "each has its own");
    }
}

on_each_engine! {
    fn the_call_readied_last_runs(engine) {
        let rig = Rig::on(engine, COUNTER, &[]);
        let mut guest = rig.kept();
        guest.instance().call(rig.call("add", &i32s(&[1000])));
        guest.instance().call(rig.call("add", &i32s(&[1])));
        assert_eq!(guest.end(), Ended::Returned(i32s(&[101])));
        let ended = guest.end();
        assert!(matches!(&ended, Ended::Failed(reason) if reason.contains("without a call")), "{ended:?}");
        assert!(guest.is_kept());
    }
}

const WAYS: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "fine"))
    (func (export "trap") unreachable)
    (func (export "exit") (param i32) (call $exit (local.get 0)))
    (func $deep (export "deep") (call $deep))
    (func (export "loop") (loop (br 0))))"#;

/// Never entered again, whoever asks.
fn assert_over(mut guest: Driven) {
    assert!(!guest.is_kept());
    let ended = guest.end();
    assert!(matches!(&ended, Ended::Failed(reason) if reason.contains("after its end")), "{ended:?}");
    assert!(!guest.is_kept());
}

on_each_engine! {
    fn an_instance_that_failed_is_never_entered_again(engine) {
        let rig = Rig::on(engine, WAYS, &[("fuel", "1M")]);
        let check = |name: &str, args: &[ResultValue], expect: &dyn Fn(&Outcome) -> bool| {
            let mut guest = rig.kept();
            assert_eq!(guest.call(rig.call("fine", &[])), Ended::Returned(Vec::new()));
            let (outcome, _) = guest.call(rig.call(name, args)).outcome(&guest.meter);
            assert!(expect(&outcome), "{name}: {outcome:?}");
            assert_over(guest);
        };
        check("trap", &[], &|outcome| matches!(outcome, Outcome::Trapped { trap: TrapKind::Unreachable, .. }));
        check("exit", &i32s(&[0]), &|outcome| *outcome == Outcome::Exited { code: 0 });
        check("exit", &i32s(&[3]), &|outcome| *outcome == Outcome::Exited { code: 3 });
        check("deep", &[], &|outcome| matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Stack, .. }));
        check("loop", &[], &|outcome| matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Fuel, .. }));
    }
}

on_each_engine! {
    fn an_instance_that_did_not_come_to_be_is_not_kept(engine) {
        let check = |text: &str| {
            let rig = Rig::on(engine, text, &[]);
            let mut guest = rig.keep(HostSpec::default());
            assert!(matches!(guest.end(), Ended::Trapped { .. }));
            assert_over(guest);
        };
        check("(module (func $start unreachable) (start $start))");
        check(r#"(module (func (export "_initialize") unreachable))"#);
    }
}

#[test]
fn a_call_in_flight_is_dropped_with_its_instance() {
    // A pool with room for one.
    let rig = Rig::pooled(WAYS, &[], 1);
    for _ in 0..20 {
        let mut guest = rig.kept();
        guest.instance().call(rig.call("loop", &[]));
        for _ in 0..3 {
            assert_eq!(guest.slice(), Poll::Pending);
            assert!(!guest.is_kept(), "a call is under way");
        }
    }
}

on_each_engine! {
    fn fuel_is_of_a_call_and_counted_over_all(engine) {
        let text = r#"(module (func (export "spin") (param i32)
            (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0)))))"#;
        let rig = Rig::on(engine, text, &[("fuel", "10000")]);
        let mut guest = rig.kept();
        let mut before = 0;
        for _ in 0..5 {
            assert_eq!(guest.call(rig.call("spin", &i32s(&[1000]))), Ended::Returned(Vec::new()));
            let used = guest.meter.fuel() - before;
            assert!((5000..10_000).contains(&used), "{used}");
            before = guest.meter.fuel();
        }
        assert!(guest.meter.usage().fuel > Some(25_000));
        let (outcome, _) = guest.call(rig.call("spin", &i32s(&[10_000]))).outcome(&guest.meter);
        assert_eq!(outcome, Outcome::LimitExceeded { limit: LimitKey::Fuel, allowed: 10_000, used: Some(10_000) });
        assert_eq!(guest.meter.fuel(), before + 10_000);
    }
}

const GROWER: &str = r#"(module
    (memory (export "memory") 1)
    (memory (export "small") 1 2)
    (func (export "grow") (param i32) (result i32) (memory.grow 0 (local.get 0)))
    (func (export "trap") unreachable))"#;

on_each_engine! {
    fn memory_is_one_budget_for_the_life_of_the_instance(engine) {
        let rig = Rig::on(engine, GROWER, &[("memory", "1MiB")]);
        let mut guest = rig.kept();
        assert_eq!(guest.meter.memory_now(), 2 << 16);
        assert_eq!(guest.call(rig.call("grow", &i32s(&[4]))), Ended::Returned(i32s(&[1])));
        assert_eq!(guest.instance().memory_grow("memory", 5), Ok(5 << 16));
        assert_eq!(guest.instance().memory_size("memory"), Ok(10 << 16));
        assert_eq!(guest.meter.memory_now(), 11 << 16);
        // 6 pages are too many, for the host as for the guest.
        let refused = guest.instance().memory_grow("memory", 6).expect_err("5 are left");
        let AccessError::Limit(excess) = refused else { panic!("{refused}") };
        assert_eq!((excess.limit, excess.allowed, excess.used), (LimitKey::Memory, 1 << 20, 17 << 16));
        assert_eq!(guest.call(rig.call("grow", &i32s(&[6]))), Ended::Returned(i32s(&[-1])));
        assert_eq!(guest.call(rig.call("grow", &i32s(&[5]))), Ended::Returned(i32s(&[10])));
        assert_eq!(guest.meter.memory_now(), 1 << 20);
        assert_eq!(guest.instance().memory_grow("memory", 0), Ok(15 << 16));
    }
}

on_each_engine! {
    fn a_memorys_own_maximum_is_no_limit_of_ours(engine) {
        let rig = Rig::on(engine, GROWER, &[]);
        let mut guest = rig.kept();
        assert_eq!(guest.instance().memory_grow("small", 1), Ok(1 << 16));
        for pages in [1, 1 << 16, 1 << 48, u64::MAX] {
            assert_eq!(guest.instance().memory_grow("small", pages), Err(AccessError::Maximum { pages }));
        }
        assert_eq!(guest.meter.refused(), None);
        assert_eq!(guest.meter.memory_now(), 3 << 16);
    }
}

on_each_engine! {
    fn a_refused_growth_explains_the_failure_of_its_own_call_only(engine) {
        let rig = Rig::on(engine, GROWER, &[("memory", "1MiB")]);
        let mut guest = rig.kept();
        assert_eq!(guest.call(rig.call("grow", &i32s(&[100]))), Ended::Returned(i32s(&[-1])));
        let (outcome, _) = guest.call(rig.call("trap", &[])).outcome(&guest.meter);
        assert!(matches!(outcome, Outcome::Trapped { .. }), "{outcome:?}");
    }
}

on_each_engine! {
    fn a_refused_growth_ends_the_guest_where_the_policy_says_so(engine) {
        let rig = Rig::on(engine, GROWER, &[("memory", "1MiB")]);
        let mut guest = rig.keep_or(HostSpec::default(), OnMemoryRefusal::End);
        assert_eq!(guest.end(), Ended::Returned(Vec::new()));
        assert!(matches!(guest.instance().memory_grow("memory", 100), Err(AccessError::Limit(_))));
        assert!(!guest.is_kept());
    }
}

on_each_engine! {
    fn quotas_are_of_the_instances_life(engine) {
        let text = r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\10\00\00\00\04\00\00\00") (data (i32.const 16) "four")
            (func (export "four") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))"#;
        let rig = Rig::on(engine, text, &[("output", "10")]);
        let stdout = Capture::default();
        let mut guest = rig.keep(HostSpec { stdout: Box::new(stdout.clone()), ..HostSpec::default() });
        assert_eq!(guest.end(), Ended::Returned(Vec::new()));
        for _ in 0..3 {
            // The third time two bytes of four are written, which is no error yet.
            assert_eq!(guest.call(rig.call("four", &[])), Ended::Returned(i32s(&[0])));
        }
        let (outcome, _) = guest.call(rig.call("four", &[])).outcome(&guest.meter);
        assert!(matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Output, allowed: 10, .. }), "{outcome:?}");
        assert_eq!(stdout.take(), b"fourfourfo");
        assert_eq!(guest.meter.usage().host_calls, Some(4));
        assert_over(guest);
    }
}

#[test]
fn who_finds_the_pool_full_is_made_beside_it_and_charged_once() {
    // Slots for two guests and four memories: the second instance finds a memory or two, and then no more.
    let text = r#"(module (memory (export "a") 1) (memory 1) (memory 1) (func (export "size") (result i32) (memory.size)))"#;
    let rig = Rig::load(Arc::new(WasmtimeEngine::new(PoolConfig { guests: 2 })), text.as_bytes(), policy(&[("memory", "256KiB")]));
    let mut guests: Vec<Driven> = (0..5).map(|_| rig.kept()).collect();
    for guest in &mut guests {
        assert_eq!(guest.meter.memory_now(), 3 << 16);
        assert_eq!(guest.instance().memory_grow("a", 1), Ok(1 << 16), "the fourth page is allowed");
        assert_eq!(guest.call(rig.call("size", &[])), Ended::Returned(i32s(&[2])));
    }
}

#[test]
fn a_kept_instance_has_the_stack_it_needs() {
    // There are slots for two instances, and stacks for one guest.
    let rig = Rig::pooled(r#"(module (func (export "f")))"#, &[], 1);
    let mut guests: Vec<Driven> = (0..4).map(|_| rig.kept()).collect();
    for guest in guests.iter_mut().rev() {
        assert_eq!(guest.call(rig.call("f", &[])), Ended::Returned(Vec::new()));
    }
}

#[test]
fn instances_of_components_are_not_kept() {
    let component = include_bytes!("../../../../guests/bin/hello-p2.wasm");
    let rig = Rig::load(Arc::new(WasmtimeEngine::new(PoolConfig { guests: 0 })), component, policy(&[]));
    let mut guest = rig.keep(HostSpec::default());
    let ended = guest.end();
    assert!(matches!(&ended, Ended::Refused(rejection) if rejection.reason == RejectReason::Unenforceable), "{ended:?}");
    assert_over(guest);
    assert!(Call::values(&rig.module, "run", Vec::new()).is_err());
}
