//! `ambit doctor`: what it says of this machine, of a user without rights on it, and where a layer is forbidden.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    ambit::{ambit, root},
    skipped::skip,
};

/// What it says as JSON, and its exit status.
fn report(output: &Output) -> (Value, i32) {
    let text = String::from_utf8_lossy(&output.stdout);
    let report =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code().expect("it ends by itself"))
}

fn level<'a>(report: &'a Value, name: &str) -> &'a Value {
    let levels = report["levels"].as_array().expect("a list");
    levels.iter().find(|level| level["level"] == name).expect("it is listed")
}

fn layer<'a>(report: &'a Value, name: &str) -> &'a Value {
    let layers = report["layers"].as_array().expect("a list");
    layers.iter().find(|layer| layer["layer"] == name).expect("it is listed")
}

/// What must hold anywhere.
fn check(report: &Value, status: i32) {
    let available = |name| level(report, name)["available"].as_bool().expect("yes or no");
    assert!(available("none"));
    assert_eq!(status, i32::from(!available("process")), "{report:#}");
    assert_eq!(available("process"), level(report, "process")["why"].is_null(), "{report:#}");
    for row in report["layers"].as_array().expect("a list").iter().chain(report["settings"].as_array().expect("a list")) {
        let here = row["here"].as_str().expect("a word");
        assert!(["yes", "in-part", "no", "unknown"].contains(&here), "{row}");
        // Whatever is missing has a remedy, and nothing else has.
        assert_eq!(row["remedy"].is_null(), ["yes", "unknown"].contains(&here), "{row}");
        assert!(row["purpose"].as_str().is_some_and(|purpose| !purpose.is_empty()), "{row}");
        let needed = available("process") && row["required"] == true;
        assert!(!needed || ["yes", "in-part"].contains(&here), "{row}");
    }
}

#[test]
fn what_it_says_is_what_runs_get() {
    let output = ambit(&["doctor", "--json"]).into_command().output().expect("it starts");
    let (said, status) = report(&output);
    check(&said, status);
    let ran = ambit(&["run", "--isolation", "process", "guests/bin/hello.wasm"]).done();
    assert_eq!(ran.status == 0, status == 0, "{}", ran.stderr);
    let done = ambit(&["doctor"]).done();
    assert_eq!(done.status, status);
    for row in said["layers"].as_array().expect("a list") {
        let name = row["layer"].as_str().expect("a name");
        assert!(done.stdout.lines().any(|line| line.starts_with(name)), "{name} is not in {}", done.stdout);
    }
    assert!(done.stdout.contains("isolation `process`: "), "{}", done.stdout);
}

#[test]
fn a_directory_that_cannot_be_granted_is_said() {
    let output = ambit(&["doctor", "--json", "--dir", "/nowhere/at-all"]).into_command().output().expect("it starts");
    let (said, status) = report(&output);
    check(&said, status);
    let granted = &said["settings"][0];
    assert_eq!((granted["name"].as_str(), granted["here"].as_str()), (Some("granted directories"), Some("no")));
    assert!(granted["detail"].as_str().is_some_and(|detail| detail.contains("`/nowhere/at-all`")), "{granted}");
}

#[test]
fn a_user_without_rights_is_told_of_its_own() {
    let Some((_dir, mut command)) = as_nobody("a_user_without_rights_is_told_of_its_own") else { return };
    let output = command.args(["sh", "-c", "exec \"$AMBIT\" doctor --json"]).output().expect("setpriv starts");
    let (said, status) = report(&output);
    check(&said, status);
}

#[test]
fn where_user_namespaces_are_forbidden_the_layer_is_named_with_its_remedy() {
    let test = "where_user_namespaces_are_forbidden_the_layer_is_named_with_its_remedy";
    let Some((_dir, mut command)) = as_nobody(test) else { return };
    // In a user namespace of its own, whose limit it may set: none below it.
    let forbid =
        "echo 0 >/proc/sys/user/max_user_namespaces || exit 77; exec setpriv --ambient-caps=-all --inh-caps=-all \"$0\" \"$@\"";
    let words = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", forbid];
    let forbidden = |command: &mut Command, script: &str| {
        let output = command.args(words).args(["sh", "-c", script]).output().expect("setpriv starts");
        (output.status.code() != Some(77) && !output.stdout.is_empty()).then_some(output)
    };
    let Some(output) = forbidden(&mut command, "exec \"$AMBIT\" doctor --json") else {
        return skip(test, "no user namespace whose limit could be set can be made here");
    };
    let (said, status) = report(&output);
    check(&said, status);
    assert_eq!(status, 1, "{said:#}");
    let users = layer(&said, "user-namespace");
    assert_eq!(users["here"], "no");
    assert!(users["remedy"].as_str().is_some_and(|remedy| remedy.contains("sysctl user.max_user_namespaces=")), "{users}");
    let why = level(&said, "process")["why"].as_str().expect("it is said why");
    assert!(why.starts_with("the layer `user-namespace` is missing"), "{why}");
    // What it says to do without is enough.
    assert!(why.contains("--allow-missing user-namespace"), "{why}");
    let flags = why.rsplit(": ").next().expect("the flags");
    let script = format!("exec \"$AMBIT\" run {flags} guests/bin/hello.wasm");
    let (_dir, mut command) = as_nobody(test).expect("as before");
    let ran = forbidden(&mut command, &script).expect("as before");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A command as nobody in a directory that is gone with the first, with a copy of the program that nobody may execute, in
/// `$AMBIT`; nothing if this is not root, who alone could make it.
fn as_nobody(test: &str) -> Option<(TempDir, Command)> {
    if !rustix::process::geteuid().is_root() {
        skip(test, "only root can become another user");
        return None;
    }
    let program = crate::program::program();
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("ambit");
    fs::copy(&program, &copy).expect("it is copied");
    for path in [dir.path(), &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("they are ours");
    }
    let guests = dir.path().join("guests/bin");
    fs::create_dir_all(&guests).expect("made");
    fs::copy(root().join("guests/bin/hello.wasm"), guests.join("hello.wasm")).expect("it is copied");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("AMBIT", &copy).current_dir(dir.path());
    Some((dir, command))
}
