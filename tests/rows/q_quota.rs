//! Rows Q2, Q3 and Q5: quotas on tasks of agents.

use ambit_core::{Grants, LimitKey, Outcome, Profile, ResultValue};

use crate::door::{Ask, Door, guest, shown};

fn task(artefact: &str, limits: &[(&str, &str)]) -> Ask {
    Ask::new(guest(&format!("hostile/{artefact}.wat")), limits).invoke("execute_task", &[])
}

#[test]
fn q2_cpu_bomber_ends_at_its_bound() {
    let report = Door::new().run(task("cpu_bomber", &[("wall-time", "500ms")])).report;
    assert!(matches!(report.outcome, Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed: 500_000_000, .. }), "{report:?}");
    // It was stopped while it computed, not after it gave up.
    assert!(report.usage.cpu_ns > Some(10_000_000));
}

#[test]
fn q2_memory_bomber_is_told_and_blamed() {
    let door = Door::new();
    let report = door.run(task("memory_bomber", &[("memory", "64MiB")])).report;
    assert_eq!(shown(&report.outcome), "limit-exceeded:memory");
    assert!(report.usage.peak_memory_bytes <= Some(64 << 20));
    let report = door.run(task("memory_bomber", &[("memory", "512MiB")])).report;
    assert_eq!(shown(&report.outcome), "exited:0", "with room it does what it wants");
}

#[test]
fn q2_restricted_ends_the_run_at_the_refusal() {
    // Told -1, this guest would return success.
    let graceful = r#"(module (memory 1) (func (export "execute_task") (result i32)
        (drop (memory.grow (i32.const 4096))) (i32.const 0)))"#;
    let ask = |profile| Ask { profile, ..Ask::new(graceful, &[]).invoke("execute_task", &[]) };
    assert_eq!(shown(&Door::new().run(ask(Profile::Restricted)).report.outcome), "limit-exceeded:memory");
    assert_eq!(shown(&Door::new().run(ask(Profile::Default)).report.outcome), "exited:0");
}

#[test]
fn q2_filesystem_probe_finds_nothing() {
    let door = Door::new();
    let opened = |grants: Grants| {
        let mut ask = task("filesystem_probe", &[]);
        ask.spec.grants = Some(grants);
        door.run(ask).report.results
    };
    assert_eq!(opened(Grants::default()), [ResultValue::I32(0)]);
    // The probe works: given the root, it finds the file.
    let root = Grants { dirs: vec!["/:/:ro".parse().expect("a grant")], ..Grants::default() };
    assert_eq!(opened(root), [ResultValue::I32(1)]);
}

#[test]
fn q3_restricted_has_env_log_and_nothing_else() {
    let door = Door::new();
    let outcome = |text: &str, grants: Option<Grants>| {
        let mut ask = Ask { profile: Profile::Restricted, ..Ask::new(text, &[]).invoke("f", &[]) };
        ask.spec.grants = grants;
        shown(&door.run(ask).report.outcome)
    };
    let importing = |import: &str| format!(r#"(module {import} (memory (export "memory") 1) (func (export "f")))"#);
    assert_eq!(outcome(&importing(r#"(import "env" "log" (func (param i32 i32)))"#), None), "exited:0");
    for denied in [
        r#"(import "env" "time" (func (result i64)))"#,
        r#"(import "env" "random" (func (result i32)))"#,
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
        r#"(import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))"#,
        r#"(import "wasi_snapshot_preview1" "sock_send" (func (param i32 i32 i32 i32 i32) (result i32)))"#,
    ] {
        assert_eq!(outcome(&importing(denied), None), "rejected:import-denied", "{denied}");
    }
    for grants in [
        Grants { env: vec![("A".into(), "1".into())], ..Grants::default() },
        Grants { dirs: vec![".:/w".parse().expect("a grant")], ..Grants::default() },
        Grants { args: vec!["a".into()], ..Grants::default() },
    ] {
        assert_eq!(outcome(&importing(""), Some(grants)), "rejected:policy");
    }
}

#[test]
fn q5_errors_are_typed() {
    // Timeout, quota, trap and our own failure are told apart by type, never by text.
    let door = Door::new();
    let outcome = |text: &str, limits: &[(&str, &str)]| door.run(Ask::new(text, limits).invoke("f", &[])).report.outcome;
    let timeout = outcome(r#"(module (func (export "f") (loop (br 0))))"#, &[("wall-time", "50ms")]);
    assert!(matches!(timeout, Outcome::LimitExceeded { limit: LimitKey::WallTime, .. }));
    let quota = outcome(r#"(module (memory 2000) (func (export "f")))"#, &[]);
    assert!(matches!(quota, Outcome::LimitExceeded { limit: LimitKey::Memory, .. }));
    let trap = outcome(r#"(module (func (export "f") unreachable))"#, &[]);
    assert!(matches!(trap, Outcome::Trapped { trap: ambit_core::TrapKind::Unreachable, .. }));
    let lost = crate::scripted::panicking_host();
    assert!(matches!(lost, Outcome::Lost { .. }), "{lost:?}");
}
