//! Shipped programs run as they would anywhere.

use crate::ambit::{LEVELS, ambit, run, run_at};

#[test]
fn a_program_a_component_and_a_function() {
    run(&["guests/bin/hello.wasm"]).done().prints("hello, world\n");
    run(&["guests/bin/hello-p2.wasm"]).done().prints("hello from a component\n");
    run(&["--invoke", "fib", "guests/bin/add.wasm", "20"]).done().prints("6765\n");
    run(&["--invoke", "add", "guests/bin/add.wasm", "-3", "0x10"]).done().prints("13\n");
    run(&["guests/wat/add.wat", "--invoke", "add", "1", "2"]).done().prints("3\n");
    run(&["--invoke", "get", "guests/bin/reactor.wasm"]).done().prints("42\n");
}

#[test]
fn unsigned_integers_wrap_as_the_help_says() {
    let same = r#"(module (func (export "f") (param i64) (result i64) (local.get 0)))"#;
    let (largest, wrapped) = (u64::MAX.to_string(), format!("{}\n", u64::MAX.cast_signed()));
    run(&["-", "--invoke", "f", &largest]).stdin(same).done().prints(&wrapped);
    run(&["-", "--invoke", "f", "0xffffffffffffffff"]).stdin(same).done().prints(&wrapped);
    run(&["-", "--invoke", "f", "18446744073709551616"]).stdin(same).done().says(126, &["argument 1", "i64"]);
    let help = ambit(&["run", "--help"]).done().stdout;
    assert!(help.contains(&largest), "{help}");
}

#[test]
fn standard_input_and_output() {
    run(&["guests/bin/json.wasm"]).stdin(r#"{"b":1,"a":2}"#).done().prints("{\"a\":2,\"b\":1,\"keys\":2}\n");
    let long: String = (0..200_000).map(|i| format!("{i}\n")).collect();
    run(&["guests/bin/cat.wasm"]).stdin(long.clone()).done().prints(&long);
    run(&["guests/bin/wc.wasm"]).stdin("one two\nthree\n").done().prints("2 3 14 -\n");
    run(&["guests/bin/filter.wasm", "two"]).stdin("one\ntwo\n").done().prints("two\n");
    run(&["--stdin", "none", "guests/bin/cat.wasm"]).stdin("not granted").done().prints("");
}

#[test]
fn the_exit_status_is_the_guests() {
    run(&["guests/bin/filter.wasm", "x"]).stdin("one\n").done().says(1, &[]);
    run(&["guests/hostile/wasi-020.wat"]).done().says(7, &[]);
    run(&["guests/hostile/wasi-021.wat"]).done().says(255, &["256", "no process can have"]);
}

#[test]
fn a_run_that_says_nothing_of_isolation_is_jailed() {
    let report = |words: &[&str]| {
        let done = ambit(&[&["run", "--report", "-"], words, &["guests/bin/hello.wasm"]].concat()).done();
        serde_json::from_str::<serde_json::Value>(&done.stderr).expect("JSON and nothing else")
    };
    assert_eq!(report(&[])["isolation"], "process");
    assert_eq!(report(&["--isolation", "none"])["isolation"], "none");
}

#[test]
fn quiet_silences_notes_and_no_error() {
    let quiet = |words: &[&str]| {
        let done = run(&[&["--quiet"], words].concat()).done();
        assert_eq!(done.stderr.lines().count(), 1, "{done:#?}");
        done
    };
    quiet(&["no-such-file.wasm"]).says(126, &["rejected: not-found"]);
    quiet(&["guests/hostile/inv-001.wat"]).says(126, &["rejected: invalid-module"]);
    quiet(&["guests/hostile/cpu-019.wat", "--invoke", "run"]).says(134, &["trapped"]);
    quiet(&["guests/hostile/cpu-001.wat", "--invoke", "run", "--fuel", "1000"]).says(123, &["limit exceeded: fuel"]);
    run(&["--quiet", "guests/hostile/wasi-021.wat"]).done().says(255, &[]).is_silent();
}

#[test]
fn what_went_wrong_is_said_once_however_verbose() {
    let once = |words: &[&str], what: &str| {
        let done = run(&[&["--verbose"], words].concat()).done();
        assert_eq!(done.stderr.matches(what).count(), 1, "{done:#?}");
        assert!(done.stderr.contains("wall "), "{done:#?}");
    };
    once(&["no-such-file.wasm"], "not-found");
    once(&["guests/hostile/cpu-001.wat", "--invoke", "run", "--fuel", "1000"], "limit exceeded");
    once(&["guests/bin/hello.wasm"], "exited with code 0");
}

#[test]
fn same_inputs_same_bits() {
    let clock = || run(&["--deterministic", "guests/bin/clock.wasm"]).done();
    let first = clock();
    assert!(first.stdout.contains("946684800"), "{first:?}");
    assert_eq!(first.stdout, clock().stdout);
    for level in LEVELS {
        assert_ne!(first.stdout, run_at(level, &["guests/bin/clock.wasm"]).done().stdout);
    }
    let seeded = |seed| run(&["--deterministic", "--random", seed, "guests/bin/clock.wasm"]).done().stdout;
    assert_ne!(seeded("1"), seeded("2"));
}

#[test]
fn two_at_once() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| run(&["guests/bin/hello.wasm"]).done())).collect();
    for thread in threads {
        thread.join().expect("no panic").prints("hello, world\n");
    }
}
