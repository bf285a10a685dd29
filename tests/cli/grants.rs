//! Nothing is reachable that was not granted.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use crate::ambit::run;

#[test]
fn a_directory_is_read_only_unless_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("UTF-8");
    fs::write(dir.path().join("in"), "text\n").expect("written");
    run(&["guests/bin/cat.wasm", "/d/in"]).done().says(1, &[]);
    run(&["--dir", &format!("{path}:/d"), "guests/bin/cat.wasm", "/d/in"]).done().prints("text\n");
    let refused = run(&["--dir", &format!("{path}:/d"), "guests/bin/writer.wasm", "/d/out", "10"]).done();
    refused.says(1, &["denied by `dirs`", "--dir HOST:/d:rw"]);
    assert!(!dir.path().join("out").exists());
    run(&["--dir", &format!("{path}:/d:rw"), "guests/bin/writer.wasm", "/d/out", "10"]).done().says(0, &[]);
    assert_eq!(fs::metadata(dir.path().join("out")).expect("made").len(), 10);
}

#[test]
fn links_do_not_lead_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let inside = dir.path().join("inside");
    fs::create_dir(&inside).expect("made");
    fs::write(dir.path().join("secret"), "secret\n").expect("written");
    symlink("../secret", inside.join("link")).expect("linked");
    symlink("/etc/passwd", inside.join("absolute")).expect("linked");
    let grant = format!("{}:/d", inside.display());
    for path in ["/d/link", "/d/absolute", "/d/../secret", "/etc/passwd", "/d/./../secret"] {
        let done = run(&["--dir", &grant, "guests/bin/cat.wasm", path]).done();
        assert_eq!((done.status, done.stdout.as_str()), (1, ""), "{path}: {done:?}");
    }
}

#[test]
fn quotas_on_writing() {
    let dir = tempfile::tempdir().expect("a directory");
    let grant = format!("{}:/d:rw", dir.path().display());
    let write =
        |flags: &[&str], bytes: &str| run(&[&["--dir", &grant], flags, &["guests/bin/writer.wasm", "/d/f", bytes]].concat()).done();
    write(&["--limit", "file-size=1000"], "2000").says(1, &["denied by `file-size`"]);
    write(&["--limit", "disk=1000"], "2000").says(1, &["denied by `disk`"]);
    run(&["--tmp", "1000", "guests/bin/writer.wasm", "/tmp/f", "2000"]).done().says(1, &["denied by `tmp`"]);
    run(&["--tmp", "1MiB", "guests/bin/writer.wasm", "/tmp/f", "2000"]).done().says(0, &[]);
}

#[test]
fn the_environment_is_empty_unless_named() {
    run(&["guests/bin/env.wasm"]).env("SECRET", "1").done().prints("arg 0: env.wasm\n");
    run(&["--env", "A=b", "--env", "COPIED", "guests/bin/env.wasm", "--", "-x"])
        .env("COPIED", "yes")
        .done()
        .prints("arg 0: env.wasm\narg 1: -x\nenv A=b\nenv COPIED=yes\n");
    run(&["--env", "MISSING", "guests/bin/env.wasm"]).done().says(2, &["MISSING", "not set"]);
    let bytes = OsStr::from_bytes(b"\xff");
    run(&["--env", "BYTES", "guests/bin/env.wasm"])
        .env("BYTES", bytes)
        .done()
        .says(2, &["--env: the value of `BYTES` is not UTF-8"]);
    run(&["guests/bin/env.wasm", "--env"])
        .word(OsStr::from_bytes(b"BYTES=\xff"))
        .done()
        .says(2, &["--env: the value of `BYTES` is not UTF-8"]);
}

#[test]
fn a_grant_that_nothing_enforces_is_refused_by_name() {
    for (flags, grant) in [
        (&["--net", "example.org:443"][..], "net"),
        (&["--listen", "127.0.0.1:80"], "listen"),
        (&["--http", "GET https://example.org/"], "http"),
        (&["--kv", "bucket"], "kv"),
        (&["--secret", "key"], "secrets"),
    ] {
        let done = run(&[flags, &["guests/bin/hello.wasm"]].concat()).done();
        done.says(126, &["rejected: unenforceable", &format!("grant `{grant}`")]);
        assert_eq!(done.stdout, "", "nothing ran");
    }
}

#[test]
fn a_host_function_that_is_not_there_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("ambit.toml");
    fs::write(&config, "[grants]\nfunctions = ['kv.read']\n").expect("written");
    let done = run(&["--config", config.to_str().expect("UTF-8"), "guests/bin/hello.wasm"]).done();
    done.says(126, &["rejected: not-found", "grants `kv.read`", "a program that embeds Ambit adds them"]);
    assert_eq!(done.stdout, "", "nothing ran");
    // A module that needs one of those finds out too.
    let module = dir.path().join("m.wat");
    fs::write(&module, r#"(module (import "kv" "get" (func)) (func (export "_start")))"#).expect("written");
    run(&[module.to_str().expect("UTF-8")]).done().says(126, &["import-denied", "no import module `kv`"]);
}
