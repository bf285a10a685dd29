//! The same commands with another engine.

use std::fs;

use serde_json::Value;

use crate::ambit::{Done, LEVELS, ambit, root, run, run_at};

const HELLO: &str = "guests/bin/hello.wasm";

#[test]
fn wasmi_runs_what_it_can_at_every_level() {
    run(&["--engine", "wasmi", HELLO]).done().prints("hello, world\n");
    run(&["--engine", "wasmi", "--invoke", "fib", "guests/bin/add.wasm", "20"]).done().prints("6765\n");
    run(&["--engine", "wasmi", "guests/bin/cat.wasm"]).stdin("through\n").done().prints("through\n");
    run(&["--engine", "wasmi", "--env", "A=1", "guests/bin/env.wasm"]).done().prints("arg 0: env.wasm\nenv A=1\n");
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("a.txt"), "a").expect("written");
    let granted = format!("{}:/data", dir.path().display());
    run(&["--engine", "wasmi", "--dir", &granted, "guests/bin/dirlist.wasm", "/data"]).done().says(0, &[]);
}

#[test]
fn the_report_names_the_engine_and_nothing_is_kept_of_its_code() {
    let dir = tempfile::tempdir().expect("a directory");
    for level in LEVELS {
        let path = dir.path().join(level);
        let done = run_at(level, &["--engine", "wasmi", "--report", path.to_str().expect("UTF-8"), HELLO])
            .env("AMBIT_STORE", dir.path().join("store"))
            .done();
        assert_eq!(done.status, 0, "{done:?}");
        let report: Value = serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("JSON");
        assert_eq!((&report["engine"], &report["artifact"]), (&"wasmi".into(), &Value::Null), "{level}");
        assert!(report["engine_version"].as_str().is_some_and(|version| version.starts_with("2.")), "{level}: {report}");
        assert!(report["usage"]["compile_ns"].is_u64(), "{level}: how long it took to translate it");
    }
    assert!(!dir.path().join("store/artifacts").exists());
}

#[test]
fn what_an_engine_cannot_do_is_refused_by_name() {
    let check = |words: &[&str], parts: &[&str]| {
        let done = run(&[&["--engine", "wasmi"], words].concat()).done();
        done.says(126, parts);
        assert_eq!(done.stdout, "", "nothing ran");
    };
    check(&["guests/bin/hello-p2.wasm"], &["unsupported-feature", "wasmi runs core modules", "--engine wasmtime"]);
    let words = ["--engine", "wasmi", "--limit", "compile-memory=1GiB", HELLO];
    run_at("process", &words).done().says(126, &["unenforceable", "limit `compile-memory`", "wasmi translates"]);
    let gc = ["--feature", "gc", "--feature", "function-references", "--invoke", "run", "guests/hostile/mem-013.wat"];
    check(&gc, &["unsupported-feature", "`gc`", "--engine wasmtime"]);
    check(&["--fuel", "1M", "--invoke", "run", "guests/hostile/mem-006.wat"], &["unenforceable", "`table.grow`"]);
}

#[test]
fn translating_is_bounded_too() {
    let words = ["--engine", "wasmi", "--limit", "compile-time=1ms", "guests/bin/upper.wasm"];
    run_at("process", &words).done().says(126, &["compile-budget", "limit `compile-time`"]);
}

#[test]
fn wasmi_is_repeated_at_every_level() {
    for level in ["none", "tenant", "process"] {
        let done = run_at(level, &["--engine", "wasmi", "--repeat", "20", HELLO]).done();
        assert_eq!(done.status, 0, "{level}: {done:?}");
        assert!(done.stdout.contains("20 exited with 0"), "{level}: {}", done.stdout);
    }
}

#[test]
fn engines_and_their_limits_are_listed() {
    let done = ambit(&["engines", "--json"]).done();
    let engines: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let names: Vec<_> = engines.as_array().expect("a list").iter().map(|engine| engine["engine"].as_str()).collect();
    assert_eq!(names, [Some("wasmtime"), Some("wasmi")]);
    let done = ambit(&["limits", "--engine", "wasmi"]).done();
    assert!(done.stdout.contains("refused: wasmi translates a module in the process of the guest"), "{}", done.stdout);
    assert!(fs::read_to_string(root().join("docs/engines.md")).expect("the page").contains("32 bytes for each of the module"));
}

#[test]
fn an_engine_is_chosen_by_what_it_must_have_and_what_is_liked() {
    let check = |words: &[&str], status: i32, expect: &str| {
        let done = ambit(&[&["engines"], words].concat()).done();
        assert_eq!((done.status, done.stdout.as_str()), (status, expect), "{words:?}");
    };
    check(&["--require", "simd,fuel"], 0, "wasmtime\n");
    let less = "wasmtime\nnot wasmi: it would do, and is liked less: 1 to 10 of wasmtime\n";
    check(&["--require", "simd,fuel", "--explain"], 0, less);
    check(&["--require", "no-code", "--explain"], 0, "wasmi\nnot wasmtime: it lacks `no-code`\n");
    check(&["--require", "fuel", "--prefer", "start"], 0, "wasmi\n");
    check(&["--require", "gc,components", "--prefer", "start"], 0, "wasmtime\n");
    check(&["--require", "no-code,gc"], 1, "");
    check(&["--require", "threads", "--explain"], 1, "not wasmtime: it lacks `threads`\nnot wasmi: it lacks `threads`\n");
    ambit(&["engines", "--require", "simdd"]).done().says(2, &["there is no requirement of engines `simdd`", "`simd`"]);
}

#[test]
fn a_run_gets_the_engine_that_is_liked_best_of_those_that_can() {
    let check = |words: &[&str], parts: &[&str]| {
        run(&[&["-v"], words].concat()).done().says(0, parts);
    };
    check(&[HELLO], &["engine wasmtime; not wasmi: it would do, and is liked less"]);
    check(&["guests/bin/hello-p2.wasm"], &["engine wasmtime; not wasmi: wasmi runs core modules, and this is a component"]);
    check(&["--prefer", "start", HELLO], &["engine wasmi; not wasmtime: it would do, and is liked less"]);
    // One that it cannot run goes to one that can, and is read once.
    check(&["--prefer", "start", "guests/bin/hello-p2.wasm"], &["engine wasmtime; not wasmi: wasmi runs core modules"]);
    let gc = ["--prefer", "start", "--feature", "gc", "--memory", "1GiB", "--invoke", "run", "guests/hostile/mem-013.wat"];
    check(&gc, &["engine wasmtime; not wasmi: the module needs `function-references`, `gc`"]);
    let hello = fs::read(root().join(HELLO)).expect("a module");
    run(&["-v", "--prefer", "start", "-"]).stdin(hello).done().says(0, &["engine wasmi"]);
    run(&["--prefer", "start", "--engine", "wasmi", HELLO]).done().says(2, &["--prefer", "--engine"]);
    run_at("process", &["-v", "--prefer", "start", "--limit", "compile-memory=1GiB", HELLO]).done().says(0, &["engine wasmtime"]);
}

#[test]
fn two_engines_are_held_against_each_other() {
    let check = |words: &[&str]| run(&[&["-v", "--verify-with", "wasmi"], words].concat());
    let same = &["wasmtime and wasmi come to the same"];
    let said = |done: Done| {
        done.says(0, same);
        assert_eq!(done.stdout, "hello, world\n", "once");
    };
    said(check(&[HELLO]).done());
    check(&["guests/bin/cat.wasm"]).stdin("through\n").done().says(0, same);
    check(&["--invoke", "fib", "guests/bin/add.wasm", "20"]).done().says(0, same);
    check(&["--invoke", "run", "guests/hostile/cpu-019.wat"]).done().says(134, same);
    // A unit of fuel is another thing on each.
    check(&["--fuel", "1k", "--invoke", "run", "guests/hostile/cpu-001.wat"]).done().says(123, &["not compared: `fuel`"]);
    // What only one of them runs is a difference, and so is no success.
    let done = check(&["guests/bin/hello-p2.wasm"]).done();
    done.says(125, &["wasmtime and wasmi differ", "exited 0", "unsupported-feature"]);
    let dir = tempfile::tempdir().expect("a directory");
    // What is written is kept, and no more of it than that.
    let flood = dir.path().join("flood.wat");
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 3) (data (i32.const 0) "\00\00\01\00\00\00\01\00")
        (func (export "_start") (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))) (br 0))))"#;
    fs::write(&flood, text).expect("written");
    let done = check(&["--quiet", flood.to_str().expect("UTF-8")]).done();
    assert_eq!((done.status, done.stdout.len()), (123, 64 << 20), "{}", done.stderr);
    let granted = format!("{}:/data:rw", dir.path().display());
    check(&["--dir", &granted, HELLO]).done().says(126, &["`/data` can be written to", "--verify-with"]);
    check(&["--engine", "wasmi", "--verify-with", "wasmer", HELLO]).done().says(2, &["--verify-with"]);
}
