//! Images without a registry: `build`, `tag`, `images`, `rmi`, `export`, `import`.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use serde_json::{Value, json};

use crate::{
    ambit::{ambit, run_at},
    place::Place,
};

const HELLO: &str = "guests/bin/hello.wasm";
const IMAGE: &str = "localhost:5000/tools/hello:1.0";

#[test]
fn what_is_built_twice_is_the_same() {
    let place = Place::new();
    let build = |words: &[&str]| place.json(&[&["build", HELLO, "-t", IMAGE], words].concat())["digest"].clone();
    let digest = build(&[]);
    assert_eq!(build(&[]), digest);
    assert_ne!(build(&["--licenses", "MIT"]), digest);
    let dated = place.at(ambit(&["build", HELLO, "-t", IMAGE, "--json"]).env("SOURCE_DATE_EPOCH", "1700000000"));
    assert!(dated.status == 0 && !dated.stdout.contains(digest.as_str().expect("text")), "{dated:?}");
    place.at(ambit(&["build", HELLO, "-t", IMAGE]).env("SOURCE_DATE_EPOCH", "today")).says(1, &["SOURCE_DATE_EPOCH", "seconds"]);
}

#[test]
fn a_directory_is_built_with_what_a_file_says() {
    let place = Place::new();
    let dir = place.text("tool");
    fs::create_dir(&dir).expect("made");
    place.does(&["build", &dir, "-t", IMAGE]).says(1, &["0 .wasm files", "image.toml"]);
    for name in ["tool.wasm", "other.wasm"] {
        fs::copy(crate::ambit::root().join(HELLO), format!("{dir}/{name}")).expect("copied");
    }
    place.does(&["build", &dir, "-t", IMAGE]).says(1, &["2 .wasm files"]);
    let says = |text: &str| fs::write(format!("{dir}/image.toml"), text).expect("written");
    says("module = \"tool.wasm\"\ntitle = \"Hello\"\nlicenses = \"MIT\"\n[annotations]\n\"org.example.x\" = \"y\"\n");
    let layout = place.text("layout");
    place.does(&["build", &dir, "-o", &layout, "--licenses", "Apache-2.0"]).says(0, &[]);
    let read =
        |name: &str| serde_json::from_str::<Value>(&fs::read_to_string(format!("{layout}/{name}")).expect("read")).expect("JSON");
    let blob = |descriptor: &Value| {
        read(&format!("blobs/sha256/{}", descriptor["digest"].as_str().expect("text").trim_start_matches("sha256:")))
    };
    let manifest = blob(&read("index.json")["manifests"][0]);
    let annotations = json!({
        "org.example.x": "y", "org.opencontainers.image.title": "Hello", "org.opencontainers.image.licenses": "Apache-2.0",
    });
    assert_eq!(manifest["annotations"], annotations);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    let config = blob(&manifest["config"]);
    assert_eq!((&config["os"], &config["architecture"]), (&"wasip1".into(), &"wasm".into()));
    assert_eq!(config["layerDigests"], json!([manifest["layers"][0]["digest"]]));
    says("module = \"../tool.wasm\"");
    place.does(&["build", &dir, "-t", IMAGE]).says(1, &["is to be in it"]);
    says("modules = \"tool.wasm\"");
    place.does(&["build", &dir, "-t", IMAGE]).says(1, &["unknown field `modules`"]);
}

#[test]
fn a_component_says_what_it_needs_and_offers() {
    let place = Place::new();
    let layout = place.text("layout");
    place.does(&["build", "guests/bin/hello-p2.wasm", "-o", &layout]).says(0, &[]);
    let blobs = fs::read_dir(format!("{layout}/blobs/sha256")).expect("a directory");
    let texts: Vec<String> = blobs.filter_map(|entry| fs::read_to_string(entry.expect("an entry").path()).ok()).collect();
    let config = texts.iter().find(|text| text.contains("layerDigests")).expect("a configuration");
    assert!(config.contains("\"os\":\"wasip2\"") && config.contains("wasi:cli/run@0.2"), "{config}");
}

#[test]
fn an_image_goes_through_an_archive_and_a_directory() {
    let place = Place::new();
    let digest = place.json(&["build", HELLO, "-t", IMAGE])["digest"].clone();
    for name in ["image.tar", "layout"] {
        let output = place.text(name);
        place.does(&["export", IMAGE, "-o", &output]).says(0, &[]);
        let other = Place::new();
        assert_eq!(other.json(&["import", &output])[0]["resolved"], digest);
        for level in ["none", "process"] {
            other.at(run_at(level, &["--pull", "never", IMAGE])).prints("hello, world\n");
        }
        other.does(&["import", &output, "localhost:5000/other:x"]).says(0, &[]);
        other.at(run_at("process", &["--pull", "never", "localhost:5000/other:x"])).prints("hello, world\n");
    }
    // Of which name it is in an archive is its maker's choice, and takes nothing from an image that is here.
    place.does(&["build", "guests/bin/env.wasm", "-t", IMAGE]).says(0, &[]);
    place.does(&["import", &place.text("image.tar")]).says(1, &["--replace", digest.as_str().expect("text")]);
    assert_ne!(place.json(&["images"])[0]["resolved"], digest);
    place.does(&["import", "--replace", &place.text("image.tar")]).says(0, &[]);
    assert_eq!(place.json(&["images"])[0]["resolved"], digest);
    // A digest is a name that an image has or has not.
    let right = format!("localhost:5000/x@{}", digest.as_str().expect("text"));
    place.does(&["import", &place.text("image.tar"), &right]).says(0, &[]);
    place.does(&["export", &right, "-o", &place.text("pinned.tar")]).says(0, &[]);
    assert_eq!(Place::new().json(&["import", &place.text("pinned.tar")])[0]["tag"], Value::Null);
    let wrong = format!("localhost:5000/x@sha256:{}", "0".repeat(64));
    place.does(&["import", &place.text("image.tar"), &wrong]).says(1, &["digest mismatch"]);
    place.does(&["import", HELLO]).says(1, &["no archive"]);
    place.does(&["import", &place.text("nowhere")]).says(1, &["cannot read"]);
    place.does(&["import", "guests"]).says(1, &["oci-layout"]);
    let unnamed = place.text("unnamed");
    place.does(&["build", HELLO, "-o", &unnamed]).says(0, &[]);
    place.does(&["import", &unnamed]).says(1, &["none of its images has a name"]);
    place
        .does(&["export", "localhost:5000/nothing", "-o", &place.text("x")])
        .says(1, &["localhost:5000/nothing:latest", "ambit images"]);
}

#[test]
fn an_image_has_names_until_they_are_removed() {
    let place = Place::new();
    place.does(&["store", "add", HELLO, "tools/hello@1.2.0", "--license", "MIT"]).says(0, &[]);
    place.does(&["tag", "tools/hello@1.2.0", IMAGE]).says(0, &[]);
    place.does(&["tag", IMAGE, "localhost:5000/tools/hello:stable"]).says(0, &[]);
    let listed = place.does(&["images"]);
    let rows: Vec<Vec<&str>> = listed.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["REPOSITORY", "TAG", "DIGEST", "MODULE", "SIZE", "ADDED"]);
    let names: Vec<(&str, &str)> = rows[1..].iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(names, [("localhost:5000/tools/hello", "1.0"), ("localhost:5000/tools/hello", "stable")]);
    // What a module has to be known as is no image, and the other way round.
    assert_eq!(place.json(&["store", "ls"]).as_array().map(Vec::len), Some(1));
    place.does(&["store", "rm", "tools/hello@1.2.0"]).says(0, &[]);
    place.at(run_at("process", &["--pull", "never", "localhost:5000/tools/hello:stable"])).prints("hello, world\n");
    let digest = place.json(&["images"])[0]["resolved"].as_str().expect("text").to_owned();
    place.at(run_at("process", &["--pull", "never", &format!("localhost:5000/tools/hello@{digest}")])).prints("hello, world\n");
    let module = place.json(&["images"])[0]["module"]["digest"].as_str().expect("text").to_owned();
    place.does(&["store", "rm", &module]).says(1, &["is the module of an image", "ambit rmi localhost:5000/tools/hello:1.0"]);
    place.does(&["store", "pin", &module]).says(0, &[]);
    place.does(&["store", "unpin", &module]).says(0, &[]);
    assert_eq!(place.json(&["rmi", IMAGE])["freed"], false);
    assert_eq!(place.json(&["rmi", "localhost:5000/tools/hello:stable"])["freed"], true);
    assert_eq!(place.json(&["images"]), json!([]));
    place.does(&["rmi", IMAGE]).says(1, &["there is no", "ambit images"]);
    assert_eq!(place.json(&["store", "du"])["modules"]["bytes"], 0);
    place.does(&["tag", "nothing", IMAGE]).says(1, &["there is no `nothing`"]);
    place.does(&["tag", IMAGE, "hello:1"]).says(2, &["names no image", "ghcr.io/team/tool"]);
}

#[test]
fn what_cannot_be_an_image_is_refused() {
    let place = Place::new();
    let bad = place.text("bad.wasm");
    fs::write(&bad, b"\0asm\x01\0\0\0\xff").expect("written");
    place.does(&["build", &bad, "-t", IMAGE]).says(126, &["rejected"]);
    place.does(&["build", HELLO]).says(2, &["--output", "--tag"]);
    place.does(&["build", HELLO, "-o", "guests"]).says(1, &["oci-layout"]);
    place.at(run_at("process", &["--pull", "never", IMAGE])).says(126, &["not-found", "never to pull", "ambit pull"]);
    place.at(run_at("process", &["--pull", "perhaps", IMAGE])).says(2, &["if-not-present"]);
    // A port where nobody listens.
    place.does(&["pull", "localhost:1/x"]).says(1, &["cannot get", "refused"]);
}

#[test]
fn life_005_a_tag_that_moves_is_nothing_to_a_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let build = |guest: &str, note: u32| {
        let note = format!("note={note}");
        ambit(&["build", guest, "--annotation", &note, "-t", "localhost:1/m:1"]).env("AMBIT_STORE", &store).done()
    };
    assert_eq!(build("guests/bin/hello.wasm", 0).status, 0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for note in 0.. {
                if over.load(Relaxed) {
                    break;
                }
                let guest = if u32::is_multiple_of(note, 2) { "guests/bin/clock.wasm" } else { "guests/bin/hello.wasm" };
                assert_eq!(build(guest, note).status, 0);
            }
        });
        let runs: Vec<_> = (0..40)
            .map(|_| {
                ambit(&["run", "--isolation", "none", "--stdin", "none", "--pull", "never", "localhost:1/m:1"])
                    .env("AMBIT_STORE", &store)
                    .done()
            })
            .collect();
        over.store(true, Relaxed);
        runs.iter().for_each(|run| assert_eq!(run.status, 0, "{run:?}"));
    });
}
