//! `--repeat`: the same run many times.

use serde_json::Value;

use crate::ambit::{ambit, run, run_at};

fn json(words: &[&str]) -> Value {
    let done = ambit(words).done();
    assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{done:?}");
    serde_json::from_str(&done.stdout).expect("JSON")
}

#[test]
fn it_prints_percentiles_and_throughput() {
    for level in ["none", "tenant", "process"] {
        let words = ["--invoke", "fib", "--repeat", "50", "--concurrency", "2", "guests/bin/add.wasm", "10"];
        let done = run_at(level, &words).done();
        assert_eq!(done.status, 0, "{level}: {done:?}");
        for part in ["50 runs, 2 at a time: 50 exited with 0", "runs/s", "p50", "p99"] {
            assert!(done.stdout.contains(part), "{level}: {part}: {done:?}");
        }
        let summary = json(&["run", "--isolation", level, "--quiet", "--repeat", "20", "--json", "guests/bin/hello.wasm"]);
        assert_eq!(summary["runs"], 20);
        assert_eq!(summary["outcomes"]["exited with 0"], 20);
        let at = |name: &str| summary["latency_us"][name].as_f64().expect("a number");
        assert!(at("min") <= at("p50") && at("p50") <= at("p99") && at("p99") <= at("max"), "{level}: {summary}");
    }
}

#[test]
fn a_run_that_fails_gives_its_status_and_is_counted() {
    for level in ["none", "tenant", "process"] {
        let words = ["--invoke", "run", "--timeout", "300ms", "--repeat", "6", "--concurrency", "3", "guests/hostile/cpu-002.wat"];
        let done = run_at(level, &words).done();
        assert_eq!(done.status, 124, "{level}: {done:?}");
        assert!(done.stdout.contains("6 limit exceeded: wall-time"), "{level}: {done:?}");
        assert!(done.stderr.contains("the first run that failed: limit exceeded"), "{level}: {done:?}");
    }
}

#[test]
fn what_makes_no_sense_with_it_is_refused() {
    for args in [
        &["--repeat", "0", "guests/bin/hello.wasm"][..],
        &["--concurrency", "2", "guests/bin/hello.wasm"],
        &["--repeat", "2", "--report", "-", "guests/bin/hello.wasm"],
        &["--json", "guests/bin/hello.wasm"],
    ] {
        assert_eq!(run(args).done().status, 2, "{args:?}");
    }
}
