//! Imports of core modules: unknown, mistyped, of another kind, not allowed.

use ambit_admit::{HostFunction, ValType, known_functions};
use ambit_core::{ImportPolicy, ImportRule, RejectReason};

use crate::check::{accept, allowing_all, refuse, rules};

fn denied(import: &str, part: &str) {
    refuse(format!("(module {import})"), &rules(), RejectReason::ImportDenied, part);
}

#[test]
fn each_kind_of_refusal() {
    denied(r#"(import "gl" "draw" (func))"#, "the module imports `gl` `draw`: there is no import module `gl`; known are");
    denied(r#"(import "wasi_snapshot_preview2" "fd_read" (func))"#, "did you mean `wasi_snapshot_preview1`?");
    denied(r#"(import "env" "memcpy" (func))"#, "there is no function `memcpy`; known are log, time, random");
    denied(r#"(import "wasi_snapshot_preview1" "fd_raed" (func))"#, "did you mean `fd_read`?");
    denied(r#"(import "env" "memory" (memory 1))"#, "`env` `memory`: it is a memory, and only functions can be imported");
    denied(r#"(import "env" "table" (table 1 funcref))"#, "it is a table");
    denied(r#"(import "env" "log" (global i32))"#, "it is a global");
    denied(r#"(import "env" "log" (func (param i32)))"#, "its type is (i32) -> () there, but the function is (i32, i32) -> ()");
    denied(
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i64) (result i32)))"#,
        "its type is (i32, i32, i32, i64) -> i32 there, but the function is (i32, i32, i32, i32) -> i32",
    );
    denied(r#"(import "wasi_snapshot_preview1" "proc_raise" (func (param i32) (result i32)))"#, "it is never provided");
    let tag = r#"(module (import "env" "oops" (tag)))"#;
    refuse(tag, &allowing_all(), RejectReason::ImportDenied, "it is a tag");
}

#[test]
fn every_known_function_is_admitted_with_its_own_type_alone() {
    for function in known_functions() {
        let list =
            |word: &str, types: &[ValType]| format!("({word} {})", types.iter().map(|ty| format!("{ty} ")).collect::<String>());
        let module = |params: &[ValType]| {
            let (module, name) = (&function.module, &function.name);
            format!(
                r#"(module (import "{module}" "{name}" (func {} {})))"#,
                list("param", params),
                list("result", &function.results)
            )
        };
        let verified = accept(module(&function.params), &rules());
        assert_eq!((&verified.imports()[0].module, &verified.imports()[0].name), (&function.module, &function.name));
        let more = [function.params.as_slice(), &[ValType::F32]].concat();
        refuse(module(&more), &rules(), RejectReason::ImportDenied, "its type is");
    }
}

#[test]
fn the_policy_decides_among_what_is_known() {
    let module = r#"(module (import "env" "log" (func (param i32 i32))) (import "env" "time" (func (result i64))))"#;
    let mut rules = rules();
    accept(module, &rules);
    rules.imports = ImportPolicy::log_only();
    refuse(module, &rules, RejectReason::ImportDenied, "`env` `time`: the policy does not allow it");
    // Allowing what is not known does not make it known.
    rules.imports.allow.push(ImportRule::Module("gl".into()));
    refuse(r#"(module (import "gl" "draw" (func)))"#, &rules, RejectReason::ImportDenied, "no import module `gl`");
}

#[test]
fn an_embedder_adds_functions() {
    let draw =
        HostFunction { module: "gl".into(), name: "draw".into(), params: vec![ValType::F64], results: vec![], withheld: None };
    let mut rules = rules();
    rules.host_functions.push(draw);
    accept(r#"(module (import "gl" "draw" (func (param f64))))"#, &rules);
    refuse(
        r#"(module (import "gl" "draw" (func (param i64))))"#,
        &rules,
        RejectReason::ImportDenied,
        "the function is (f64) -> ()",
    );
    refuse(r#"(module (import "gl" "drew" (func)))"#, &rules, RejectReason::ImportDenied, "did you mean `draw`?");
    refuse(r#"(module (import "gk" "draw" (func)))"#, &rules, RejectReason::ImportDenied, "did you mean `gl`?");
    // What is there and not granted is refused with the grant's name, also to a policy that allows every import of that name.
    rules.host_functions[0].withheld = Some("pictures\n".into());
    rules.imports.allow.push(ImportRule::Module("gl".into()));
    let text = r#"(module (import "gl" "draw" (func (param f64))))"#;
    refuse(text, &rules, RejectReason::ImportDenied, "`gl` `draw`: it needs the grant `pictures\\n`, which is not given");
}

#[test]
fn names_from_the_module_are_escaped_and_capped() {
    denied(r#"(import "env\1b[2J" "a\0ab" (func))"#, r"`env\u{1b}[2J` `a\nb`");
    let long = "x".repeat(1000);
    denied(&format!(r#"(import "env" "{long}" (func))"#), "… (872 more bytes)");
}
