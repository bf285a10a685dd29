//! What a module offers: exports with their types, entries, memories.

use ambit_admit::{Entry, ExternType, ModuleKind, ValType};

use crate::check::{accept, bytes, rules};

#[test]
fn exports_have_types() {
    let verified = accept(
        r#"(module
            (memory (export "memory") 1 16)
            (table (export "table") 10 10 funcref)
            (global (export "g") (mut i32) (i32.const 0))
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "two") (result i64 f32) (i64.const 1) (f32.const 2)))"#,
        &rules(),
    );
    let shown: Vec<String> = verified.exports().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "memory: memory 1..=16",
            "table: table 10 funcref",
            "g: global mut i32",
            "add: (i32, i32) -> i32",
            "two: () -> (i64, f32)"
        ]
    );
    let Some(ExternType::Func(add)) = verified.export("add").map(|export| &export.ty) else { panic!("a function") };
    assert_eq!(
        (add.params.as_slice(), add.results.as_slice()),
        ([ValType::I32, ValType::I32].as_slice(), [ValType::I32].as_slice())
    );
    assert_eq!(verified.kind(), ModuleKind::Core);
}

#[test]
fn entries_are_found_by_name_and_type() {
    let check = |module: &str, expect: &[Entry], is_command: bool| {
        let verified = accept(module, &rules());
        assert_eq!((verified.entries(), verified.is_command()), (expect, is_command), "{module}");
    };
    check(r#"(module (func (export "_start")))"#, &[Entry::Start], true);
    check(r#"(module (func (export "_start") (param i32)))"#, &[], false);
    check(r#"(module (memory (export "_start") 1))"#, &[], false);
    check(r#"(module (func (export "_initialize")) (func (export "f")))"#, &[Entry::Initialize], false);
    check(r#"(module (func (export "main") (param i32 i32) (result i32) i32.const 0))"#, &[Entry::Main], false);
    check(r#"(module (func (export "main") (result i32) i32.const 0))"#, &[Entry::Main], false);
    check(r#"(module (func (export "main") (param f32)))"#, &[], false);
    check(r#"(module (func (export "main")) (func (export "_start")))"#, &[Entry::Start, Entry::Main], true);
    check("(module)", &[], false);
}

#[test]
fn memories_tables_and_start() {
    let verified = accept(include_str!("seeds/core.wat"), &rules());
    let memories: Vec<String> = verified.memories().iter().map(ToString::to_string).collect();
    assert_eq!(memories, ["memory 1..=16", "memory 1.."]);
    let tables: Vec<String> = verified.tables().iter().map(ToString::to_string).collect();
    assert_eq!(tables, ["table 4..=8 funcref", "table 2.. externref"]);
    assert!(verified.has_start());
    assert!(verified.customs().producers && verified.customs().names);
    assert_eq!(verified.customs().sections[0].name, "producers");
    assert!(!accept("(module)", &rules()).has_start());
}

#[test]
fn custom_sections_are_noted_and_do_not_pile_up() {
    let mut module = bytes("(module)");
    for _ in 0..5000 {
        module.extend([0, 2, 1, b'x']);
    }
    module.extend([0, 13, 11]);
    module.extend(b".debug_info\x07"[..11].iter());
    module.push(7);
    let verified = accept(&module, &rules());
    let customs = verified.customs();
    assert_eq!((customs.count, customs.sections.len(), customs.bytes), (5001, 1000, 1));
    assert!(customs.dwarf && !customs.names && !customs.producers);
}

#[test]
fn nothing_is_copied_that_is_shared_already() {
    let module: std::sync::Arc<[u8]> = bytes("(module)").into();
    let verified = ambit_admit::admit(module.clone(), &rules()).expect("valid");
    assert!(std::sync::Arc::ptr_eq(verified.bytes(), &module));
    assert_eq!(verified.digest(), ambit_core::Digest::of(&module));
    ambit_admit::admit(module.as_ref(), &rules()).expect("slices are taken too");
    ambit_admit::admit(module.to_vec(), &rules()).expect("and vectors");
    ambit_admit::admit(std::borrow::Cow::from(module.as_ref()), &rules()).expect("and what the text parser gives");
}
