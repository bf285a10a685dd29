//! `ambit store`, and modules that are run by name.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    ambit::{Ambit, Done, ambit, run_at},
    place::Place,
};

const HELLO: &str = "guests/bin/hello.wasm";

struct Store(Place);

impl Store {
    fn new() -> Self {
        Self(Place::new())
    }

    fn at(&self, command: Ambit) -> Done {
        self.0.at(command)
    }

    fn does(&self, words: &[&str]) -> Done {
        self.0.does(&[&["store"], words].concat())
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        self.0.json(&[&["store"], words].concat())
    }

    /// The files below a directory of the store.
    fn files(&self, below: &str) -> Vec<PathBuf> {
        fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { walk(&path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(&self.0.path("store").join(below), &mut files);
        files
    }
}

#[test]
fn a_module_runs_by_name_version_tag_alias_and_digest() {
    let store = Store::new();
    let done = store.does(&["add", HELLO, "tools/hello@1.2.0", "--tag", "stable", "--description", "says hello"]);
    assert_eq!((done.status, done.stdout.contains("tools/hello@1.2.0 is sha256:")), (0, true), "{done:?}");
    store.does(&["add", "guests/bin/env.wasm", "tools/hello@2.0.0-rc.1"]).says(0, &[]);
    store.does(&["alias", "hi", "tools/hello"]).says(0, &[]);
    let digest = store.json(&["info", "tools/hello"])["digest"].as_str().expect("a digest").to_owned();
    for level in ["none", "process"] {
        for name in ["tools/hello", "tools/hello@1.2.0", "tools/hello@^1", "tools/hello:stable", "hi", "hi@1.2.0", &digest] {
            store.at(run_at(level, &[name])).prints("hello, world\n");
        }
    }
    let inspected = store.at(ambit(&["inspect", "--json", "hi"]));
    assert!(inspected.stdout.contains(&digest), "{inspected:?}");
    store.at(ambit(&["validate", "hi"])).says(0, &[]);
    let info = store.json(&["info", "hi"]);
    assert_eq!((&info["uses"], &info["tags"]), (&16.into(), &serde_json::json!(["stable"])));
    assert_eq!(info["metadata"]["description"], "says hello");
    // A file is a file; what looks like a version is none.
    store.at(run_at("process", &["./guests/bin/hello.wasm"])).prints("hello, world\n");
    store.at(run_at("process", &["tools/hello@3"])).says(126, &["not-found", "but versions 2.0.0-rc.1, 1.2.0", "./FILE"]);
    store.at(run_at("process", &["nothing"])).says(126, &["there is no `nothing` in the store", "ambit store ls"]);
    store.at(run_at("process", &["sha256:00"])).says(126, &["cannot read the module"]);
}

#[test]
fn what_is_listed() {
    let store = Store::new();
    assert_eq!(store.json(&["ls"]), serde_json::json!([]));
    store.does(&["add", HELLO, "b@1.0.0", "--label", "tools"]).says(0, &[]);
    store.does(&["add", HELLO, "a@1.10.0"]).says(0, &[]);
    store.does(&["add", "guests/bin/add.wasm", "a@1.9.0", "--tag", "live"]).says(0, &[]);
    store.does(&["add", "guests/bin/wc.wasm"]).says(0, &[]);
    store.does(&["pin", "b"]).says(0, &[]);
    let list = store.does(&["ls"]);
    let words: Vec<Vec<&str>> = list.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["NAME", "VERSION", "DIGEST", "SIZE", "STORED", "USES", "LAST", "USED", "MARKS"]);
    let named: Vec<(&str, &str)> = words[1..].iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(named, [("-", "-"), ("a", "1.9.0"), ("a", "1.10.0"), ("b", "1.0.0")]);
    assert!(list.stdout.contains(":live") && list.stdout.contains("pinned tools"), "{list:?}");
    assert_eq!(store.json(&["ls", "--label", "tools"]).as_array().map(Vec::len), Some(1));
    assert_eq!(store.json(&["--namespace", "theirs", "ls"]), serde_json::json!([]));
    let room = store.json(&["du"]);
    assert_eq!(room["modules"]["modules"], 3, "each counted once: {room}");
}

#[test]
fn what_the_store_will_not_do_it_says() {
    let store = Store::new();
    store.does(&["add", HELLO, "a@1.0.0"]).says(0, &[]);
    store.does(&["add", "guests/bin/add.wasm", "a@1.0.0"]).says(1, &["is never another module"]);
    store.does(&["add", HELLO, "a"]).says(2, &["no name with one version"]);
    store.does(&["add", HELLO, "A@1.0.0"]).says(2, &["lower-case"]);
    store.does(&["add", HELLO, "--tag", "x"]).says(1, &["a tag is of a name"]);
    store.does(&["add", HELLO, "b@1.0.0", "--depends", "c@^1"]).says(1, &["needs `c@^1`", "ambit store add"]);
    store.does(&["add", HELLO, "b@1.0.0", "--depends", "a@^1"]).says(0, &[]);
    store.does(&["rm", "a"]).says(2, &["which version"]);
    store.does(&["rm", "a@1.0.0"]).says(1, &["`b@1.0.0` needs `a@1.0.0`", "--force"]);
    store.does(&["info", "c"]).says(1, &["there is no `c`"]);
    store.does(&["untag", "a:none"]).says(1, &["no such thing"]);
    store.does(&["add", "guests/hostile/cpu-001.wat", "c@1.0.0"]).says(0, &[]);
    store.does(&["add", "Cargo.toml", "d@1.0.0"]).says(126, &["rejected"]);
    store.does(&["rm", "b@1.0.0"]).says(0, &[]);
    store.does(&["rm", "a@1.0.0"]).says(0, &[]);
    assert_eq!(store.json(&["gc"])["modules"]["unknown"], 0, "its bytes went with its last name");
}

#[test]
fn st_001_a_module_that_was_changed_does_not_run() {
    let store = Store::new();
    store.does(&["add", HELLO, "a@1.0.0"]).says(0, &[]);
    let [blob] = store.files("blobs").try_into().expect("one");
    let mut bytes = fs::read(&blob).expect("readable");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::set_permissions(&blob, fs::Permissions::from_mode(0o600)).expect("permissions");
    fs::write(&blob, bytes).expect("written");
    store.does(&["fsck"]).says(1, &[]);
    store.at(run_at("process", &["a"])).says(126, &["is damaged", "moved aside"]);
    store.does(&["fsck", "--repair"]).says(0, &[]);
    store.does(&["add", HELLO, "a@1.0.0"]).says(0, &[]);
    store.at(run_at("process", &["a"])).prints("hello, world\n");
}

#[test]
fn a_damaged_index_is_made_anew() {
    let store = Store::new();
    store.does(&["add", HELLO, "a@1.0.0", "--tag", "live"]).says(0, &[]);
    fs::write(store.0.path("store").join("index.sqlite"), "nothing like an index".repeat(500)).expect("written");
    store.does(&["ls"]).says(125, &["is damaged", "fsck --repair"]);
    store.at(run_at("process", &["a"])).says(126, &["fsck --repair"]);
    let repaired = store.does(&["fsck", "--repair"]);
    assert_eq!((repaired.status, repaired.stdout.contains("a new one was made")), (0, true), "{repaired:?}");
    store.at(run_at("process", &["a:live"])).prints("hello, world\n");
    store.does(&["fsck"]).says(0, &[]);
}

#[test]
fn native_code_is_kept_beside_the_modules() {
    let store = Store::new();
    store.does(&["add", HELLO, "a@1.0.0"]).says(0, &[]);
    store.at(run_at("process", &["a"])).prints("hello, world\n");
    let done = store.at(run_at("process", &["--verbose", HELLO]));
    done.says(0, &["compiled before"]);
    assert_eq!(store.json(&["du"])["native_code"]["artifacts"], 1);
    assert_eq!(store.json(&["gc", "--native-code"])["native_code"]["artifacts"], 1);
    assert_eq!(store.json(&["du"])["native_code"]["artifacts"], 0);
}

#[test]
fn every_verb_has_a_page_with_an_example() {
    let verbs = ["ls", "info", "add", "rm", "pin", "unpin", "tag", "untag", "alias", "unalias", "gc", "fsck"];
    for verb in verbs {
        let help = ambit(&["store", verb, "--help"]).done();
        assert!(help.status == 0 && help.stdout.contains("Example"), "{verb}: {help:?}");
        assert_eq!(ambit(&["man", &format!("store-{verb}")]).done().status, 0, "{verb}");
    }
}

#[test]
fn st_006_sixty_four_processes_add_the_same() {
    let store = Store::new();
    let add = |number: usize| {
        let name = if number.is_multiple_of(2) { format!("mine/m{number}@1.0.0") } else { "shared/hello@1.0.0".to_owned() };
        let mut command = ambit(&["store", "add", HELLO, &name]).env("AMBIT_STORE", store.0.path("store")).into_command();
        command.stdout(std::process::Stdio::null()).spawn().expect("started")
    };
    // The very first makes the store as well.
    let mut all: Vec<_> = (0..64).map(add).collect();
    all.iter_mut().for_each(|process| assert!(process.wait().expect("it ends").success()));
    assert_eq!(store.json(&["ls"]).as_array().map(Vec::len), Some(33));
    assert_eq!(store.files("blobs").len(), 1);
    assert_eq!(store.does(&["fsck"]).status, 0);
    assert_eq!(store.files("tmp").len(), 0);
}
