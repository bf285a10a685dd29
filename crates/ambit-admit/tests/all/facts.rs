//! Risks and grants, from facts alone.

use ambit_admit::{ModuleKind, Severity, could_ask_for, risk};
use ambit_core::GrantKey;

use crate::check::{accept, allowing_all, rules};

fn has(module: &str, severity: Severity, part: &str) {
    let found = risk(&accept(module, &allowing_all()));
    assert!(found.iter().any(|risk| risk.severity == severity && risk.fact.contains(part)), "no {severity} `{part}` in {found:#?}");
}

#[test]
fn risks_are_facts() {
    let wasi = |name: &str, ty: &str| format!(r#"(module (import "wasi_snapshot_preview1" "{name}" (func {ty})))"#);
    has("(module)", Severity::Info, "it imports nothing");
    has(
        &wasi("path_unlink_file", "(param i32 i32 i32) (result i32)"),
        Severity::Warning,
        "changes or removes files (path_unlink_file)",
    );
    has(&wasi("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"), Severity::Notice, "opens files");
    has(&wasi("environ_get", "(param i32 i32) (result i32)"), Severity::Notice, "reads the environment");
    has(&wasi("sock_accept", "(param i32 i32 i32) (result i32)"), Severity::Warning, "accepts network connections");
    has(&wasi("clock_time_get", "(param i32 i64 i32) (result i32)"), Severity::Info, "reads clocks");
    has(r#"(module (import "env" "random" (func (result i32))))"#, Severity::Info, "reads random numbers");
    has("(module (memory 1) (func (drop (memory.grow (i32.const 1)))))", Severity::Notice, "sets no maximum");
    has("(module (memory 1 32) (func (drop (memory.grow (i32.const 1)))))", Severity::Info, "grow its memory up to 2MiB");
    has("(module (memory 16384))", Severity::Notice, "it starts with 1GiB of memory");
    has("(module (func) (start 0))", Severity::Notice, "a start function runs");
    has("(module (type (func)) (table 1 funcref) (func (call_indirect (type 0) (i32.const 0))))", Severity::Info, "through tables");
    has("(module (tag))", Severity::Notice, "off by default: exceptions");
    has("(module (func (export \"a\\1b[2J\")))", Severity::Warning, "1 of its names have control characters");
    has("(module (func))", Severity::Info, "its functions have no names");
    has("(module (@custom \"x\" \"0123456789012345678901234567890123456789\"))", Severity::Info, "are custom sections");
    has("(component (core module))", Severity::Info, "made of 1 core modules");
    let connect = r#"(component (import "wasi:sockets/tcp@0.2.0" (instance (export "tcp-socket" (type $s (sub resource)))
        (export "[method]tcp-socket.start-connect" (func (param "self" (borrow $s)))))))"#;
    has(connect, Severity::Warning, "opens network connections");
    let large = format!("(module (func {}))", "nop ".repeat(300 << 10));
    has(&large, Severity::Notice, "function 0 has a body of 300KiB");
}

#[test]
fn the_weightiest_come_first() {
    let found = risk(&accept(include_str!("seeds/core.wat"), &rules()));
    assert!(found.is_sorted_by_key(|risk| std::cmp::Reverse(risk.severity)), "{found:#?}");
}

#[test]
fn grants_follow_from_imports() {
    let check = |module: &str, expect: &[GrantKey]| {
        let found: Vec<GrantKey> = could_ask_for(&accept(module, &rules())).into_iter().map(|(grant, _)| grant).collect();
        assert_eq!(found, expect, "{module}");
    };
    check("(module)", &[]);
    check(r#"(module (import "env" "log" (func (param i32 i32))))"#, &[]);
    check(r#"(module (import "env" "time" (func (result i64))))"#, &[GrantKey::Clock]);
    let all = r#"(module
        (import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_create_directory" (func (param i32 i32 i32) (result i32))))"#;
    check(all, &[GrantKey::Args, GrantKey::Env, GrantKey::Stdin, GrantKey::Dirs, GrantKey::Tmp, GrantKey::Random]);
}

#[test]
fn what_is_within_a_component_is_listed() {
    let component = r#"(component
        (core module (func (export "a")) (func (export "b")) (memory (export "c") 1))
        (component
            (import "x" (func))
            (core module (import "m" "f" (func)))
            (component))
        (core module))"#;
    let module = accept(component, &allowing_all());
    let found: Vec<_> = module.nested().iter().map(|inner| (inner.kind, inner.depth, inner.imports, inner.exports)).collect();
    let (module, component) = (ModuleKind::Core, ModuleKind::Component);
    assert_eq!(found, [(module, 1, 0, 3), (component, 1, 1, 0), (module, 2, 1, 0), (component, 2, 0, 0), (module, 1, 0, 0)]);
    assert_eq!(accept("(module)", &allowing_all()).nested(), []);
}
