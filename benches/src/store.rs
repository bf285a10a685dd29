//! A store of ten thousand modules, and what is asked of it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::Profile;
use ambit_store::{Add, Called, Namespace, Place, Reference, Store, StoreOptions};

use crate::functions;

const MODULES: usize = 10_000;
const ROUNDS: usize = 31;

/// A directory that is gone afterwards: in memory where there is such a place, so that no disk is measured.
struct Somewhere(PathBuf);

impl Somewhere {
    fn new() -> Self {
        let shm = Path::new("/dev/shm");
        let above = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        Self(above.join(format!("ambit-figures-store-{}", std::process::id())))
    }

    fn open(&self) -> Store {
        Store::open(Place::open(&self.0).expect("a place"), StoreOptions::default()).expect("a store")
    }
}

impl Drop for Somewhere {
    fn drop(&mut self) {
        // What is left of it is in a directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn admitted(bytes: Vec<u8>) -> Verified {
    ambit_admit::admit(bytes, &AdmitRules::from_policy(&Profile::Default.policy())).expect("admitted")
}

/// A module of a few bytes that no other number has.
fn small(number: usize) -> Verified {
    let text = format!("{number:06}");
    admitted([b"\0asm\x01\0\0\0\0\x08\x01n".as_slice(), text.as_bytes()].concat())
}

fn called(name: &str, version: &str) -> Add {
    let called = Called { name: name.parse().expect("a name"), version: version.parse().expect("a version") };
    Add { called: Some(called), ..Add::default() }
}

fn filled() -> Somewhere {
    let somewhere = Somewhere::new();
    let store = somewhere.open();
    for number in 0..MODULES {
        let add = called(&format!("team{}/tool{number}", number % 50), "1.0.0");
        store.add(&small(number), add).expect("added");
    }
    somewhere
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn timed(mut what: impl FnMut()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        what();
        began.elapsed()
    });
    median(times.collect())
}

/// Milliseconds to open it, its index checked.
pub fn store_open() -> f64 {
    let somewhere = filled();
    timed(|| drop(somewhere.open())) * 1e3
}

/// Microseconds to find a module by its name, its record compared with the index.
pub fn store_lookup() -> f64 {
    const EACH: usize = 500;
    let somewhere = filled();
    let store = somewhere.open();
    let namespace = Namespace::default();
    let names: Vec<Reference> =
        (0..EACH).map(|n| n * 19 % MODULES).map(|n| format!("team{}/tool{n}", n % 50).parse().expect("a name")).collect();
    let all = timed(|| {
        for name in &names {
            store.resolve(&namespace, name).expect("found");
        }
    });
    all * 1e6 / EACH as f64
}

/// Milliseconds to list all of it.
pub fn store_list() -> f64 {
    let somewhere = filled();
    let store = somewhere.open();
    timed(|| assert_eq!(store.list(None).expect("a list").len(), MODULES)) * 1e3
}

/// Milliseconds to add a module of a megabyte, admitted already, where nothing has to wait for a disk.
pub fn store_add() -> f64 {
    let somewhere = Somewhere::new();
    let store = somewhere.open();
    let body = functions(2_000, 500);
    let mut number = 0;
    let mut modules = (0..ROUNDS).map(|number| {
        let text = format!("{number:06}");
        admitted([body.as_slice(), b"\0\x08\x01n", text.as_bytes()].concat())
    });
    let modules: Vec<Verified> = modules.by_ref().collect();
    timed(|| {
        store.add(&modules[number], called("large", &format!("{number}.0.0"))).expect("added");
        number += 1;
    }) * 1e3
}
