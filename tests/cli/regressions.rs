//! What once went wrong, each with the least that shows it.

use std::{fs, os::unix::fs::symlink, process::Stdio};

use crate::ambit::{LEVELS, run, run_at};

/// WASI preview 1 with memory and a path at 64.
fn program(imports: &str, path: &str, body: &str) -> String {
    format!(r#"(module {imports} (memory (export "memory") 32) (data (i32.const 64) "{path}") (func (export "_start") {body}))"#)
}

const OPEN: &str = r#"(import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"#;

#[test]
fn positioned_writes_to_a_file_that_appends_count_where_they_land() {
    let dir = tempfile::tempdir().expect("a directory");
    let grant = format!("{}:/d:rw", dir.path().display());
    let imports =
        format!(r#"{OPEN} (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))"#);
    // Created for appending; then 64 KiB at offset 0, again and again.
    let body = r#"(local $left i32)
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 1) (i64.const 64) (i64.const 0)
            (i32.const 1) (i32.const 0)))
        (i32.store (i32.const 16) (i32.const 65536)) (i32.store (i32.const 20) (i32.const 65536))
        (local.set $left (i32.const 40))
        (loop (drop (call $pwrite (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i64.const 0) (i32.const 32)))
            (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"#;
    let text = program(&imports, "file", body);
    run(&["--dir", &grant, "--limit", "file-size=128KiB", "-"]).stdin(text).done().says(0, &["denied by `file-size`"]);
    assert_eq!(fs::metadata(dir.path().join("file")).expect("made").len(), 128 << 10);
}

#[test]
fn an_exclusive_open_that_fails_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("keep"), "kept").expect("written");
    let grant = format!("{}:/d:rw", dir.path().display());
    // CREAT, EXCL and TRUNC together: 20 is EEXIST.
    let body = r#"(if (i32.ne (i32.const 20) (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 13)
        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0))) (then unreachable))"#;
    run(&["--dir", &grant, "-"]).stdin(program(OPEN, "keep", body)).done().says(0, &[]);
    assert_eq!(fs::read_to_string(dir.path().join("keep")).expect("there"), "kept");
}

#[test]
fn a_file_is_made_through_a_link_to_nothing_if_it_lies_inside() {
    let dir = tempfile::tempdir().expect("a directory");
    let inside = dir.path().join("inside");
    fs::create_dir_all(inside.join("sub")).expect("made");
    symlink("sub/target", inside.join("near")).expect("linked");
    symlink("../target", inside.join("far")).expect("linked");
    let grant = format!("{}:/d:rw", inside.display());
    // Follows links, for writing, with these flags of opening: 1 is CREAT, 5 is CREAT and EXCL.
    let opens = |name: &str, flags: i32, errno: i32| {
        let body = format!(
            r#"(if (i32.ne (i32.const {errno}) (call $open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const {})
                (i32.const {flags}) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0))) (then unreachable))"#,
            name.len()
        );
        run(&["--dir", &grant, "--limit", "files=1", "-"]).stdin(program(OPEN, name, &body)).done().says(0, &[]);
    };
    const EXIST: i32 = 20;
    const NOTCAPABLE: i32 = 76;
    opens("near", 5, EXIST);
    assert!(!inside.join("sub/target").exists(), "an exclusive open does not follow");
    opens("near", 1, 0);
    assert!(inside.join("sub/target").is_file());
    assert!(inside.join("near").is_symlink());
    opens("far", 1, NOTCAPABLE);
    assert!(!dir.path().join("target").exists());
}

#[test]
fn what_cannot_be_written_does_not_open_for_writing() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("file"), "text").expect("written");
    let imports = format!(r#"{OPEN} (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $stat (param i32 i32) (result i32)))"#);
    // As C's library does: of the rights it needs (2 is reading, 64 writing) it asks for those that the directory passes on.
    let opens = |access: &str, needs: i64, errno: i32| {
        let body = format!(
            r#"(if (call $stat (i32.const 3) (i32.const 128)) (then unreachable))
            (if (i32.ne (i32.const {errno}) (call $open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 4) (i32.const 0)
                (i64.and (i64.const {needs}) (i64.load (i32.const 144))) (i64.load (i32.const 144))
                (i32.const 0) (i32.const 0))) (then unreachable))"#
        );
        let grant = format!("{}:/d:{access}", dir.path().display());
        run(&["--dir", &grant, "-"]).stdin(program(&imports, "file", &body)).done().says(0, &[]);
    };
    const ROFS: i32 = 69;
    opens("rw", 2 | 64, 0);
    opens("ro", 2, 0);
    opens("ro", 2 | 64, ROFS);
    opens("ro", 64, ROFS);
}

#[test]
fn a_guest_cannot_lead_the_report_astray() {
    let imports = r#"(import "wasi_snapshot_preview1" "path_symlink" (func $link (param i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))"#;
    // `../victim` is refused at the top, and allowed one directory down, where it stays inside.
    let body = r#"(drop (call $unlink (i32.const 3) (i32.const 74) (i32.const 11)))
        (if (i32.eqz (call $link (i32.const 64) (i32.const 9) (i32.const 3) (i32.const 74) (i32.const 11))) (then unreachable))
        (if (call $link (i32.const 64) (i32.const 9) (i32.const 3) (i32.const 86) (i32.const 5)) (then unreachable))"#;
    let text = program(imports, "../victim\\00report.json\\00sub/l", body);
    for level in LEVELS {
        let dir = tempfile::tempdir().expect("a directory");
        let inside = dir.path().join("inside");
        fs::create_dir_all(inside.join("sub")).expect("made");
        fs::write(dir.path().join("victim"), "untouched").expect("written");
        let grant = format!("{}:/d:rw", inside.display());
        let report = inside.join("report.json");
        let words = ["--dir", &grant, "--report", report.to_str().expect("UTF-8"), "-"];
        run_at(level, &words).stdin(text.clone()).done().says(0, &["denied by `dirs`"]);
        assert_eq!(fs::read_to_string(dir.path().join("victim")).expect("there"), "untouched", "{level}");
    }
}

#[test]
fn a_deadline_covers_a_module_and_an_input_that_never_come() {
    let dir = tempfile::tempdir().expect("a directory");
    let fifo = dir.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let fifo = fifo.to_str().expect("UTF-8");
    run(&["--timeout", "300ms", fifo]).done().says(124, &["wall-time"]);
    run(&["--timeout", "300ms", "--stdin", fifo, "guests/bin/cat.wasm"]).done().says(124, &["wall-time"]);
}

#[test]
fn a_full_stderr_is_no_panic() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let dir = tempfile::tempdir().expect("a directory");
    let report = dir.path().join("report.json");
    for level in LEVELS {
        let mut command = run_at(level, &["guests/bin/hello.wasm"]).into_command();
        let output = command.stdin(Stdio::null()).stderr(full()).output().expect("it ends");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"hello, world\n"[..]), "{level}");
        let words = ["--report", report.to_str().expect("UTF-8"), "guests/hostile/cpu-019.wat", "--invoke", "run"];
        let status = run_at(level, &words).into_command().stdin(Stdio::null()).stderr(full()).status().expect("it ends");
        assert_eq!(status.code(), Some(134), "{level}");
        assert!(fs::read_to_string(&report).expect("written").contains("trapped"), "{level}");
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_the_guest() {
    let text = r#"(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
        (func (export "_start") (loop (call $log (i32.const 0) (i32.const 4096)) (br 0))))"#;
    let dir = tempfile::tempdir().expect("a directory");
    let module = dir.path().join("flood.wat");
    fs::write(&module, text).expect("written");
    let words = ["--timeout", "300ms", "--unlimited", "log-bytes", "--unlimited", "log-rate"];
    for level in LEVELS {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let report = dir.path().join(level);
        let report_flag = ["--report", report.to_str().expect("UTF-8"), module.to_str().expect("UTF-8")];
        let mut command = run_at(level, &[&words[..], &report_flag].concat()).into_command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).spawn().expect("it starts");
        drop(command);
        // The report is written though nobody has read a byte yet.
        let written = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            fs::read_to_string(&report).is_ok_and(|text| text.contains("wall-time"))
        });
        assert!(written, "{level}: the guest was ended and reported");
        drop(reader);
        assert_eq!(child.wait().expect("it ends").code(), Some(124), "{level}");
    }
}

#[test]
fn two_directories_at_one_place_are_refused() {
    let twice = ["--dir", "guests:/d", "--dir", "examples:/d", "guests/bin/hello.wasm"];
    run(&twice).done().says(126, &["policy", "two directories are granted as `/d`"]);
}
