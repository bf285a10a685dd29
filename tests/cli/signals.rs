//! Ctrl-C and termination.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::ambit::{LEVELS, run_at};

fn interrupted(level: &str, words: &[&str], signal: Signal) -> (Option<i32>, String) {
    let mut command = run_at(level, words).into_command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    // By then it listens to signals; it may still be reading or compiling, which a signal ends too.
    thread::sleep(Duration::from_millis(1500));
    kill_process(pid, signal).expect("it runs");
    let began = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(20), "it went on");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_interrupt_cancels() {
    for level in LEVELS {
        for words in [&["guests/hostile/cpu-002.wat", "--invoke", "run"][..], &["guests/bin/sleep.wasm", "1000"]] {
            let (status, stderr) = interrupted(level, words, Signal::INT);
            assert_eq!(status, Some(130), "{level}: {stderr}");
            assert!(stderr.contains("cancelled by user"), "{level}: {stderr}");
        }
    }
}

#[test]
fn a_signal_cancels_while_the_module_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    let (fifo, report) = (path("fifo"), path("report.json"));
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &*fifo, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    for (level, signal, flags) in [
        ("none", Signal::INT, &[][..]),
        ("none", Signal::TERM, &[]),
        ("none", Signal::INT, &["--timeout", "1h"]),
        ("process", Signal::INT, &[]),
        ("process", Signal::TERM, &["--timeout", "1h"]),
    ] {
        let (status, stderr) = interrupted(level, &[flags, &["--report", &report, &fifo]].concat(), signal);
        assert_eq!(status, Some(130), "{level}, {signal:?}: {stderr}");
        assert!(stderr.contains("cancelled by user"), "{stderr}");
        let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).expect("written")).expect("JSON");
        assert_eq!(report["outcome"], serde_json::json!({ "kind": "cancelled", "by": "user" }));
    }
}
