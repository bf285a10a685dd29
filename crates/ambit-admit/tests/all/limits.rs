//! Every static limit: what is exactly at it passes and is measured, one more is refused with the remedy.

use ambit_core::{Bound, ByteSize, RejectReason, ShapeKey};

use crate::check::{accept, allowing_all, bytes, limited, refuse, rules};

fn repeat(n: u64, item: &str) -> String {
    item.repeat(usize::try_from(n).expect("small"))
}

/// Core module text with `n` of what `key` counts.
fn module(key: ShapeKey, n: u64) -> String {
    let inside = match key {
        ShapeKey::Types => repeat(n, "(type (func))"),
        ShapeKey::Functions => repeat(n, "(func)"),
        // A byte for the number of local groups, and one for the end.
        ShapeKey::BodySize => format!("(func {})", repeat(n - 2, "nop ")),
        ShapeKey::Locals => format!("(func (local {}))", repeat(n, "i32 ")),
        ShapeKey::TotalLocals => repeat(n, "(func (local i64))"),
        ShapeKey::Nesting => format!("(func {}{})", repeat(n, "(block "), repeat(n, ")")),
        // A loop within another one's block counts, the loop that has ended does not.
        ShapeKey::LoopNesting => format!("(func (loop) {}{})", repeat(n, "(loop (block "), repeat(n, "))")),
        ShapeKey::BrTable => format!("(func (br_table {} 0 (i32.const 0)))", repeat(n, "0 ")),
        ShapeKey::TotalBrTable => repeat(n, "(func (br_table 0 0 (i32.const 0)))"),
        ShapeKey::Imports => repeat(n, r#"(import "env" "log" (func (param i32 i32)))"#),
        ShapeKey::Exports => (0..n).map(|i| format!(r#"(func (export "{i}"))"#)).collect(),
        ShapeKey::NameSize => format!(r#"(func (export "{}"))"#, repeat(n, "x")),
        ShapeKey::DataSegments => repeat(n, r#"(data "")"#),
        ShapeKey::ElementSegments => repeat(n, "(elem func)"),
        ShapeKey::ElementItems => format!("(func) (elem func {}) (elem func 0)", repeat(n - 1, "0 ")),
        ShapeKey::Globals => repeat(n, "(global i32 (i32.const 0))"),
        ShapeKey::Params => format!("(type (func (param {})))", repeat(n, "i32 ")),
        ShapeKey::ComponentNesting => return format!("(component {}{})", repeat(n, "(component "), repeat(n, ")")),
        ShapeKey::ComponentItems => return format!("(component {})", repeat(n, "(type string)")),
        ShapeKey::TypeSize => return format!("(component (type (tuple {})))", repeat(n - 1, "u8 ")),
    };
    format!("(module {inside})")
}

#[test]
fn every_limit_bites_at_exactly_its_value() {
    for &key in ShapeKey::ALL {
        let limit = 7;
        let rules = limited(key, limit);
        let verified = accept(module(key, limit), &rules);
        assert_eq!(verified.shape().get(key), limit, "{key} is measured");
        let rejection = refuse(module(key, limit + 1), &rules, RejectReason::InvalidModule, key.name());
        let remedy = format!("(raise it with `--limit {key}=…`)");
        assert!(rejection.message.contains(&remedy), "{rejection}");
        assert!(rejection.message.contains(&key.show(limit + 1)) && rejection.message.contains(&key.show(limit)), "{rejection}");
        accept(module(key, limit + 1), &limited(key, limit + 1));
    }
}

#[test]
fn claims_are_refused_before_they_are_read() {
    // One section each, with a count of 2^32 - 1 and nothing behind it.
    let claim = |header: &[u8], id: u8, before: &[u8]| {
        let count = [0xff, 0xff, 0xff, 0xff, 0x0f];
        let length = u8::try_from(before.len() + count.len()).expect("short");
        [header, &[id, length], before, &count].concat()
    };
    let core = |id| claim(b"\0asm\x01\0\0\0", id, &[]);
    let component = |id| claim(b"\0asm\x0d\0\x01\0", id, &[]);
    let check = |bytes: Vec<u8>, part: &str| drop(refuse(bytes, &allowing_all(), RejectReason::InvalidModule, part));
    check(core(1), "unexpected end");
    check(core(3), "`functions`");
    check(core(6), "`globals`");
    check(core(7), "`exports`");
    check(core(9), "`element-segments`");
    check(core(11), "`data-segments`");
    check(core(12), "`data-segments`");
    check(claim(b"\0asm\x01\0\0\0", 1, &[1, 0x4e]), "`types`");
    for id in [2, 3, 5, 6, 7, 8, 10, 11] {
        check(component(id), "`component-items`");
    }
    check(claim(b"\0asm\x0d\0\x01\0", 7, &[1, 0x41]), "`component-items`");
    check(claim(b"\0asm\x0d\0\x01\0", 7, &[1, 0x42]), "`component-items`");
    check(claim(b"\0asm\x0d\0\x01\0", 3, &[1, 0x50]), "`component-items`");
    check(claim(b"\0asm\x0d\0\x01\0", 3, &[1, 0x4e]), "`types`");
}

#[test]
fn the_whole_module_has_a_size() {
    let module = bytes("(module)");
    let mut rules = rules();
    rules.module_size = Bound::At(ByteSize::bytes(8));
    accept(&module, &rules);
    let larger = [module.as_slice(), &[0, 1, 0]].concat();
    let rejection = refuse(&larger, &rules, RejectReason::InvalidModule, "the limit `module-size` is 8 B");
    assert!(rejection.message.starts_with("the module has 11 bytes"), "{rejection}");
}

#[test]
fn limits_of_a_component_hold_for_all_it_contains() {
    let nested = |functions: &str| format!("(component (core module {functions}) (component (core module {functions})))");
    let rules = limited(ShapeKey::Functions, 4);
    assert_eq!(accept(nested("(func) (func)"), &rules).shape().get(ShapeKey::Functions), 4);
    refuse(nested("(func) (func) (func)"), &rules, RejectReason::InvalidModule, "6 functions");
    // Imports and exports are counted for each module, and as items of the component.
    let exports = nested(r#"(func (export "a")) (func (export "b"))"#);
    assert_eq!(accept(&exports, &limited(ShapeKey::Exports, 2)).shape().get(ShapeKey::Exports), 2);
    refuse(&exports, &limited(ShapeKey::ComponentItems, 6), RejectReason::InvalidModule, "`component-items`");
}

#[test]
fn the_item_and_the_place_are_named() {
    let check =
        |module: &str, key, limit, part: &str| drop(refuse(module, &limited(key, limit), RejectReason::InvalidModule, part));
    check(
        r#"(module (import "env" "log" (func (param i32 i32))) (func) (func (local i32 i32 i64)))"#,
        ShapeKey::Locals,
        2,
        "function 2 has 3 locals; the limit `locals` is 2 (raise it with `--limit locals=…`); at byte 0x",
    );
    check("(module (type (func)) (type (func (param i32 i32))))", ShapeKey::Params, 1, "type 1 has 2 parameters or results");
    check(r#"(module (func (export "a")) (func (export "bcd")))"#, ShapeKey::NameSize, 2, "export 1 has a name of 3 B");
    // Names in types are copied with them.
    for ty in [
        r#"(func (param "abc" u8))"#,
        r#"(record (field "abc" u8))"#,
        r#"(variant (case "abc"))"#,
        r#"(flags "abc")"#,
        r#"(enum "abc")"#,
    ] {
        check(&format!("(component (type {ty}))"), ShapeKey::NameSize, 2, "the component has a name of 3 B");
    }
    check("(module (func (block (block))))", ShapeKey::Nesting, 1, "function 0 has blocks nested 2 deep");
    check("(module (func) (func nop nop))", ShapeKey::BodySize, 3, "function 1 has a body of 4 B");
}

#[test]
fn the_operand_stack_counts_as_locals() {
    let module = |n| format!("(module (func {} {}))", repeat(n, "(i32.const 0) "), repeat(n, "drop "));
    let rules = limited(ShapeKey::Locals, 5);
    accept(module(5), &rules);
    refuse(module(6), &rules, RejectReason::InvalidModule, "function 0 has 6 values on its operand stack; the limit `locals`");
}

#[test]
fn tags_count_as_globals() {
    let module = |n| format!("(module (type (func)) {})", repeat(n, "(tag (type 0))"));
    let mut rules = limited(ShapeKey::Globals, 5);
    rules.features = allowing_all().features;
    accept(module(5), &rules);
    refuse(module(6), &rules, RejectReason::InvalidModule, "6 tags; the limit `globals`");
}

#[test]
fn the_parts_of_all_types_together_are_bounded() {
    let module = |n| format!("(module (type (func (param {}))))", repeat(n, "i32 "));
    let rules = limited(ShapeKey::Types, 2);
    accept(module(200), &rules);
    refuse(module(201), &rules, RejectReason::InvalidModule, "201 parameters, results and fields");
}

#[test]
fn constant_expressions_together_are_bounded() {
    let module = |n| format!("(module (global i32 (i32.const 0) {}))", repeat(n, "(i32.const 0) (i32.add) "));
    // Three bytes for each addition, two for the first constant, one for the end.
    let rules = limited(ShapeKey::BodySize, 3);
    accept(module(15), &rules);
    refuse(
        module(16),
        &rules,
        RejectReason::InvalidModule,
        "constant expressions of 51 bytes in all, more than 16 times a body; the limit `body-size`",
    );
}
