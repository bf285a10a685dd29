//! The index of a store, whose file anything may be.

use std::{cell::RefCell, fs, path::PathBuf};

use ambit_admit::AdmitRules;
use ambit_core::{Digest, Profile};
use ambit_store::{Add, Called, Namespace, Place, Store, StoreOptions};
use tempfile::TempDir;

const MODULES: [&[u8]; 2] = [b"\0asm\x01\0\0\0", b"\0asm\x01\0\0\0\0\x01\0"];

/// A store of two modules. Its records stay what they are.
struct Stored {
    dir: TempDir,
    index: Vec<u8>,
}

impl Stored {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path().join("store")).expect("a store");
        let rules = AdmitRules::from_policy(&Profile::Default.policy());
        for (number, module) in MODULES.iter().enumerate() {
            let module = ambit_admit::admit(module.to_vec(), &rules).expect("a module");
            let called = Called { name: format!("m{number}").parse().expect("a name"), version: semver::Version::new(1, 0, 0) };
            store.add(&module, Add { called: Some(called), ..Add::default() }).expect("added");
        }
        drop(store);
        let index = fs::read(dir.path().join("store/index.sqlite")).expect("the index");
        Self { dir, index }
    }
}

thread_local!(static STORED: RefCell<Stored> = RefCell::new(Stored::new()));

fn open(path: PathBuf) -> Result<Store, ambit_store::StoreError> {
    Store::open(Place::open(&path)?, StoreOptions::default())
}

/// The first byte says whether the file is the rest, or the index of two modules with the rest in place of some of it: two bytes say
/// where.
pub fn index(bytes: &[u8]) {
    STORED.with_borrow(|stored| {
        let Some((kind, rest)) = bytes.split_first() else { return };
        let file = if kind & 1 == 0 {
            rest.to_vec()
        } else {
            let mut file = stored.index.clone();
            let Some((place, rest)) = rest.split_first_chunk() else { return };
            let at = usize::from(u16::from_le_bytes(*place)) % file.len();
            let to = (at + rest.len()).min(file.len());
            file[at..to].copy_from_slice(&rest[..to - at]);
            file
        };
        let path = stored.dir.path().join("store");
        for name in ["index.sqlite-wal", "index.sqlite-shm"] {
            let _ = fs::remove_file(path.join(name));
        }
        fs::write(path.join("index.sqlite"), &file).expect("written");
        let Ok(store) = open(path) else { return };
        let _ = store.list(None);
        for (number, module) in MODULES.iter().enumerate() {
            for reference in [format!("m{number}"), Digest::of(module).to_string(), "another".into()] {
                let Ok(found) = store.resolve(&Namespace::default(), &reference.parse().expect("a reference")) else { continue };
                assert_eq!(found.record.digest, Digest::of(module), "{reference} is what its record says, whatever the index does");
                let (bytes, _) = store.load(&found.record).expect("it is there").into_parts();
                assert_eq!(&bytes, module);
            }
        }
    });
}
