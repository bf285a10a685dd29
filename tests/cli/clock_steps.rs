//! The wall clock steps while a guest runs.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use crate::{
    ambit::{LEVELS, run_at},
    skipped::skip,
};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// Row life-010 of the catalogue of attacks.
#[test]
fn life_010_deadlines_are_on_the_monotonic_clock() {
    if !Path::new(LIBRARY).exists() {
        return skip("life-010", "needs libfaketime: apt-get install faketime");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let offset = dir.path().join("offset");
    for (level, step) in LEVELS.into_iter().flat_map(|level| [(level, "-3600"), (level, "+3600")]) {
        fs::write(&offset, "+0").expect("written");
        let faked = [
            ("LD_PRELOAD", LIBRARY),
            ("FAKETIME_TIMESTAMP_FILE", offset.to_str().expect("text")),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        let now = || {
            let output = Command::new("date").arg("+%s").envs(faked).output().expect("date runs");
            String::from_utf8_lossy(&output.stdout).trim().parse::<i64>().expect("seconds")
        };
        let before = now();
        let stepped = offset.clone();
        let stepper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(150));
            fs::write(stepped, step).expect("written");
        });
        let guest = ["--timeout", "500ms", "--report", "-", "--invoke", "run", "guests/hostile/cpu-002.wat"];
        let done = faked.into_iter().fold(run_at(level, &guest), |run, (name, value)| run.env(name, value)).done();
        stepper.join().expect("no panic");
        assert!((now() - before).abs() > 3000, "the clock has stepped by an hour");
        done.says(124, &["wall-time"]);
        let report = &done.stderr[done.stderr.find('{').expect("a report")..];
        let report: serde_json::Value = serde_json::from_str(report).expect("JSON");
        let wall = report["usage"]["wall_ns"].as_u64().expect("known");
        assert!((500_000_000..60_000_000_000).contains(&wall), "half a second, not an hour: {wall}");
    }
}
