//! The report: written for every outcome, in the promised shape.

use std::fs;

use serde_json::Value;

use crate::ambit::{LEVELS, run, run_at};

fn report(level: &str, words: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("report.json");
    let done = run_at(level, &[&["--report", path.to_str().expect("UTF-8")], words].concat()).done();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("no report: {error}: {done:?}"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn every_outcome_has_one() {
    for level in LEVELS {
        let kind = |words: &[&str]| report(level, words)["outcome"]["kind"].as_str().expect("a kind").to_owned();
        assert_eq!(kind(&["guests/bin/hello.wasm"]), "exited");
        assert_eq!(kind(&["guests/hostile/cpu-019.wat", "--invoke", "run"]), "trapped");
        assert_eq!(kind(&["guests/hostile/cpu-001.wat", "--invoke", "run", "--fuel", "1000"]), "limit-exceeded");
        assert_eq!(kind(&["no-such-file.wasm"]), "rejected");
        assert_eq!(kind(&["guests/hostile/imp-001.wat"]), "rejected");
        assert_eq!(kind(&["--engine", "wasmer", "guests/bin/hello.wasm"]), "rejected");
    }
}

#[test]
fn what_stands_in_it() {
    for level in LEVELS {
        let report = report(level, &["--fuel", "1G", "--invoke", "fib", "guests/bin/add.wasm", "20"]);
        assert_eq!(report["outcome"], serde_json::json!({ "kind": "exited", "code": 0 }));
        assert_eq!(report["results"], serde_json::json!([6765]));
        assert_eq!(report["name"], "add.wasm");
        assert_eq!(report["engine"], "wasmtime");
        assert!(report["engine_version"].as_str().is_some_and(|version| version.starts_with("48.")), "{report}");
        assert_eq!(report["isolation"], level);
        let usage = report["usage"].as_object().expect("an object");
        for field in ["wall_ns", "cpu_ns", "compile_ns", "instantiate_ns", "fuel"] {
            assert!(usage[field].as_u64().is_some_and(|value| value > 0), "{level}: {field}: {usage:?}");
        }
        assert!(!usage.contains_key("queue_ns"), "unknown is absent");
    }
}

#[test]
fn the_layers_that_were_active_stand_in_it() {
    let report = |level| report(level, &["guests/bin/hello.wasm"]);
    let (none, process) = (report("none"), report("process"));
    assert_eq!(none["layers"], serde_json::json!([]));
    assert_eq!(none["policy"]["limits"]["run"]["compile-time"], "unlimited", "what is not enforced is said");
    let layers: Vec<&str> = process["layers"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for layer in ["closed-fds", "empty-environment", "landlock", "no-capabilities", "no-new-privs", "rlimits", "seccomp"] {
        assert!(layers.contains(&layer), "{layer}: {layers:?}");
    }
    assert_eq!(process["policy"]["limits"]["run"]["compile-time"], "1m");
}

/// Fields that one level has and another has not are none that a reader could rely on.
#[test]
fn every_level_has_the_same_fields() {
    fn fields(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| fields(value, &format!("{at}.{key}"), out)),
            _ => out.push(at.to_owned()),
        }
    }
    let at = |level, words: &[&str]| {
        let mut out = Vec::new();
        fields(&report(level, words), "", &mut out);
        out
    };
    for words in [
        &["guests/bin/hello.wasm"][..],
        &["guests/bin/hello-p2.wasm"],
        &["--fuel", "1G", "--invoke", "fib", "guests/bin/add.wasm", "20"],
        &["guests/hostile/cpu-019.wat", "--invoke", "run"],
        &["guests/hostile/cpu-001.wat", "--invoke", "run", "--fuel", "1000"],
        &["--memory", "8MiB", "--invoke", "execute_task", "guests/hostile/memory_bomber.wat"],
        &["no-such-file.wasm"],
        &["guests/hostile/imp-001.wat"],
        &["--invoke", "ad", "guests/bin/add.wasm"],
        &["--engine", "wasmer", "guests/bin/hello.wasm"],
    ] {
        assert_eq!(at("none", words), at("process", words), "{words:?}");
    }
    // Directories are looked for before the module is read, or after: nobody can rely on its digest then.
    for level in LEVELS {
        let missing = report(level, &["--dir", "/no/such/dir:/d", "guests/bin/hello.wasm"]);
        assert_eq!(missing["outcome"]["reason"], "not-found", "{level}: {missing}");
    }
    // What a process counted is lost with it, and what is unknown is absent.
    for words in [
        &["--timeout", "2s", "guests/bin/sleep.wasm", "1000"][..],
        &["--timeout", "2s", "guests/hostile/cpu-002.wat", "--invoke", "run"],
        &["--cpu-time", "100ms", "guests/hostile/cpu-002.wat", "--invoke", "run"],
    ] {
        let (none, process) = (at("none", words), at("process", words));
        assert!(process.iter().all(|field| none.contains(field)), "{words:?}: {none:?} {process:?}");
        for field in [".usage.wall_ns", ".usage.cpu_ns", ".usage.compile_ns", ".outcome.used"] {
            assert!(process.iter().any(|known| known == field), "{words:?}: {field}");
        }
    }
}

#[test]
fn memory_is_named_with_what_was_asked_for() {
    for level in LEVELS {
        let report = report(level, &["--memory", "8MiB", "--invoke", "execute_task", "guests/hostile/memory_bomber.wat"]);
        let outcome = &report["outcome"];
        assert_eq!((&outcome["limit"], &outcome["allowed"]), (&"memory".into(), &(8 << 20).into()), "{level}");
        assert!(outcome["used"].as_u64() > Some(8 << 20), "{level}: {outcome}");
        assert_eq!(report["violations"][0]["rule"], "memory");
    }
}

#[test]
fn to_stderr_or_not_at_all() {
    for level in LEVELS {
        let done = run_at(level, &["--report", "-", "guests/bin/hello.wasm"]).done();
        assert_eq!(done.stdout, "hello, world\n");
        let report: Value = serde_json::from_str(&done.stderr).expect("JSON and nothing else");
        assert_eq!(report["outcome"]["kind"], "exited");
    }
    run(&["--report", "/no/such/dir/report.json", "guests/bin/hello.wasm"]).done().says(125, &["cannot write the report"]);
    run(&["--report", "/dev/full", "guests/bin/hello.wasm"]).done().says(125, &["/dev/full"]);
}
