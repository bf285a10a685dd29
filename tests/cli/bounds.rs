//! Limits end what they bound, whatever the guest does, and say so.

use crate::ambit::{Done, run, run_at};

fn exceeds(done: &Done, status: i32, limit: &str, remedy: &str) {
    done.says(status, &[&format!("limit exceeded: {limit}"), remedy]);
}

#[test]
fn a_loop_a_sleep_and_a_loop_in_a_start_function_end_at_the_deadline() {
    for words in [
        &["guests/hostile/cpu-002.wat", "--invoke", "run"][..],
        &["guests/bin/sleep.wasm", "1000"],
        &["guests/hostile/cpu-003.wat", "--invoke", "run"],
        &["guests/hostile/cpu-005.wat", "--invoke", "run"],
    ] {
        let done = run(&[words, &["--timeout", "200ms"]].concat()).done();
        exceeds(&done, 124, "wall-time", "--timeout TIME");
        assert!(done.stderr.contains("ms used;"), "time is not needed, but used: {done:?}");
    }
}

#[test]
fn a_component_that_loops_ends_at_its_deadline_too() {
    let component = r#"(component
        (core module $m (func (export "run") (result i32) (loop (br 0)) (unreachable)))
        (core instance $i (instantiate $m))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;
    exceeds(&run(&["-", "--timeout", "200ms"]).stdin(component).done(), 124, "wall-time", "--timeout TIME");
    exceeds(&run(&["-", "--fuel", "1M"]).stdin(component).done(), 123, "fuel", "--fuel N");
}

#[test]
fn what_a_function_returns_is_bounded_as_such_and_not_as_output() {
    let returning = |bytes: u32| {
        format!(
            r#"(component
                (core module $m
                    (memory (export "memory") {pages})
                    (func (export "f") (result i32)
                        (memory.fill (i32.const 8) (i32.const 97) (i32.const {bytes}))
                        (i32.store (i32.const 0) (i32.const 8))
                        (i32.store (i32.const 4) (i32.const {bytes}))
                        (i32.const 0)))
                (core instance $i (instantiate $m))
                (func (export "f") (result string) (canon lift (core func $i "f") (memory $i "memory"))))"#,
            pages = bytes / 65_536 + 2,
        )
    };
    let small = ["--limit", "output=4KiB", "--limit", "log-bytes=4KiB", "--invoke", "f()", "-"];
    let done = run(&small).stdin(returning(3 << 20)).done();
    assert_eq!((done.status, done.stdout.len()), (0, (3 << 20) + 3), "{}", done.stderr);
    exceeds(&run(&small).stdin(returning(17 << 20)).done(), 123, "host-buffers", "--limit host-buffers=VALUE");
    // More than processes say to each other is no crime of the guest's.
    let large = ["--memory", "1GiB", "--limit", "host-buffers=1GiB", "--invoke", "f()", "-"];
    let done = run_at("process", &large).stdin(returning(90 << 20)).done();
    done.says(125, &["lost: the function returned 94371848 bytes, more than one process can say to another at once"]);
}

#[test]
fn cpu_time_is_not_wall_time() {
    let done = run(&["guests/hostile/cpu-002.wat", "--invoke", "run", "--cpu-time", "100ms"]).done();
    exceeds(&done, 124, "cpu-time", "--cpu-time TIME");
    assert!(done.stderr.contains("ms used;"), "{done:?}");
    // Asleep, it uses none.
    run(&["guests/bin/sleep.wasm", "0.3", "--cpu-time", "100ms"]).done().says(0, &[]);
}

#[test]
fn fuel_memory_stack_and_output() {
    let invoke = |guest: &str, flags: &[&str]| run(&[&[guest, "--invoke", "run"], flags].concat()).done();
    exceeds(&invoke("guests/hostile/cpu-001.wat", &["--fuel", "1M"]), 123, "fuel", "--fuel N");
    exceeds(&invoke("guests/hostile/cpu-007.wat", &[]), 123, "stack", "--stack SIZE");
    let bomber = run(&["--memory", "64MiB", "--invoke", "execute_task", "guests/hostile/memory_bomber.wat"]).done();
    exceeds(&bomber, 123, "memory", "--memory SIZE");
    assert!(bomber.stderr.contains(" needed;"), "{bomber:?}");
    let long: String = "line\n".repeat(1000);
    let done = run(&["--output", "100", "guests/bin/cat.wasm"]).stdin(long.clone()).done();
    exceeds(&done, 123, "output", "--output SIZE");
    assert_eq!(done.stdout, long[..100], "as much as is allowed comes through");
}

#[test]
fn a_trap_shows_where() {
    let text = r#"(module (func $inner unreachable) (func $outer (export "_start") call $inner))"#;
    run(&["-"]).stdin(text).done().says(134, &["trapped: unreachable", "0: inner", "1: outer"]);
}

#[test]
fn a_nested_loop_bomb_is_refused_before_the_compiler() {
    let loops = "loop ".repeat(30_000);
    let ends = "end ".repeat(30_000);
    let bomb = format!("(module (func (export \"_start\") {loops} {ends}))");
    run(&["-"]).stdin(bomb).done().says(126, &["invalid-module", "loop-nesting", "100"]);
}
