//! `ambit diff`

use std::fs;

use serde_json::Value;

use crate::ambit::ambit;

#[test]
fn what_the_second_can_do_and_the_first_cannot() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let old = write("old.wat", "(module (memory (export \"memory\") 1) (func (export \"f\")))");
    let new = write(
        "new.wat",
        "(module
            (import \"wasi_snapshot_preview1\" \"path_open\"
                (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (memory (export \"memory\") 2)
            (func (export \"f\") (result v128) v128.const i64x2 0 0)
            (func (export \"\\u{1b}[2J\")))",
    );
    let done = ambit(&["diff", &old, &new, "--json"]).done();
    let diff: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!((done.status, diff["asks_for_more"].as_bool()), (1, Some(true)), "{done:?}");
    let has = |part: &str, which: &str, text: &str| {
        let list = diff[part][which].as_array().expect("a list");
        assert!(list.iter().any(|one| one.as_str().is_some_and(|one| one.contains(text))), "{part} {which} {text}: {diff}");
    };
    has("imports", "added", "wasi_snapshot_preview1 path_open");
    has("features", "added", "simd");
    has("grants", "added", "dirs");
    has("exports", "removed", "f: ");
    has("exports", "added", "f: ");
    has("memories", "added", "2");
    let text = ambit(&["diff", &old, &new]).done();
    assert!(text.stdout.contains("+ wasi_snapshot_preview1 path_open") && !text.stdout.contains('\u{1b}'), "{text:?}");
    assert!(text.stdout.ends_with("The second asks for imports, features or grants that the first does not.\n"), "{text:?}");
    // The other way round it gives up, and asks for nothing.
    let back = ambit(&["diff", &new, &old]).done();
    assert!(back.status == 0 && back.stdout.contains("- wasi_snapshot_preview1 path_open"), "{back:?}");
    let same = ambit(&["diff", &old, &old]).done();
    assert!(same.status == 0 && same.stdout.contains("the same module"), "{same:?}");
    let none = ambit(&["diff", &old, "nothing.wasm"]).done();
    assert!(none.status == 126 && none.stderr.contains("nothing.wasm"), "{none:?}");
}
