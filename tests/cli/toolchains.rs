//! One plug-in, `guests/wit/greet`, as four toolchains make it: components of four shapes, which are the same to whoever runs them.

use crate::{
    ambit::{LEVELS, ambit, root, run, run_at},
    skipped::skip,
};

/// Those that are checked in, and in what they are written.
const GREETERS: [(&str, &str); 3] =
    [("guests/bin/greet-rust.wasm", "Rust"), ("guests/bin/greet-c.wasm", "C"), ("guests/bin/greet-js.wasm", "JavaScript")];
/// The one in Python, which `test.sh` builds.
const IN_PYTHON: &str = "guests/built/greet-py.wasm";

/// It has the function of `guests/wit/greet`.
#[track_caller]
fn greets(path: &str) {
    let done = ambit(&["inspect", path]).done();
    let export = "export greet: func(who: person, times: u8) -> result<greeting, greet-error>;\n";
    assert!(done.stdout.contains(export), "{path}: {done:#?}");
}

#[test]
fn a_plug_in_is_a_program_in_rust_c_and_javascript() {
    for (path, language) in GREETERS {
        run(&[path]).done().prints(&format!("hello from {language}\n"));
        greets(path);
    }
}

/// Calls, and what all of them answer; and the one argument that does not fit.
const CALLS: [(&str, &str); 5] = [
    (
        r#"greet({name: "Zoë 🦀", titles: ["Dr.", "h. c."], language: some(greek)}, 2)"#,
        r#"ok({text: "Γεια σου, Dr. h. c. Zoë 🦀! Γεια σου, Dr. h. c. Zoë 🦀!", characters: 53})"#,
    ),
    (
        r#"greet({name: "Jürgen", titles: ["Prof.", "Dr."], language: some(german)}, 1)"#,
        r#"ok({text: "Guten Tag, Prof. Dr. Jürgen!", characters: 28})"#,
    ),
    // Options may be left out; what does not show is escaped.
    (r#"greet({name: "a\u{0}b\u{10ffff}\"", titles: []}, 1)"#, r#"ok({text: "Hello, a\u{0}b\u{10ffff}\"!", characters: 13})"#),
    (r#"greet({name: "x", titles: [], language: none}, 6)"#, "err(too-often(5))"),
    (r#"greet({name: "", titles: [], language: none}, 1)"#, "err(nameless)"),
];

#[track_caller]
fn answers(options: &[&str], path: &str) {
    for (call, answer) in CALLS {
        run(&[options, &["--invoke", call, path]].concat()).done().prints(&format!("{answer}\n"));
    }
}

#[test]
fn a_plug_in_answers_alike_in_rust_c_and_javascript() {
    for (path, _) in GREETERS {
        answers(&[], path);
    }
}

#[test]
fn arguments_of_a_plug_in_may_stand_by_themselves() {
    let person = r#"{name: "x", titles: []}"#;
    run(&["--invoke", "greet", GREETERS[0].0, person, "1"]).done().prints("ok({text: \"Hello, x!\", characters: 9})\n");
}

#[test]
fn what_a_plug_in_returns_is_json_in_the_report() {
    for level in LEVELS {
        let call = ["--report", "-", "--invoke", r#"greet({name: "x", titles: []}, 1)"#, GREETERS[0].0];
        let done = run_at(level, &call).done();
        let report: serde_json::Value = serde_json::from_str(&done.stderr).expect("a report");
        let expect = serde_json::json!([{"ok": {"text": "Hello, x!", "characters": 9}}]);
        assert_eq!(report["results"], expect, "{done:#?}");
    }
}

#[test]
fn what_does_not_fit_a_plug_in_is_said_with_its_place() {
    let refused = |call: &str, parts: &[&str]| {
        run(&["--invoke", call, GREETERS[0].0]).done().says(126, parts);
    };
    refused(
        r#"greet({name: "x", titles: [3]}, 1)"#,
        &["the arguments of `greet` do not fit: at `who.titles[0]`: expected string, found 3"],
    );
    refused(r#"greet({name: "x", titels: []}, 1)"#, &["at `who.titles`: expected list<string>, found `titels` instead"]);
    refused(r#"greet({name: "x", titles: [], age: 3}, 1)"#, &["found the field `age`"]);
    refused(r#"greet({name: "x", titles: []}, 256)"#, &["at `times`: expected u8, found 256"]);
    refused(r#"greet({name: "x", titles: []})"#, &["at `times`: expected u8, found nothing"]);
    refused(r#"greet({name: "x", titles: []}, 1, 2)"#, &["expected 2 arguments, found one more: 2"]);
    refused(r#"greet({name: "x", titles: []}, 1"#, &["expected values in parentheses, found the end"]);
    refused("gret()", &["there is no exported function `gret`; did you mean `greet`?"]);
    let deep = format!("greet({}", "[".repeat(100_000));
    refused(&deep, &["value nesting too deep"]);
    run(&["--invoke", "greet(1)", GREETERS[0].0, "2"]).done().says(126, &["arguments are given twice"]);
    // Each by itself is one, whatever is written in it.
    let alone = |args: &[&str], parts: &[&str]| {
        run(&[&["--invoke", "greet", GREETERS[0].0], args].concat()).done().says(126, parts);
    };
    alone(&[r#"{name: "x", titles: []}, 1"#], &["expected a value for each argument, found `, 1`"]);
    alone(&[r#"{name: "x", titles: []}"#, ""], &["expected a value for each argument, found the end"]);
    alone(&[r#"{name: "x", titles: []}"#, "1", "2"], &["expected 2 arguments, found one more: 2"]);
}

#[test]
fn a_plug_in_in_python_runs_in_256_mib() {
    if !root().join(IN_PYTHON).exists() {
        let reason = format!("there is no {IN_PYTHON}, which test.sh builds, and guests/build.sh py");
        return skip("a_plug_in_in_python_runs_in_256_mib", &reason);
    }
    run(&["--memory", "256MiB", IN_PYTHON]).done().prints("hello from Python\n");
    let (call, answer) = CALLS[0];
    run(&["--memory", "256MiB", "--invoke", call, IN_PYTHON]).done().prints(&format!("{answer}\n"));
    greets(IN_PYTHON);
}
