//! Layouts that are damaged, or lie.

use std::{fs, path::Path};

use ambit_core::Digest;
use ambit_store::oci::{Fetched, Layout, MOST_MODULE, OciError};

use crate::content::{Content, module};

const NAME: &str = "localhost:5000/team/tool:1";

fn write(path: &Path) -> (Vec<u8>, Digest) {
    let module = module("good");
    let (_, parts) = Content::of(&module);
    Layout::write(path, &parts, module.bytes(), Some(&NAME.parse().expect("a reference"))).expect("written");
    (module.bytes().to_vec(), module.digest())
}

fn read(path: &Path) -> Result<Fetched, OciError> {
    let mut layout = Layout::open(path)?;
    let image = layout.images().pop().expect("an image");
    assert_eq!(image.reference.as_ref().map(ToString::to_string).as_deref(), Some(NAME));
    layout.fetch(&image, MOST_MODULE)
}

#[test]
fn what_was_written_is_read_from_both() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["layout", "layout.tar"] {
        let path = dir.path().join(name);
        let (bytes, _) = write(&path);
        assert_eq!(read(&path).expect("read").module, bytes);
    }
    // Another image beside it, and the same once more in its place.
    let path = dir.path().join("layout");
    let other = module("other");
    let (_, parts) = Content::of(&other);
    for _ in 0..2 {
        Layout::write(&path, &parts, other.bytes(), Some(&"localhost:5000/other:1".parse().expect("a reference")))
            .expect("written");
    }
    assert_eq!(Layout::open(&path).expect("a layout").images().len(), 2);
    Layout::write(&dir.path().join("layout.tar"), &parts, other.bytes(), None).expect_err("it is there");
}

#[test]
fn oci_001_a_layout_is_believed_no_more_than_a_registry() {
    let dir = tempfile::tempdir().expect("a directory");
    let refused = |name: &str, change: &dyn Fn(&Path, &Path), words: &str| {
        let path = dir.path().join(name);
        let (_, digest) = write(&path);
        let blob = path.join("blobs/sha256").join(digest.hex());
        change(&path, &blob);
        let error = read(&path).expect_err("refused").full();
        assert!(error.contains(words), "{name}: {error}");
    };
    refused(
        "flipped",
        &|_, blob| {
            let mut bytes = fs::read(blob).expect("read");
            bytes[20] ^= 1;
            fs::write(blob, bytes).expect("written");
        },
        "digest mismatch",
    );
    refused("missing", &|_, blob| fs::remove_file(blob).expect("removed"), "has no blob");
    refused("shorter", &|_, blob| fs::write(blob, "x").expect("written"), "not as long");
    refused("longer", &|_, blob| fs::write(blob, vec![0; 1 << 20]).expect("written"), "not as long");
    // What would never end, or waits for somebody.
    let special = |with: &'static str| {
        move |_: &Path, blob: &Path| {
            fs::remove_file(blob).expect("removed");
            std::os::unix::fs::symlink(with, blob).expect("a link");
        }
    };
    refused("endless", &special("/dev/zero"), "no plain file");
    refused("directory", &special("/tmp"), "no plain file");
    refused("index", &|path, _| fs::write(path.join("index.json"), "{").expect("written"), "damaged");
    refused(
        "mark",
        &|path, _| fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).expect("written"),
        "its version",
    );
}

#[test]
fn a_directory_of_something_else_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("precious"), "x").expect("written");
    let module = module("good");
    let (_, parts) = Content::of(&module);
    let error = Layout::write(dir.path(), &parts, module.bytes(), None).expect_err("refused").full();
    assert!(error.contains("oci-layout"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}
