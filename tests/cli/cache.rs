//! What was compiled is kept, found again, and believed only if it is what was kept.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::ambit::{Done, ambit, run_at};

const HELLO: &str = "guests/bin/hello.wasm";

fn store() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    (dir, store)
}

fn run(store: &Path, words: &[&str]) -> Done {
    run_at("process", words).env("AMBIT_STORE", store).done()
}

/// Where the code of a run came from, and whether anything was compiled for it.
fn source(store: &Path, words: &[&str]) -> (String, bool) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("report.json");
    let done = run(store, &[&["--report", path.to_str().expect("UTF-8")], words].concat());
    assert_eq!(done.status, 0, "{done:?}");
    let report: Value = serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("JSON");
    let compiled = report["usage"]["compile_ns"].is_u64();
    (report["artifact"].as_str().expect("a source").to_owned(), compiled)
}

fn files(store: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(store.join("artifacts")).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn compiled() -> (String, bool) {
    ("compiled".into(), true)
}

fn cached() -> (String, bool) {
    ("cached".into(), false)
}

#[test]
fn a_module_is_compiled_once() {
    let (_dir, store) = store();
    assert_eq!(source(&store, &[HELLO]), compiled());
    assert_eq!(source(&store, &[HELLO]), cached());
    run(&store, &[HELLO]).prints("hello, world\n");
    run(&store, &["--verbose", HELLO]).says(0, &["compiled before"]);
    // Compiled otherwise, it is another artifact; a policy that compiles alike has the same.
    assert_eq!(source(&store, &["--fuel", "1G", HELLO]), compiled());
    assert_eq!(source(&store, &["--fuel", "2G", "--memory", "32MiB", HELLO]), cached());
    assert_eq!(files(&store, "code").len(), 2);
    // Components too, and functions of a module.
    assert_eq!(source(&store, &["guests/bin/hello-p2.wasm"]), compiled());
    assert_eq!(source(&store, &["guests/bin/hello-p2.wasm"]), cached());
    assert_eq!(source(&store, &["--invoke", "fib", "guests/bin/add.wasm", "10"]), compiled());
    assert_eq!(source(&store, &["--invoke", "fib", "guests/bin/add.wasm", "11"]), cached());
}

#[test]
fn without_a_cache_it_is_compiled_each_time() {
    let (_dir, store) = store();
    for _ in 0..2 {
        assert_eq!(source(&store, &["--no-cache", HELLO]), compiled());
    }
    assert!(!store.exists(), "nothing is kept");
}

#[test]
fn st_003_an_artifact_that_was_changed_is_compiled_again_and_that_is_said() {
    let changed = |extension: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let (_dir, store) = store();
        assert_eq!(source(&store, &[HELLO]), compiled());
        let [path] = files(&store, extension).try_into().expect("one file");
        let mut bytes = fs::read(&path).expect("readable");
        change(&mut bytes);
        fs::remove_file(&path).expect("removed");
        fs::write(&path, bytes).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("permissions");
        run(&store, &[HELLO]).says(0, &["is not used", "compiled again"]);
        assert_eq!(source(&store, &[HELLO]), cached(), "what is compiled then is kept");
    };
    changed("code", &|bytes| bytes[4096] ^= 1);
    changed("code", &|bytes| bytes.truncate(4096));
    changed("code", &|bytes| bytes.clear());
    changed("seal", &|bytes| bytes[20] ^= 1);
    changed("seal", &|bytes| bytes.truncate(7));
}

#[test]
fn a_cache_that_cannot_be_had_is_no_reason_not_to_run() {
    let (dir, store) = store();
    fs::write(&store, "a file").expect("written");
    // One that somebody named may have said that a signature is required.
    run(&store, &[HELLO]).says(126, &["cannot tell whether a signature is required", "store"]);
    run(&store.join("below"), &[HELLO]).says(126, &["cannot tell whether a signature is required"]);
    let home = dir.path().join("home");
    fs::create_dir_all(home.join(".local/share/ambit")).expect("made");
    fs::write(home.join(".local/share/ambit/store"), "a file").expect("written");
    run_at("process", &[HELLO]).env("HOME", &home).done().prints("hello, world\n");
    run_at("process", &["--verbose", HELLO]).env("HOME", &home).done().says(0, &["native code is not kept"]);
    // One artifact that is larger than all may be.
    let small = dir.path().join("small");
    run(&small, &["--cache-limit", "1KiB", HELLO]).prints("hello, world\n");
    run(&small, &["--cache-limit", "1KiB", "--verbose", HELLO]).says(0, &["larger than the cache may be"]);
}

#[test]
fn st_004_a_store_that_others_can_change_is_refused() {
    let (dir, store) = store();
    assert_eq!(source(&store, &[HELLO]), compiled());
    let link = dir.path().join("link");
    symlink(&store, &link).expect("a link");
    run(&link, &[HELLO]).says(125, &["is a symbolic link", "--store"]);
    fs::set_permissions(&store, Permissions::from_mode(0o777)).expect("permissions");
    run(&store, &[HELLO]).says(125, &["may be written to by others", "chmod go-w"]);
    // Nobody named it: the run goes on without, and says so.
    let home = dir.path().join("home");
    fs::create_dir_all(home.join(".local/share/ambit")).expect("made");
    symlink(&store, home.join(".local/share/ambit/store")).expect("a link");
    let done = run_at("process", &[HELLO]).env("HOME", &home).done();
    done.says(0, &["native code is not kept", "is a symbolic link"]);
    run_at("process", &["--quiet", HELLO]).env("HOME", &home).done().prints("hello, world\n");
}

#[test]
fn runs_at_the_same_time_share_one_store() {
    let (_dir, store) = store();
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || run(&store, &[HELLO]).prints("hello, world\n"))
        })
        .collect();
    runs.into_iter().for_each(|run| run.join().expect("no panic"));
    assert_eq!(source(&store, &[HELLO]), cached());
    assert_eq!((files(&store, "seal").len(), files(&store, "code").len()), (1, 1));
}

/// Large enough for it to be noted that it was admitted.
#[test]
fn a_large_module_is_read_in_full_once_for_each_set_of_rules() {
    let (dir, store) = store();
    let module = dir.path().join("large.wat");
    let body = "i32.const 7 drop ".repeat(100_000);
    fs::write(&module, format!("(module (func (export \"f\") (result i32) {body} i32.const 42))")).expect("written");
    let module = module.to_str().expect("UTF-8");
    let words = ["--invoke", "f", module];
    assert_eq!(source(&store, &words), compiled());
    assert_eq!(files(&store, "admitted").len(), 1);
    assert_eq!(source(&store, &words), cached());
    run(&store, &words).prints("42\n");
    // Rules that it does not pass: what was found under others counts for nothing.
    run(&store, &["--invoke", "f", "--limit", "body-size=100KiB", module]).says(126, &["body-size"]);
    assert_eq!(source(&store, &["--invoke", "f", "--limit", "functions=10", module]), cached());
    assert_eq!(files(&store, "admitted").len(), 2);
}

#[test]
fn a_grant_that_holds_the_store_is_worth_a_word() {
    let (dir, store) = store();
    let above = dir.path().to_str().expect("UTF-8");
    run(&store, &["--dir", &format!("{above}:/d"), HELLO]).says(0, &["holds the store", "--store"]);
    let beside = tempfile::tempdir().expect("a directory");
    run(&store, &["--dir", &format!("{}:/d", beside.path().display()), HELLO]).prints("hello, world\n");
}

#[test]
fn repeated_runs_use_it_too() {
    let (_dir, store) = store();
    let repeated = |isolation: &str| {
        let words = ["run", "--isolation", isolation, "--repeat", "3", "--json", HELLO];
        let done = ambit(&words).env("AMBIT_STORE", &store).done();
        assert_eq!(done.status, 0, "{done:?}");
        done
    };
    for isolation in ["tenant", "process"] {
        repeated(isolation);
    }
    assert_eq!(
        files(&store, "code").len(),
        2 + 1,
        "for guests that share a process, for those that do not, and what these rehearse"
    );
    let path = &files(&store, "seal")[0];
    let mut bytes = fs::read(path).expect("readable");
    bytes[20] ^= 1;
    fs::write(path, bytes).expect("written");
    let said = ["tenant", "process"].map(|isolation| repeated(isolation).stderr.contains("is not used"));
    assert!(said.contains(&true), "{said:?}");
}
