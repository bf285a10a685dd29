//! At a terminal, which is given to the command by `script`.

use std::process::{Command, Stdio};

use crate::{
    ambit::{LEVELS, root},
    skipped::skip,
};

/// What `ambit run` does with these words at a terminal: its exit status and what the terminal shows, stdout and stderr together. `None` if there is no `script` to make a terminal.
fn run(test: &str, level: &str, words: &[&str]) -> Option<(i32, String)> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} run --isolation {level} {}", crate::program::program().display(), quoted.join(" "));
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .current_dir(root())
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some((output.status.code().expect("it exits"), String::from_utf8_lossy(&output.stdout).into_owned())),
        Err(_) => {
            skip(test, "there is no `script` to make a terminal with");
            None
        }
    }
}

#[test]
fn nothing_is_drawn_once_the_guest_runs() {
    // Loops in loops: little to read, and a compiler is busy for longer than a person is patient.
    let loops = format!("{}{}", "loop ".repeat(10), "end ".repeat(10)).repeat(800);
    let text = format!(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 0) "\08\00\00\00\07\00\00\00prompt>")
            (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
                (loop (br 0)))
            (func {loops}))"#
    );
    let dir = tempfile::tempdir().expect("a directory");
    let module = dir.path().join("loops.wat");
    std::fs::write(&module, text).expect("written");
    // Fuel is metered at every level, and it is what takes the compiler so long.
    let words = ["--fuel", "1000G", "--cpu-time", "100ms", module.to_str().expect("UTF-8")];
    for level in LEVELS {
        let Some((status, shown)) = run("nothing_is_drawn_once_the_guest_runs", level, &words) else { return };
        let (before, after) = shown.split_once("prompt>").unwrap_or_else(|| panic!("{level}: no prompt: {status} {shown:?}"));
        assert!(before.contains("compiling"), "{level}: a spinner was shown: {before:?}");
        let plain = after.starts_with("ambit:") || after.starts_with("\u{1b}[1m\u{1b}[31mambit:");
        assert!(plain, "{level}: and then nothing drawn: {after:?}");
    }
}

/// A component that could read its standard input.
const READS: &str = r#"(component
    (import "wasi:io/streams@0.2.0" (instance $streams (export "input-stream" (type (sub resource)))))
    (alias export $streams "input-stream" (type $stream))
    (import "wasi:cli/stdin@0.2.0" (instance
        (alias outer 1 $stream (type $outer))
        (export "input-stream" (type $inner (eq $outer)))
        (export "get-stdin" (func (result (own $inner))))))
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#;

#[test]
fn a_terminal_that_is_not_given_is_noted_once() {
    const TEST: &str = "a_terminal_that_is_not_given_is_noted_once";
    let dir = tempfile::tempdir().expect("a directory");
    let component = dir.path().join("reads.wat");
    std::fs::write(&component, READS).expect("written");
    for level in LEVELS {
        let shown = |words: &[&str]| Some(run(TEST, level, words)?.1);
        let notes = |words: &[&str]| Some(shown(words)?.matches("--stdin inherit").count());
        let Some(count) = notes(&["guests/bin/cat.wasm"]) else { return };
        assert_eq!(count, 1, "{level}: {:?}", shown(&["guests/bin/cat.wasm"]));
        assert_eq!(notes(&["guests/bin/hello-p2.wasm"]), Some(0), "{level}: it imports nothing that reads");
        assert_eq!(notes(&[component.to_str().expect("UTF-8")]), Some(1), "{level}");
        for silent in [
            &["guests/bin/hello.wasm"][..],
            &["--quiet", "guests/bin/cat.wasm"],
            &["--stdin", "none", "guests/bin/cat.wasm"],
            &["--stdin", "inherit", "guests/bin/cat.wasm"],
            &["--stdin", "/dev/null", "guests/bin/cat.wasm"],
            &["--profile", "restricted", "--invoke", "add", "guests/bin/add.wasm", "1", "2"],
        ] {
            assert_eq!(notes(silent), Some(0), "{level}, {silent:?}: {:?}", shown(silent));
        }
    }
}
