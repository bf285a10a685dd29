//! The report: written for every outcome, in the promised shape.

use std::fs;

use serde_json::Value;

use crate::ambit::run;

fn report(words: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("report.json");
    let done = run(&[&["--report", path.to_str().expect("UTF-8")], words].concat()).done();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("no report: {error}: {done:?}"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn every_outcome_has_one() {
    let kind = |words: &[&str]| report(words)["outcome"]["kind"].as_str().expect("a kind").to_owned();
    assert_eq!(kind(&["guests/bin/hello.wasm"]), "exited");
    assert_eq!(kind(&["guests/hostile/cpu-019.wat", "--invoke", "run"]), "trapped");
    assert_eq!(kind(&["guests/hostile/cpu-001.wat", "--invoke", "run", "--fuel", "1000"]), "limit-exceeded");
    assert_eq!(kind(&["no-such-file.wasm"]), "rejected");
    assert_eq!(kind(&["guests/hostile/imp-001.wat"]), "rejected");
    assert_eq!(kind(&["--engine", "wasmi", "guests/bin/hello.wasm"]), "rejected");
}

#[test]
fn what_stands_in_it() {
    let report = report(&["--fuel", "1G", "--invoke", "fib", "guests/bin/add.wasm", "20"]);
    assert_eq!(report["outcome"], serde_json::json!({ "kind": "exited", "code": 0 }));
    assert_eq!(report["results"], serde_json::json!([6765]));
    assert_eq!(report["name"], "add.wasm");
    assert_eq!(report["engine"], "wasmtime");
    assert_eq!(report["isolation"], "none");
    assert_eq!(report["layers"], serde_json::json!([]));
    assert_eq!(report["policy"]["limits"]["run"]["compile-time"], "unlimited", "what is not enforced is said");
    let usage = report["usage"].as_object().expect("an object");
    for field in ["wall_ns", "cpu_ns", "compile_ns", "instantiate_ns", "fuel"] {
        assert!(usage[field].as_u64().is_some_and(|value| value > 0), "{field}: {usage:?}");
    }
    assert!(!usage.contains_key("queue_ns"), "unknown is absent");
}

#[test]
fn memory_is_named_with_what_was_asked_for() {
    let report = report(&["--memory", "8MiB", "--invoke", "execute_task", "guests/hostile/memory_bomber.wat"]);
    let outcome = &report["outcome"];
    assert_eq!((&outcome["limit"], &outcome["allowed"]), (&"memory".into(), &(8 << 20).into()));
    assert!(outcome["used"].as_u64() > Some(8 << 20), "{outcome}");
    assert_eq!(report["violations"][0]["rule"], "memory");
}

#[test]
fn to_stderr_or_not_at_all() {
    let done = run(&["--report", "-", "guests/bin/hello.wasm"]).done();
    assert_eq!(done.stdout, "hello, world\n");
    let report: Value = serde_json::from_str(&done.stderr).expect("JSON and nothing else");
    assert_eq!(report["outcome"]["kind"], "exited");
    run(&["--report", "/no/such/dir/report.json", "guests/bin/hello.wasm"]).done().says(125, &["cannot write the report"]);
    run(&["--report", "/dev/full", "guests/bin/hello.wasm"]).done().says(125, &["/dev/full"]);
}
