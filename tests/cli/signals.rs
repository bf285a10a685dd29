//! Ctrl-C.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::ambit::run;

fn interrupted(words: &[&str], times: u32) -> (Option<i32>, String) {
    let mut command = run(words).into_command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    // It says what it used once it runs; until then it may still be compiling, which an interrupt ends too.
    thread::sleep(Duration::from_millis(1500));
    for _ in 0..times {
        kill_process(pid, Signal::INT).expect("it runs");
        thread::sleep(Duration::from_millis(50));
    }
    let began = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(20), "it went on");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_interrupt_cancels() {
    for words in [&["guests/hostile/cpu-002.wat", "--invoke", "run"][..], &["guests/bin/sleep.wasm", "1000"]] {
        let (status, stderr) = interrupted(words, 1);
        assert_eq!(status, Some(130), "{stderr}");
        assert!(stderr.contains("cancelled by user"), "{stderr}");
    }
}
