//! Stores to be mistreated, and what is done at which step.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::Profile;
use ambit_store::{
    Add, Called, ImageParts, ImageReference, Namespace, Place, PutImage, Reference, SignatureParts, Store, StoreError, StoreOptions,
};

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfortune {
    /// The step fails with this error.
    Fails(rustix::io::Errno),
    /// The process is killed.
    Kills,
}

/// Which step it happens at, counted from now on.
#[derive(Debug, Default)]
struct Plan {
    at: Option<(u64, Misfortune)>,
    /// How many there were.
    steps: u64,
    /// Which one it was.
    met: Option<&'static str>,
}

static PLAN: Mutex<Plan> = Mutex::new(Plan { at: None, steps: 0, met: None });

/// Has something happen at the step of this number, from 1.
pub(crate) fn plan(at: u64, misfortune: Misfortune) {
    *PLAN.lock().expect("no panic") = Plan { at: Some((at, misfortune)), steps: 0, met: None };
}

/// Ends the plan; which step it was met at, if at all.
pub(crate) fn unplan() -> Option<&'static str> {
    std::mem::take(&mut *PLAN.lock().expect("no panic")).met
}

/// What every step asks.
pub(crate) fn before_step(name: &'static str) -> io::Result<()> {
    let mut plan = PLAN.lock().expect("no panic");
    plan.steps += 1;
    match plan.at {
        Some((at, misfortune)) if at == plan.steps => {
            plan.met = Some(name);
            match misfortune {
                Misfortune::Fails(errno) => Err(errno.into()),
                Misfortune::Kills => {
                    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                    unreachable!("it has been killed")
                }
            }
        }
        _ => Ok(()),
    }
}

/// A module that no other text has: one custom section.
pub(crate) fn module(text: &str) -> Verified {
    let text = text.repeat(20);
    let length = u16::try_from(text.len() + 2).expect("a short text");
    // Two bytes of seven bits each.
    let length = [(length & 0x7f).to_le_bytes()[0] | 0x80, (length >> 7).to_le_bytes()[0]];
    let bytes = [b"\0asm\x01\0\0\0\0".as_slice(), &length, &[1, b'x'], text.as_bytes()].concat();
    ambit_admit::admit(bytes, &AdmitRules::from_policy(&Profile::Default.policy())).expect("admitted")
}

pub(crate) fn called(name: &str, version: &str) -> Add {
    let called = Called { name: name.parse().expect("a name"), version: version.parse().expect("a version") };
    Add { called: Some(called), ..Add::default() }
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

pub(crate) fn ours() -> Namespace {
    Namespace::default()
}

pub(crate) fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(Place::open(path)?, StoreOptions { settle: Duration::ZERO, ..StoreOptions::default() })
}

/// Loads what is asked for.
pub(crate) fn load(store: &Store, text: &str) -> Result<Vec<u8>, StoreError> {
    Ok(store.load(&store.resolve(&ours(), &reference(text))?.record)?.into_parts().0)
}

pub(crate) fn image(text: &str) -> ImageReference {
    text.parse().expect("an image's name")
}

/// All of an image of `module(text)` but that; with signatures, if the text says so.
fn parts(text: &str) -> ImageParts {
    let bytes = |what: &str| format!("{what} of {text}").into_bytes();
    let manifest = bytes("manifest");
    let of = ambit_core::Digest::of(&manifest);
    let signature = SignatureParts { of, manifest: bytes("signatures"), blobs: vec![bytes("payload")] };
    ImageParts { manifest, config: b"{}".to_vec(), signature: text.starts_with("signed").then_some(signature) }
}

/// Keeps an image of `module(text)`.
pub(crate) fn put_image(store: &Store, name: &str, text: &str) -> Result<(), StoreError> {
    let (namespace, reference, parts, module) = (ours(), image(name), parts(text), module(text));
    let resolved = ambit_core::Digest::of(&parts.manifest);
    store.put_image(PutImage { namespace: &namespace, reference: &reference, resolved, parts: &parts, module: &module }).map(drop)
}

/// The module of an image, all of which is what was put in.
pub(crate) fn load_image(store: &Store, name: &str, text: &str) -> Result<Vec<u8>, StoreError> {
    let gone = || StoreError::NotFound { what: name.to_owned(), near: String::new() };
    let record = store.image(&ours(), &image(name))?.ok_or_else(gone)?;
    assert_eq!(store.image_parts(&record)?, parts(text), "{name}");
    Ok(store.load(&record.module())?.into_parts().0)
}

/// The files below a directory.
pub(crate) fn files(below: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(below).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// More rounds, where somebody has the time.
pub(crate) fn long() -> bool {
    std::env::var_os("AMBIT_TEST_LONG").is_some()
}
