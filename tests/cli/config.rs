//! Configuration files.

use std::fs;

use serde_json::Value;

use crate::ambit::{Done, run, run_at};

fn with(name: &str, text: &str, words: &[&str]) -> Done {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(name);
    fs::write(&path, text).expect("written");
    run(&[&["--config", path.to_str().expect("UTF-8")], words].concat()).done()
}

/// The policy in force, which is not the same at every level: at each it has what can be enforced there.
fn policy(name: &str, text: &str, words: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(name);
    fs::write(&path, text).expect("written");
    let flags = ["--config", path.to_str().expect("UTF-8"), "--print-policy", "guests/bin/hello.wasm"];
    let done = run_at("process", &[words, &flags].concat()).done();
    assert_eq!(done.status, 0, "{done:?}");
    serde_json::from_str(&done.stdout).expect("JSON")
}

#[test]
fn the_example_is_valid() {
    let done = run_at("process", &["--config", "examples/policy.toml", "--print-policy", "guests/bin/env.wasm"]).done();
    done.says(0, &[]);
}

#[test]
fn flags_win_over_the_file() {
    let text = "[limits]\nmemory = '8MiB'\nfiles = 7\n";
    let policy = policy("p.toml", text, &["--memory", "16MiB"]);
    assert_eq!(policy["limits"]["run"]["memory"], 16 << 20);
    assert_eq!(policy["limits"]["run"]["files"], 7);
}

#[test]
fn row_b1_names() {
    let text = "max_memory_pages: 16384\nmax_table_elements: 10000\nmax_instances: 10\nmax_tables: 10\nfuel_limit: 1000000000\n\
                epoch_deadline: 30m\nenable_wasi: true\nenable_threads: false\nenable_simd: true\n";
    let policy = policy("p.yaml", text, &[]);
    let run = &policy["limits"]["run"];
    assert_eq!(run["memory"], 1u64 << 30);
    assert_eq!(run["table-elements"], 10_000);
    assert_eq!(run["instances"], 10);
    assert_eq!(run["fuel"], 1_000_000_000);
    assert_eq!(run["wall-time"], "30m");
}

#[test]
fn row_b1_switches_are_obeyed() {
    with("p.toml", "enable_wasi = false", &["guests/bin/hello.wasm"]).says(126, &["import-denied"]);
    with("p.toml", "enable_simd = false", &["guests/bin/hello.wasm"]).prints("hello, world\n");
    let simd = r#"(module (func (export "_start") (drop (i32x4.splat (i32.const 1)))))"#;
    let dir = tempfile::tempdir().expect("a directory");
    let module = dir.path().join("simd.wat");
    fs::write(&module, simd).expect("written");
    let module = module.to_str().expect("UTF-8");
    with("p.toml", "enable_simd = false", &[module]).says(126, &["unsupported-feature", "simd"]);
    with("p.toml", "enable_simd = true", &[module]).prints("");
    with("p.toml", "enable_threads = true", &["guests/bin/hello.wasm"]).says(126, &["threads"]);
    with("p.toml", "cache_dir = '/var/cache'", &["guests/bin/hello.wasm"]).says(2, &["cache_dir"]);
}

#[test]
fn a_mistake_is_named() {
    let hello = &["guests/bin/hello.wasm"];
    with("p.toml", "memmory = 1", hello).says(2, &["memmory"]);
    with("p.toml", "[limits]\nmemry = '1MiB'", hello).says(2, &["memry", "did you mean `memory`"]);
    with("p.toml", "[limits]\nmemory = 0", hello).says(2, &["memory", "0 is not a limit"]);
    with("p.toml", "[limits]\nmemory = [1]", hello).says(2, &["p.toml", "line 2", "sequence", "expected a number", "64MiB"]);
    with("p.yaml", "limits:\n  memory: [1]\n", hello).says(2, &["p.yaml", "line 2", "sequence", "expected a number", "64MiB"]);
    with("p.toml", "[limits]\nmemory = -1", hello).says(2, &["line 2", "`-1`", "expected a number that is not negative"]);
    with("p.yaml", "limits:\n  memory: -1\n", hello).says(2, &["line 2", "`-1`", "expected a number that is not negative"]);
    with("p.yaml", "limits:\n  memory:\n", hello).says(2, &["line 2", "nothing, expected a number"]);
    with("p.toml", "[grants]\nrandom = true", hello).says(2, &["line 2", "boolean `true`", "expected a number"]);
    with("p.yaml", "grants:\n  random: true\n", hello).says(2, &["line 2", "boolean `true`", "expected a number"]);
    with("p.toml", "[grants]\ndirs = ['/tmp']", hello).says(2, &["grants.dirs", "HOST:GUEST"]);
    with("p.toml", "[grants]\ntmp = '0'", hello).says(2, &["grants.tmp", "nothing fits into 0 bytes"]);
    with("p.toml", "not toml", hello).says(2, &["p.toml"]);
    with("p.yaml", "limits: [1", hello).says(2, &["p.yaml"]);
    with("p.ini", "", hello).says(2, &[".toml"]);
    run(&["--config", "no-such.toml", "guests/bin/hello.wasm"]).done().says(2, &["no-such.toml"]);
    with("p.toml", "[grants]\nlogging = true", hello).says(126, &["unenforceable", "logging"]);
    with("p.toml", "[grants]\nmetrics = true", hello).says(126, &["unenforceable", "metrics"]);
    with("p.toml", "[grants.config]\nkey = 'value'", hello).says(126, &["unenforceable", "config"]);
}
