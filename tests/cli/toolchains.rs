//! One plug-in, `guests/wit/greet`, as four toolchains make it: components of four shapes, which are the same to whoever runs them.

use crate::{
    ambit::{ambit, root, run},
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

#[test]
fn a_plug_in_in_python_runs_in_256_mib() {
    if !root().join(IN_PYTHON).exists() {
        let reason = format!("there is no {IN_PYTHON}, which test.sh builds, and guests/build.sh py");
        return skip("a_plug_in_in_python_runs_in_256_mib", &reason);
    }
    run(&["--memory", "256MiB", IN_PYTHON]).done().prints("hello from Python\n");
    greets(IN_PYTHON);
}
