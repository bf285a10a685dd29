//! Where a guest trapped: names, and lines where debug information tells.

use std::sync::Arc;

use ambit_core::{Feature, Frame, Outcome, ResultValue, TrapKind};
use ambit_engine::{
    Engine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};

use crate::drive::{Rig, on_each_engine, policy};

const CRASH: &[u8] = include_bytes!("../../../../guests/bin/crash.wasm");
const SOURCE: &str = include_str!("../../../../guests/c/crash.c");

fn engine() -> Arc<dyn Engine> {
    Arc::new(WasmtimeEngine::new(PoolConfig { guests: 0 }))
}

fn trap(rig: &Rig, name: &str, args: &[ResultValue]) -> (TrapKind, Vec<Frame>) {
    match rig.run(name, args).0 {
        Outcome::Trapped { trap, frames, .. } => (trap, frames),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn lines_are_those_of_the_source() {
    let rig = Rig::load(engine(), CRASH, policy(&[]));
    let check = |name: &str, args: &[ResultValue], trap: TrapKind, expect: &[(&str, usize)]| {
        let (kind, frames) = self::trap(&rig, name, args);
        assert_eq!(kind, trap);
        let found: Vec<(&str, String)> = frames
            .iter()
            .map(|frame| {
                let source = frame.source.as_deref().expect("a line");
                let (at, column) = source.rsplit_once(':').expect("a column");
                assert!(column.parse::<u32>().is_ok_and(|column| column > 0), "{source}");
                assert!(frame.offset.is_some());
                (frame.function.as_str(), at.to_owned())
            })
            .collect();
        let expect: Vec<(&str, String)> = expect.iter().map(|(name, line)| (*name, format!("guests/c/crash.c:{line}"))).collect();
        assert_eq!(found, expect);
        for (_, line) in &expect {
            let line: usize = line.rsplit_once(':').and_then(|(_, line)| line.parse().ok()).expect("a number");
            assert!(SOURCE.lines().nth(line - 1).is_some_and(|text| text.contains(&format!("// line {line}"))), "{line} has moved");
        }
    };
    let zero = [ResultValue::I32(0)];
    check("average", &zero, TrapKind::IntegerDivisionByZero, &[("quotient", 9), ("mean", 15), ("average", 24)]);
    check("stray", &[], TrapKind::MemoryOutOfBounds, &[("element", 19), ("stray", 29)]);
    // Not its only line: where nothing stands before a trap, the engine puts it at the function's head, which has no line.
    check("give_up", &[], TrapKind::Unreachable, &[("give_up", 34)]);
    assert_eq!(rig.run("average", &[ResultValue::I32(2)]).1, [ResultValue::I32(6)]);
}

#[test]
fn names_alone_name_functions() {
    let named = r#"(module $tool
        (func $inner unreachable)
        (func $outer (export "f") (call $inner)))"#;
    let (_, frames) = trap(&Rig::new(named, &[]), "f", &[]);
    let found: Vec<_> =
        frames.iter().map(|frame| (frame.function.as_str(), frame.module.as_deref(), frame.source.as_deref())).collect();
    assert_eq!(found, [("inner", Some("tool"), None), ("outer", Some("tool"), None)]);
    assert!(frames.iter().all(|frame| frame.offset.is_some()));

    let nameless = r#"(module (func unreachable) (func (export "f") (call 0)))"#;
    let (_, frames) = trap(&Rig::new(nameless, &[]), "f", &[]);
    let found: Vec<_> = frames.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(found, ["func[0]", "func[1]"]);
}

#[test]
fn names_are_escaped_and_capped() {
    let text = format!(r#"(module (func $"evil\1b[2J{}" (export "f") unreachable))"#, "x".repeat(1000));
    let (_, frames) = trap(&Rig::new(&text, &[]), "f", &[]);
    let name = &frames[0].function;
    assert!(name.starts_with("evil\\u{1b}[2Jxxx") && name.len() < 200, "{name}");
}

#[test]
fn a_deep_stack_is_cut() {
    let text = r#"(module (func $f (export "f") (param i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (call $f (i32.sub (local.get 0) (i32.const 1)))))"#;
    let (_, frames) = trap(&Rig::new(text, &[]), "f", &[ResultValue::I32(500)]);
    assert_eq!(frames.len(), 64, "the innermost");
}

#[test]
fn every_kind_of_trap_says_where() {
    let mut policy = policy(&[]);
    policy.features =
        policy.features.with(Feature::Exceptions).with(Feature::Gc).with(Feature::FunctionReferences).with(Feature::ReferenceTypes);
    let check = |body: &str, expect: TrapKind| {
        let text = format!(
            r#"(module
                (type $none (func)) (type $array (array (mut i32))) (type $one (struct (field i32))) (type $two (struct (field i64)))
                (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) $start) (table $empty 1 funcref)
                (tag $tag)
                (func $start (param i32))
                (func $f (export "f") {body}))"#
        );
        let rig = Rig::load(engine(), text.as_bytes(), policy.clone());
        let (trap, frames) = trap(&rig, "f", &[]);
        assert_eq!(trap, expect, "{body}");
        assert_eq!(frames.last().map(|frame| frame.function.as_str()), Some("f"), "{body}");
    };
    check("unreachable", TrapKind::Unreachable);
    check("(drop (i32.load (i32.const -4)))", TrapKind::MemoryOutOfBounds);
    check("(memory.fill (i32.const 65536) (i32.const 0) (i32.const 1))", TrapKind::MemoryOutOfBounds);
    check("(drop (table.get 0 (i32.const 1)))", TrapKind::TableOutOfBounds);
    check("(call_indirect $empty (type $none) (i32.const 0))", TrapKind::IndirectCallToNull);
    check("(call_indirect (type $none) (i32.const 0))", TrapKind::BadSignature);
    check("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", TrapKind::IntegerOverflow);
    check("(drop (i32.rem_u (i32.const 1) (i32.const 0)))", TrapKind::IntegerDivisionByZero);
    check("(drop (i32.trunc_f32_s (f32.const nan)))", TrapKind::BadConversionToInteger);
    check("(drop (struct.get $one 0 (ref.null $one)))", TrapKind::NullReference);
    check("(drop (array.get $array (array.new $array (i32.const 0) (i32.const 1)) (i32.const 1)))", TrapKind::ArrayOutOfBounds);
    check("(drop (ref.cast (ref $two) (struct.new $one (i32.const 1))))", TrapKind::CastFailure);
    check("(throw $tag)", TrapKind::UncaughtException);
}

on_each_engine! {
    fn every_trap_of_a_core_module_has_its_kind(engine) {
        let check = |body: &str, expect: TrapKind| {
            let text = format!(
                r#"(module
                    (type $none (func)) (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) $other) (table $empty 1 funcref)
                    (func $other (param i32))
                    (func $f (export "f") {body}))"#
            );
            let outcome = Rig::on(engine, &text, &[]).run("f", &[]).0;
            let Outcome::Trapped { trap, message, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(trap, expect, "{body}: {message}");
        };
        check("unreachable", TrapKind::Unreachable);
        check("(drop (i32.load (i32.const -4)))", TrapKind::MemoryOutOfBounds);
        check("(memory.fill (i32.const 65536) (i32.const 0) (i32.const 1))", TrapKind::MemoryOutOfBounds);
        check("(memory.copy (i32.const 0) (i32.const 65536) (i32.const 1))", TrapKind::MemoryOutOfBounds);
        check("(drop (table.get 0 (i32.const 1)))", TrapKind::TableOutOfBounds);
        check("(table.fill 0 (i32.const 1) (ref.null func) (i32.const 1))", TrapKind::TableOutOfBounds);
        check("(call_indirect (type $none) (i32.const 1))", TrapKind::TableOutOfBounds);
        check("(call_indirect $empty (type $none) (i32.const 0))", TrapKind::IndirectCallToNull);
        check("(call_indirect (type $none) (i32.const 0))", TrapKind::BadSignature);
        check("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", TrapKind::IntegerOverflow);
        check("(drop (i32.rem_u (i32.const 1) (i32.const 0)))", TrapKind::IntegerDivisionByZero);
        check("(drop (i32.trunc_f32_s (f32.const nan)))", TrapKind::BadConversionToInteger);
    }

    fn a_segment_that_does_not_fit_traps_before_anything_runs(engine) {
        let check = |fields: &str, expect: TrapKind| {
            let outcome = Rig::on(engine, &format!(r#"(module {fields} (func (export "f")))"#), &[]).run("f", &[]).0;
            let Outcome::Trapped { trap, message, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(trap, expect, "{fields}: {message}");
        };
        check(r#"(memory 1) (data (i32.const 65535) "xy")"#, TrapKind::MemoryOutOfBounds);
        check("(table 1 funcref) (func $g) (elem (i32.const 1) $g)", TrapKind::TableOutOfBounds);
    }
}
