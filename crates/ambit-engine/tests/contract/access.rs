//! Memories, globals and tables of a kept instance.

use ambit_admit::ValType;
use ambit_core::ResultValue;
use ambit_engine::{AccessError, Exported, HostFunctions, TableElement};

use crate::drive::{Rig, Tested, on_each_engine, policy};

const MODULE: &str = r#"(module
    (memory (export "memory") 2) (data (i32.const 4) "data")
    (memory (export "other") 1)
    (global (export "count") (mut i32) (i32.const 7))
    (global (export "big") i64 (i64.const -1))
    (global (export "vector") (mut v128) (v128.const i64x2 1 2))
    (global (export "ref") (mut externref) (ref.null extern))
    (table (export "functions") 3 funcref) (elem (i32.const 1) func $f)
    (table (export "values") 1 externref)
    (func $f (export "f") (result i32) (i32.load8_u (i32.const 131071)))
    (func (export "count_is") (result i32) (global.get 0))
    (func (export "through") (result i32) (call_indirect (result i32) (i32.const 1))))"#;

fn rig(engine: Tested) -> Rig {
    Rig::on(engine, MODULE, &[])
}

fn outside(what: Exported, offset: u64, len: u64, size: u64) -> AccessError {
    AccessError::OutOfBounds { what, offset, len, size }
}

fn missing(what: Exported, name: &str) -> AccessError {
    AccessError::Missing { what, name: name.into() }
}

on_each_engine! {
    fn exports_are_listed_by_kind(engine) {
        let rig = rig(engine);
        let mut guest = rig.kept();
        let instance = guest.instance();
        assert_eq!(instance.memories(), ["memory", "other"]);
        assert_eq!(instance.globals(), ["count", "big", "vector", "ref"]);
        assert_eq!(instance.tables(), ["functions", "values"]);
    }
}

on_each_engine! {
    fn memory_is_read_and_written_within_its_bounds(engine) {
        let rig = rig(engine);
        let mut guest = rig.kept();
        let instance = guest.instance();
        assert_eq!(instance.memory_size("memory"), Ok(131_072));
        assert_eq!(instance.memory_read("memory", 2, 7).as_deref(), Ok(&b"\0\0data\0"[..]));
        assert_eq!(instance.memory_write("memory", 131_069, b"end"), Ok(()));
        assert_eq!(instance.memory_read("memory", 131_069, 3).as_deref(), Ok(&b"end"[..]));
        assert_eq!(instance.memory_read("memory", 131_072, 0).as_deref(), Ok(&b""[..]));
        let size = 131_072;
        for (offset, len) in
            [(0, size + 1), (size, 1), (size + 1, 0), (1 << 32, 4), (u64::MAX, 1), (u64::MAX, u64::MAX), (8, u64::MAX - 4)]
        {
            assert_eq!(instance.memory_read("memory", offset, len), Err(outside(Exported::Memory, offset, len, size)));
        }
        for offset in [131_070, size, 1 << 32, u64::MAX - 2, u64::MAX] {
            assert_eq!(instance.memory_write("memory", offset, b"xyz"), Err(outside(Exported::Memory, offset, 3, size)));
        }
        assert_eq!(instance.memory_read("memory", 131_069, 3).as_deref(), Ok(&b"end"[..]), "nothing was half written");
        assert_eq!(instance.memory_read("none", 0, 1), Err(missing(Exported::Memory, "none")));
        assert_eq!(instance.memory_write("count", 0, b"x"), Err(missing(Exported::Memory, "count")));
        assert_eq!(instance.memory_size("f"), Err(missing(Exported::Memory, "f")));
        assert_eq!(instance.memory_grow("f", 1), Err(missing(Exported::Memory, "f")));
        let ended = guest.call(rig.call("f", &[]));
        assert_eq!(ended, ambit_engine::Ended::Returned(vec![ResultValue::I32(i32::from(b'd'))]), "the guest sees it");
    }
}

on_each_engine! {
    fn globals_are_typed(engine) {
        let rig = rig(engine);
        let mut guest = rig.kept();
        let instance = guest.instance();
        assert_eq!(instance.global_get("count"), Ok(ResultValue::I32(7)));
        assert_eq!(instance.global_get("big"), Ok(ResultValue::I64(-1)));
        assert_eq!(instance.global_get("vector"), Ok(ResultValue::V128(2 << 64 | 1)));
        assert_eq!(instance.global_set("count", ResultValue::I32(-8)), Ok(()));
        assert_eq!(instance.global_set("vector", ResultValue::V128(3)), Ok(()));
        assert_eq!(instance.global_get("vector"), Ok(ResultValue::V128(3)));
        let wrong = AccessError::WrongType { expected: ValType::I32, given: ValType::I64 };
        assert_eq!(instance.global_set("count", ResultValue::I64(1)), Err(wrong));
        assert_eq!(instance.global_set("big", ResultValue::I64(1)), Err(AccessError::Immutable));
        assert_eq!(instance.global_get("ref"), Err(AccessError::Reference));
        assert_eq!(instance.global_set("ref", ResultValue::I32(1)), Err(AccessError::Reference));
        assert_eq!(instance.global_get("memory"), Err(missing(Exported::Global, "memory")));
        assert_eq!(instance.global_set("x", ResultValue::I32(1)), Err(missing(Exported::Global, "x")));
        let ended = guest.call(rig.call("count_is", &[]));
        assert_eq!(ended, ambit_engine::Ended::Returned(vec![ResultValue::I32(-8)]), "the guest sees it");
    }
}

on_each_engine! {
    fn tables_tell_what_they_hold_and_take_null(engine) {
        let rig = rig(engine);
        let mut guest = rig.kept();
        let instance = guest.instance();
        assert_eq!(instance.table_size("functions"), Ok(3));
        let all: Vec<_> = (0..4).map(|index| instance.table_get("functions", index)).collect();
        let beyond = |index, size| Err(outside(Exported::Table, index, 1, size));
        assert_eq!(all, [Ok(TableElement::Null), Ok(TableElement::Function), Ok(TableElement::Null), beyond(3, 3)]);
        assert_eq!(instance.table_get("values", 0), Ok(TableElement::Null));
        assert_eq!(instance.table_get("values", u64::MAX), beyond(u64::MAX, 1));
        assert_eq!(instance.table_set_null("functions", 3), Err(outside(Exported::Table, 3, 1, 3)));
        assert_eq!(instance.table_set_null("functions", 1 << 32), Err(outside(Exported::Table, 1 << 32, 1, 3)));
        assert_eq!(instance.table_set_null("nothing", 0), Err(missing(Exported::Table, "nothing")));
        assert_eq!(instance.table_set_null("functions", 1), Ok(()));
        assert_eq!(instance.table_get("functions", 1), Ok(TableElement::Null));
        let ended = guest.call(rig.call("through", &[]));
        let null = matches!(ended, ambit_engine::Ended::Trapped { trap: ambit_core::TrapKind::IndirectCallToNull, .. });
        assert!(null, "the guest sees it: {ended:?}");
    }
}

#[test]
fn elements_that_cannot_be_null_stay() {
    let text = r#"(module (table (export "whole") 1 1 (ref func) (ref.func $f)) (func $f))"#;
    let mut policy = policy(&[]);
    policy.features = policy.features.with(ambit_core::Feature::FunctionReferences);
    let rig = Rig::load(Tested::Wasmtime.with(HostFunctions::new()), text.as_bytes(), policy);
    let mut guest = rig.kept();
    assert_eq!(guest.instance().table_get("whole", 0), Ok(TableElement::Function));
    assert_eq!(guest.instance().table_set_null("whole", 0), Err(AccessError::NotNullable));
}
