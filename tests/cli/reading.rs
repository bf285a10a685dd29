//! The verbs that only read.

use serde_json::Value;

use crate::ambit::ambit;

fn json(words: &[&str]) -> Value {
    let done = ambit(words).done();
    assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{done:?}");
    serde_json::from_str(&done.stdout).expect("JSON")
}

#[test]
fn inspect_says_what_a_module_is_and_wants() {
    let hello = json(&["inspect", "--json", "guests/bin/hello.wasm"]);
    assert_eq!(hello["kind"], "module");
    assert!(hello["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
    assert_eq!(hello["programs"][0], "_start");
    let imports = hello["imports"].as_array().expect("a list");
    assert!(imports.iter().any(|import| import["name"] == "wasi_snapshot_preview1 fd_write"), "{imports:?}");
    assert!(!hello["risks"].as_array().expect("a list").is_empty(), "facts, never a verdict");

    let component = json(&["inspect", "--json", "guests/bin/hello-p2.wasm"]);
    assert_eq!(component["kind"], "component");
    assert!(component["programs"][0].as_str().is_some_and(|name| name.starts_with("wasi:cli/run@0.2.")));

    let people = ambit(&["inspect", "guests/bin/writer.wasm"]).done();
    for part in
        ["Imports:", "Exports:", "Shape, against the limits of the profile `default`", "Could ask for", "Facts worth knowing"]
    {
        assert!(people.stdout.contains(part), "{part}: {people:?}");
    }
    assert!(!people.stdout.contains("\u{1b}["), "no colours in a pipe");
}

#[test]
fn inspect_compares_with_the_profile_it_names() {
    // Exceptions are what `terminal` allows unasked and `default` does not.
    let dir = tempfile::tempdir().expect("a directory");
    let module = dir.path().join("throws.wat");
    std::fs::write(&module, "(module (tag $t) (func (throw $t)))").expect("written");
    let module = module.to_str().expect("UTF-8");
    let inspect = |words: &[&str]| json(&[&["inspect", "--json", module], words].concat());
    assert_eq!((&inspect(&[])["profile"], &inspect(&[])["opt_in"]), (&"default".into(), &serde_json::json!(["exceptions"])));
    let terminal = inspect(&["--profile", "terminal"]);
    assert_eq!((&terminal["profile"], &terminal["opt_in"]), (&"terminal".into(), &serde_json::json!([])));
    let people = ambit(&["inspect", "--profile", "terminal", module]).done();
    assert!(people.stdout.contains("the limits of the profile `terminal`"), "{people:?}");
}

#[test]
fn validate() {
    let done = ambit(&["validate", "guests/bin/hello.wasm"]).done();
    assert!(done.stdout.starts_with("valid: module sha256:"), "{done:?}");
    ambit(&["validate", "guests/hostile/inv-001.wat"]).done().says(126, &["invalid-module"]);
    ambit(&["validate", "guests/hostile/mem-013.wat"]).done().says(126, &["unsupported-feature", "gc"]);
    let gc = ambit(&["validate", "--feature", "gc", "guests/hostile/mem-013.wat"]).done();
    assert_eq!(gc.status, 0, "{gc:?}");
    ambit(&["validate", "--limit", "functions=1", "guests/bin/hello.wasm"]).done().says(126, &["functions"]);
}

#[test]
fn limits_say_who_enforces_and_what_is_refused() {
    let limits = json(&["limits", "--json"]);
    let run = limits["run"].as_array().expect("a list");
    let row = |name: &str| run.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(row("memory")["value"], "64MiB");
    assert_eq!(row("memory")["enforcement"][0]["by"], "the store's limiter");
    for refused in ["compile-time", "compile-memory", "connections"] {
        assert!(row(refused)["enforcement"][0]["refused"].is_string(), "{refused}");
    }
    assert_eq!(json(&["limits", "--json", "--profile", "terminal"])["run"][0]["value"], "512MiB");
    let people = ambit(&["limits"]).done();
    assert!(people.stdout.contains("the CPU clock of the compiler's process"), "of the level that is the default: {people:?}");
    let inside = ambit(&["limits", "--isolation", "none"]).done();
    assert!(inside.stdout.contains("refused: the compiler runs in this process"), "{inside:?}");
    let heading = |profile: &str| ambit(&["limits", "--profile", profile]).done().stdout.lines().next().expect("a line").to_owned();
    assert_eq!(people.stdout.lines().next(), Some(&*heading("default")), "the default is `default`");
    for (profile, part) in [("default", "start from `terminal`"), ("terminal", "`ambit run`"), ("minimal", "--profile")] {
        assert!(heading(profile).contains(&format!("profile `{profile}`")) && heading(profile).contains(part), "{profile}");
    }
}

#[test]
fn engines_and_completions() {
    let engines = json(&["engines", "--json"]);
    assert_eq!(engines[0]["engine"], "wasmtime");
    assert!(engines[0]["version"].as_str().is_some_and(|version| version.starts_with("48.")));
    for shell in ["bash", "zsh", "fish"] {
        let done = ambit(&["completions", shell]).done();
        assert!(done.status == 0 && done.stdout.contains("ambit"), "{shell}");
    }
}

#[test]
fn every_verb_has_help_with_an_example() {
    for verb in ["run", "inspect", "validate", "limits", "engines", "completions"] {
        let done = ambit(&[verb, "--help"]).done();
        assert!(done.status == 0 && done.stdout.contains("xample"), "{verb}: {done:?}");
    }
}

#[test]
fn inspect_shows_the_world_of_a_component() {
    let component = json(&["inspect", "--json", "guests/bin/hello-p2.wasm"]);
    let wit = component["world"]["wit"].as_str().expect("text");
    for part in ["world root {", "import wasi:cli/stdout@0.2.", "export wasi:cli/run@0.2."] {
        assert!(wit.contains(part), "{part}: {wit}");
    }
    let closure = component["world"]["import_closure"].as_array().expect("a list");
    let streams =
        closure.iter().find(|needed| needed["interface"].as_str().is_some_and(|name| name.starts_with("wasi:io/streams@")));
    let streams = streams.expect("what stdout leans on");
    let uses = streams["uses"].as_array().expect("a list");
    assert!(uses.iter().any(|used| used.as_str().is_some_and(|name| name.starts_with("wasi:io/error@"))), "{streams}");

    let nested = component["nested"].as_array().expect("a list");
    let of_kind = |kind: &str| nested.iter().filter(|inner| inner["kind"] == kind).collect::<Vec<_>>();
    // The program, and what adapts it; and a component for what it exports.
    assert!(of_kind("module").len() > 1 && of_kind("component").len() == 1, "{nested:?}");
    assert!(of_kind("module").iter().any(|inner| inner["bytes"].as_u64().is_some_and(|bytes| bytes > 4000)), "{nested:?}");
    for inner in nested {
        assert_eq!(inner["depth"], 1, "{inner}");
        assert!(inner["imports"].as_u64().zip(inner["exports"].as_u64()).is_some_and(|(one, other)| one + other > 0), "{inner}");
    }
    let people = ambit(&["inspect", "guests/bin/hello-p2.wasm"]).done();
    for part in ["\nWorld\n", "Import closure: ", "Modules and components within: "] {
        assert!(people.stdout.contains(part), "{part}: {people:?}");
    }
    let module = json(&["inspect", "--json", "guests/bin/hello.wasm"]);
    assert_eq!((&module["world"], &module["nested"]), (&Value::Null, &serde_json::json!([])));
}

#[test]
fn man_writes_a_page_for_every_verb() {
    let dir = tempfile::tempdir().expect("a directory");
    let pages = dir.path().join("man1");
    let done = ambit(&["man", "--to", pages.to_str().expect("UTF-8")]).done();
    assert_eq!((done.status, done.stdout.as_str(), done.stderr.as_str()), (0, "", ""), "{done:?}");
    let help = ambit(&["--help"]).done().stdout;
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<&str> = verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect();
    assert!(verbs.contains(&"run") && verbs.contains(&"man"), "{verbs:?}");
    for verb in &verbs {
        let page = std::fs::read_to_string(pages.join(format!("ambit-{verb}.1"))).expect("a page");
        assert!(page.contains(".TH") && page.contains(".SH OPTIONS") && page.contains("Example"), "{verb}: {page}");
    }
    let written = std::fs::read_dir(&pages).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    // Verbs have verbs: `ambit-store-ls.1`.
    let first = written.filter(|name| name.to_str().is_some_and(|name| name.matches('-').count() < 2));
    assert_eq!(first.count(), verbs.len() + 1);

    let run = ambit(&["man", "run"]).done();
    assert_eq!(run.stdout, std::fs::read_to_string(pages.join("ambit-run.1")).expect("a page"));
    let none = ambit(&["man", "walk"]).done();
    assert!(none.status == 2 && none.stderr.contains("no verb `walk`") && none.stderr.contains("inspect"), "{none:?}");
}
