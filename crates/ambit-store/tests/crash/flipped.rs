//! A byte that changes anywhere in a store: nothing else than what was put in is ever given out.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path};

use crate::fixture::{called, files, load, load_image, long, module, open, put_image};

fn write(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
    fs::OpenOptions::new().write(true).truncate(true).open(path).and_then(|mut file| file.write_all(bytes)).expect("written");
}

pub(crate) fn any_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("store");
    let store = open(&path).expect("a store");
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        store.add(&module(version), called("a", version)).expect("added");
    }
    put_image(&store, "localhost/a:1", "signed").expect("put");
    drop(store);
    // What is asked for, and the one right answer.
    let asked =
        [("a", "2.0.0"), ("a@^1", "1.1.0"), ("a@1.0.0", "1.0.0")].map(|(asked, version)| (asked, module(version).bytes().to_vec()));
    let right_image = module("signed").bytes().to_vec();
    let files = files(&path);
    let mut flipped = 0;
    let mut refused = 0;
    for file in files.iter().filter(|file| !file.ends_with("lock") && !file.ends_with("users")) {
        let whole = fs::read(file).expect("readable");
        // Each byte of what is small, and some of every part of what is not.
        let every = if long() { 1 } else { whole.len() / 400 + 1 };
        for at in (0..whole.len()).step_by(every) {
            let bit = 1 << (at % 8);
            // As it was: what an earlier flip led to is undone.
            restore(&path, &files, file, &whole);
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            write(file, &bytes);
            flipped += 1;
            let Ok(store) = open(&path) else {
                refused += 1;
                continue;
            };
            for (asked, right) in &asked {
                match load(&store, asked) {
                    Ok(bytes) => assert_eq!(bytes, *right, "{asked}: byte {at} of {}", file.display()),
                    Err(_) => refused += 1,
                }
            }
            match load_image(&store, "localhost/a:1", "signed") {
                Ok(bytes) => assert_eq!(bytes, right_image, "the image: byte {at} of {}", file.display()),
                Err(_) => refused += 1,
            }
        }
        restore(&path, &files, file, &whole);
    }
    assert!(flipped > 1000 && refused > 100, "{flipped} {refused}");
    let store = open(&path).expect("a store");
    for (asked, right) in asked {
        assert_eq!(load(&store, asked).expect("as before"), right);
    }
}

/// Puts everything where it was before: a damaged module is moved aside, and the index changes when it is healed.
fn restore(store: &Path, files: &[std::path::PathBuf], changed: &Path, whole: &[u8]) {
    thread_local! {
        static BEFORE: std::cell::RefCell<Vec<(std::path::PathBuf, Vec<u8>)>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BEFORE.with_borrow_mut(|before| {
        if before.is_empty() {
            *before = files.iter().map(|file| (file.clone(), fs::read(file).expect("readable"))).collect();
        }
        for name in ["index.sqlite-wal", "index.sqlite-shm"] {
            let _ = fs::remove_file(store.join(name));
        }
        for (file, bytes) in before.iter() {
            if file == changed {
                continue;
            }
            if fs::read(file).map_or(true, |there| there != *bytes) {
                let _ = fs::remove_file(file);
                fs::write(file, bytes).expect("written");
            }
        }
    });
    let _ = fs::remove_file(changed);
    fs::write(changed, whole).expect("written");
}
