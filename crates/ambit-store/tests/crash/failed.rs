//! Each step fails once: a clean error, and nothing half done.

use std::{collections::BTreeSet, fs::File, path::Path, sync::LazyLock};

use ambit_core::{CompileSettings, Digest, EngineId, Isolation, Metering, Profile};
use ambit_store::{
    ArtifactCache, ArtifactKey, CompilerIdentity, Found, ImageRecord, Info, Metadata, Place, Store, StoreError,
    sign::{Algorithm, ModuleSignature, NamePattern, Revocation, SecretKey, SignatureRule, Statement, TrustedKey},
    signatures_of,
};
use rustix::io::Errno;

use crate::fixture::{Misfortune, called, image, load, long, module, open, ours, plan, put_image, reference, unplan};

/// What a step fails with. One is as good as another, where nobody has the time for all.
fn errors() -> &'static [Errno] {
    const ERRORS: [Errno; 4] = [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::MFILE];
    if long() { &ERRORS } else { &ERRORS[..2] }
}

/// Something that changes a store.
type Operation = fn(&Store) -> Result<(), StoreError>;

const OPERATIONS: &[(&str, Operation)] = &[
    ("add", |store| store.add(&module("new"), called("new", "1.0.0")).map(drop)),
    ("add with tags", |store| {
        let tags = vec!["live".parse().expect("a tag"), "old".parse().expect("a tag")];
        store.add(&module("new"), ambit_store::Add { tags, ..called("a", "3.0.0") }).map(drop)
    }),
    ("add again", |store| {
        let metadata = Metadata { description: Some("said anew".into()), ..Metadata::default() };
        store.add(&module("one"), ambit_store::Add { metadata, ..called("a", "1.0.0") }).map(drop)
    }),
    ("add unnamed", |store| store.add(&module("new"), ambit_store::Add::default()).map(drop)),
    ("tag", |store| store.tag(&ours(), &reference("a@1.0.0"), &"live".parse().expect("a tag"))),
    ("untag", |store| store.untag(&ours(), &"a".parse().expect("a name"), &"live".parse().expect("a tag")).map(drop)),
    ("alias", |store| store.alias(&ours(), &"other".parse().expect("a name"), &reference("a"))),
    ("unalias", |store| store.unalias(&ours(), &"alias".parse().expect("a name")).map(drop)),
    ("pin", |store| store.pin(&ours(), &reference("a@1.0.0"))),
    ("unpin", |store| store.unpin(&ours(), &reference("a@2.0.0")).map(drop)),
    ("keep a signature", |store| store.keep_signature(&ours(), signature("one"))),
    ("forget a signature", |store| store.forget_signatures(&ours(), module("two").digest(), KEY.public().id()).map(drop)),
    ("trust a key", |store| {
        let trusted = TrustedKey { key: KEY.public(), label: None, names: vec![NamePattern::everything()], since: 0 };
        store.trust(&ours(), trusted)
    }),
    ("require a signature", |store| {
        store.require_signature(&ours(), SignatureRule { names: NamePattern::everything(), min_version: None })
    }),
    ("revoke a key", |store| store.revoke(Revocation { key: KEY.public().id(), reason: None, since: 0 })),
    ("rm", |store| store.remove(&ours(), &reference("a@2.0.0"), false).map(drop)),
    ("put an image", |store| put_image(store, "localhost/new:1", "signed")),
    ("put an image in another's place", |store| put_image(store, "localhost/a:1", "new")),
    ("tag an image", |store| {
        let one = store.image(&ours(), &image("localhost/a:1"))?.expect("there");
        store.tag_image(&one, &image("localhost/other:1")).map(drop)
    }),
    ("rmi", |store| store.remove_image(&ours(), &image("localhost/b:1")).map(drop)),
    ("gc", |store| store.gc().map(drop)),
    ("fsck --repair", |store| store.fsck(true).map(drop)),
];

static KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::generate(Algorithm::Ed25519).expect("random numbers"));

fn signature(text: &str) -> ModuleSignature {
    ModuleSignature::sign(Statement { module: module(text).digest(), called: None, signed_at: 0 }, &KEY)
}

/// A store with something of everything; with images, where they may matter: much is written for one.
fn prepared(path: &Path, operation: &str) -> Store {
    let store = open(path).expect("a store");
    store.add(&module("one"), called("a", "1.0.0")).expect("added");
    let tags = vec!["live".parse().expect("a tag")];
    store.add(&module("two"), ambit_store::Add { tags, ..called("a", "2.0.0") }).expect("added");
    store.alias(&ours(), &"alias".parse().expect("a name"), &reference("a:live")).expect("an alias");
    store.pin(&ours(), &reference("a@2.0.0")).expect("pinned");
    store.keep_signature(&ours(), signature("two")).expect("kept");
    if operation.contains("image") || matches!(operation, "rmi" | "gc" | "fsck --repair") {
        put_image(&store, "localhost/a:1", "one").expect("put");
        put_image(&store, "localhost/b:1", "three").expect("put");
    }
    store
}

/// The modules of names, those that there are.
type Modules = Vec<Option<Vec<u8>>>;

/// What anybody can see of it.
fn seen(store: &Store) -> (Vec<Info>, Vec<ImageRecord>, Modules, String) {
    let list = store.list(None).expect("a list").into_iter().map(|mut info| {
        (info.last_used_at, info.uses, info.record.added_at) = (None, 0, 0);
        info
    });
    let names = ["a", "a@1.0.0", "a@2.0.0", "a@3.0.0", "a:live", "a:old", "alias", "other", "new"];
    let place = Place::open(store.path()).expect("a place");
    let signatures =
        ["one", "two"].map(|text| signatures_of(&place, &ours(), module(text).digest()).expect("signatures of a module").0.len());
    let trust = format!("{signatures:?} {:?}", store.trust_of(&ours()).expect("what is said about signatures"));
    let images = store.images(&ours()).expect("a list").into_iter().map(|mut image| {
        image.added_at = 0;
        image
    });
    (list.collect(), images.collect(), names.iter().map(|name| load(store, name).ok()).collect(), trust)
}

pub(crate) fn each_step_once() {
    let mut met = BTreeSet::new();
    for (name, operation) in OPERATIONS {
        for &errno in errors() {
            let mut at = 1;
            loop {
                let dir = tempfile::tempdir().expect("a directory");
                let path = dir.path().join("store");
                let store = prepared(&path, name);
                let before = seen(&store);
                plan(at, Misfortune::Fails(errno));
                let done = operation(&store);
                let Some(step) = unplan() else { break };
                met.insert(step);
                let context = format!("{name}, step {at}, {step}, {errno}");
                drop(store);
                let store = open(&path).unwrap_or_else(|error| panic!("{context}: {}", error.full()));
                if let Err(error) = &done {
                    assert!(!error.full().contains("panic"), "{context}");
                    // What is done in many steps may be half done, and the other half when it is done again.
                    if !matches!(*name, "rm" | "rmi" | "gc" | "fsck --repair") {
                        assert_eq!(seen(&store), before, "{context}: {}", error.full());
                    }
                }
                // Every image that is listed is there, with all that belongs to it.
                for image in store.images(&ours()).expect("a list") {
                    let whole = store.image_parts(&image).and_then(|_| store.load(&image.module()));
                    whole.unwrap_or_else(|error| panic!("{context}: {}: {}", image.reference(), error.full()));
                }
                // Every module that is listed is there, and nothing is damaged.
                for info in store.list(None).expect("a list") {
                    load(&store, &info.record.title()).unwrap_or_else(|error| panic!("{context}: {}", error.full()));
                }
                let wrong = store.fsck(false).expect("checked").findings;
                let wrong: Vec<_> = wrong.into_iter().filter(|finding| !finding.what.starts_with("no record knows")).collect();
                assert!(done.is_err() || wrong.is_empty(), "{context}: {wrong:?}");
                match operation(&store) {
                    // That it is gone could not be brought to disk; and it is gone.
                    Err(StoreError::NotFound { .. }) if matches!(*name, "rm" | "rmi") => {}
                    again => again.unwrap_or_else(|error| panic!("{context}, and again: {}", error.full())),
                }
                at += 1;
            }
            assert!(at > 1 || matches!(*name, "gc" | "fsck --repair"), "{name} has no step that fails");
        }
    }
    for step in ["tmp.create", "tmp.write", "tmp.fsync", "tmp.rename", "dir.mkdir", "dir.fsync", "file.unlink", "index.commit"] {
        assert!(met.contains(step), "{step}: {met:?}");
    }
}

pub(crate) fn keeping_an_artifact() {
    let policy = Profile::Default.policy().resolve(Isolation::Process).expect("enforceable");
    let program = File::open("/proc/self/exe").expect("this program");
    let compiler = CompilerIdentity::new(EngineId::Wasmtime, "48", &program).expect("identity");
    let key = ArtifactKey::new(Digest::of(b"module"), &CompileSettings::of(&policy, Metering::Kernel), &compiler);
    let code = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(code.path(), vec![7; 1 << 20]).expect("written");
    for &errno in errors() {
        let mut at = 1;
        loop {
            let dir = tempfile::tempdir().expect("a directory");
            let place = Place::open(&dir.path().join("store")).expect("a place");
            plan(at, Misfortune::Fails(errno));
            let done = ArtifactCache::open(&place, 1 << 30).and_then(|cache| cache.keep(&key, code.as_file()));
            let Some(step) = unplan() else { break };
            let cache = ArtifactCache::open(&place, 1 << 30).unwrap_or_else(|error| panic!("{step}: {}", error.full()));
            let found = cache.find(&key).expect("looked");
            assert!(matches!((&done, found), (Err(_), Found::Nothing) | (Ok(()), Found::Artifact { .. })), "{step}: {done:?}");
            cache.keep(&key, code.as_file()).expect("kept");
            at += 1;
        }
        assert!(at > 8, "{at}");
    }
}
