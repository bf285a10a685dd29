//! A mistake is named, with the remedy, and nothing runs.

use crate::ambit::{ambit, run, run_at};

#[test]
fn a_wrong_word_on_the_command_line() {
    let check = |words: &[&str], parts: &[&str]| {
        let done = ambit(words).done();
        done.says(2, parts);
        assert_eq!(done.stdout, "", "nothing ran");
    };
    let hello = "guests/bin/hello.wasm";
    check(&["run", "--memroy", "1MiB", hello], &["--memroy", "--memory"]);
    check(&["run", "--memory", "64mib", hello], &["--memory", "`mib`", "MiB"]);
    check(&["run", "--memory", "0", hello], &["0 is not a limit", "unlimited"]);
    check(&["run", "--timeout", "5", hello], &["--timeout", "`5`", "`2s`"]);
    check(&["run", "--limit", "memry=1MiB", hello], &["memry", "did you mean `memory`"]);
    check(&["run", "--limit", "memory", hello], &["KEY=VALUE"]);
    check(&["run", "--limit", "stack=64MiB", hello], &["stack", "8MiB"]);
    check(&["run", "--unlimited", "memori", hello], &["memori", "memory"]);
    check(&["run", "--feature", "gcc", hello], &["gcc", "gc"]);
    check(&["run", "--dir", "/tmp", hello], &["HOST:GUEST"]);
    check(&["run", "--dir", "/tmp:/t:x", hello], &["neither `ro` nor `rw`"]);
    check(&["run", "--tmp", "0", hello], &["--tmp", "nothing fits into 0 bytes"]);
    check(&["run", "--clock", "sundial", hello], &["sundial", "coarse"]);
    check(&["run", "--isolation", "proces", hello], &["proces", "process"]);
    check(&["run", "--profile", "termnal", hello], &["termnal", "terminal"]);
    check(&["run", "--allow-missing", "landlok", hello], &["landlok", "did you mean `landlock`"]);
    check(&["run", "--allow-syscall", "ptrace", hello], &["ptrace", "can never be allowed"]);
    check(&["run", "--deny-syscall", "wriite", hello], &["wriite"]);
    check(&["run", "--isolation", "none", "--classic-root", hello], &["--classic-root", "isolation `none` has none"]);
    check(&["rnu"], &["rnu", "Usage"]);
    check(&["run"], &["MODULE"]);
    check(&["run", "--verbos", hello], &["--verbose"]);
}

#[test]
fn a_flag_that_was_meant_for_the_program() {
    let hello = "guests/bin/hello.wasm";
    let check = |words: &[&str], word: &str| {
        let tip = format!("put program arguments after --: ambit run {hello} -- {word}\n");
        ambit(&[&["run"], words].concat()).done().says(2, &[&tip]);
    };
    check(&[hello, "--flag"], "--flag");
    check(&["--memory", "1MiB", hello, "--flag=3", "x"], "--flag=3");
    check(&[hello, "-la"], "-la");
    check(&[hello, "--verbos"], "--verbos");
    check(&[hello, "in.txt", "--timeout", "1s", "--flag"], "--flag");
    // Before the module it is ours.
    let ours = ambit(&["run", "--flag", hello]).done();
    assert!(ours.status == 2 && !ours.stderr.contains("put program arguments"), "{ours:?}");
    // Flags of ours may stand after the module, and what follows `--` is the program's.
    run(&["guests/bin/env.wasm", "x", "--env", "A=b", "--", "--flag"])
        .done()
        .prints("arg 0: env.wasm\narg 1: x\narg 2: --flag\nenv A=b\n");
}

#[test]
fn a_module_where_a_verb_should_stand() {
    for module in ["guests/bin/hello.wasm", "no-such-file.wasm", "Cargo.toml"] {
        ambit(&[module]).done().says(2, &[&format!("did you mean ambit run {module}")]);
    }
    let typo = ambit(&["rnu"]).done();
    assert!(!typo.stderr.contains("ambit run rnu"), "{typo:?}");
}

#[test]
fn a_module_that_cannot_run() {
    let check = |words: &[&str], parts: &[&str]| {
        let done = run(words).done();
        done.says(126, &[&["rejected:"], parts].concat());
        assert_eq!(done.stdout, "", "nothing ran");
    };
    check(&["no-such-file.wasm"], &["not-found", "no-such-file.wasm"]);
    check(&["guests"], &["not-found", "directory"]);
    check(&["Cargo.toml"], &["invalid-module"]);
    check(&["guests/hostile/imp-001.wat", "--invoke", "run"], &["import-denied"]);
    check(&["guests/bin/add.wasm"], &["not-found", "_start", "--invoke", "add"]);
    check(&["--invoke", "ad", "guests/bin/add.wasm"], &["not-found", "`ad`", "add"]);
    check(&["--invoke", "add", "guests/bin/add.wasm", "1"], &["policy", "takes 2 arguments, 1 was given"]);
    check(&["--invoke", "fib", "guests/bin/add.wasm"], &["policy", "takes 1 argument, 0 were given"]);
    check(&["--invoke", "add", "guests/bin/add.wasm", "1", "two"], &["argument 2", "`two`", "i32"]);
    check(&["--limit", "module-size=1000", "guests/bin/hello.wasm"], &["invalid-module", "module-size"]);
}

#[test]
fn a_text_that_does_not_parse_is_shown_by_its_name() {
    let text = "(module\n  (func foo))\n";
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("wrong.wat");
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    run(&[path]).done().says(126, &["invalid-module", &format!("{path}:2:9")]);
    ambit(&["validate", path]).done().says(126, &[&format!("{path}:2:9")]);
    run(&["-"]).stdin(text).done().says(126, &["stdin:2:9"]);
}

#[test]
fn what_cannot_be_enforced_is_refused() {
    let check = |words: &[&str], parts: &[&str]| {
        let done = run(&[words, &["guests/bin/hello.wasm"]].concat()).done();
        done.says(126, &[&["rejected: unenforceable"], parts].concat());
        assert_eq!(done.stdout, "", "nothing ran");
    };
    check(&["--limit", "connections=3"], &["connections", "the only value is 0"]);
    check(&["--limit", "net-bytes=1"], &["net-bytes", "the only value is 0"]);
    check(&["--unlimited", "connections"], &["connections", "the only value is 0"]);
    check(&["--engine", "wasmer"], &["engine `wasmer`", "not built into this program", "ambit engines"]);
    let hello = "guests/bin/hello.wasm";
    for (level, words, parts) in [
        ("none", &["--limit", "compile-time=1s", hello][..], &["limit `compile-time`", "compiler runs in this process"][..]),
        ("none", &["--limit", "compile-memory=1GiB", hello], &["limit `compile-memory`", "compiler runs in this process"]),
        ("tenant", &[hello], &["isolation `tenant`", "use `process`"]),
    ] {
        let done = run_at(level, words).done();
        done.says(126, &[&["rejected: unenforceable"], parts].concat());
        assert_eq!(done.stdout, "", "nothing ran");
    }
    // A compiler in a process of its own can be stopped.
    run_at("process", &["--limit", "compile-time=1s", "--limit", "compile-memory=1GiB", hello]).done().prints("hello, world\n");
    // What is so anyway may be asked for.
    run(&["--unlimited", "compile-time", "guests/bin/hello.wasm"]).done().prints("hello, world\n");
    run(&["--limit", "connections=0", "--limit", "net-bytes=0", "guests/bin/hello.wasm"]).done().prints("hello, world\n");
}

#[test]
fn a_profile_only_narrows() {
    let restricted = |words: &[&str]| run(&[&["--profile", "restricted", "--stdin", "none"], words].concat()).done();
    restricted(&["--memory", "128MiB", "guests/bin/add.wasm"]).says(126, &["rejected: policy", "memory", "at most 64MiB"]);
    restricted(&["--env", "A=1", "guests/bin/add.wasm"]).says(126, &["rejected: policy", "grant `env`"]);
    restricted(&["--feature", "gc", "guests/bin/add.wasm"]).says(126, &["rejected: policy", "feature"]);
    restricted(&["guests/bin/hello.wasm"]).says(126, &["import-denied", "wasi_snapshot_preview1"]);
    restricted(&["--memory", "1MiB", "--invoke", "add", "guests/bin/add.wasm", "1", "2"]).prints("3\n");
    run(&["--feature", "threads", "guests/bin/hello.wasm"]).done().says(126, &["unsupported-feature", "threads"]);
}
