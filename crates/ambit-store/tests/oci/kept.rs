//! What is kept of images, and for how long.

use ambit_admit::AdmitRules;
use ambit_core::{Digest, Profile};
use ambit_store::{
    Add, Part, Reference, Store,
    oci::{Obtained, OciError, PullPolicy, Quiet, Wanted, obtain, signatures},
};
use serde_json::{Value, json};

use crate::{
    content::{Content, MANIFEST, descriptor, image, module, options, ours, pull, store},
    liar::{Answer, Liar},
};

fn want(store: &Store, registry: &Liar, rest: &str, policy: PullPolicy) -> Result<Obtained, OciError> {
    let (namespace, image, rules) = (ours(), image(registry, rest), AdmitRules::from_policy(&Profile::Default.policy()));
    obtain(store, Wanted { namespace: &namespace, image: &image, policy, rules: &rules }, options(), &mut Quiet)
}

#[test]
fn policies_ask_as_they_say() {
    let (dir, module) = (tempfile::tempdir().expect("a directory"), module("good"));
    let (content, parts) = Content::of(&module);
    let (store, registry) = (store(&dir), content.served(|_| None));
    // Never means never: not even whether it is there.
    let error = want(&store, &registry, ":1", PullPolicy::Never).expect_err("not here").full();
    assert!(error.contains("never to pull") && registry.asked().is_empty(), "{error}");
    assert!(want(&store, &registry, ":1", PullPolicy::IfNotPresent).expect("pulled").asked);
    let asked = registry.asked().len();
    for policy in [PullPolicy::IfNotPresent, PullPolicy::Never] {
        for rest in [":1".to_owned(), format!("@{}", Digest::of(&parts.manifest))] {
            assert!(!want(&store, &registry, &rest, policy).expect("here").asked);
        }
    }
    assert_eq!(registry.asked().len(), asked);
    // Always asks what the tag is, and not again for a module that is here.
    let again = want(&store, &registry, ":1", PullPolicy::Always).expect("pulled");
    assert!(again.asked && again.before.is_none());
    assert_eq!((registry.count("/manifests/1"), registry.count(&module.digest().to_string())), (2, 1));
    let (bytes, _lease) = store.load(&again.record.module()).expect("loaded").into_parts();
    assert_eq!(bytes, module.bytes()[..]);
}

#[test]
fn what_is_not_admitted_is_not_kept() {
    let (dir, good) = (tempfile::tempdir().expect("a directory"), module("good"));
    let (mut content, parts) = Content::of(&good);
    let bad = b"\0asm\x01\0\0\0\xff".to_vec();
    content.blob(&bad);
    let config = json!({ "architecture": "wasm", "os": "wasip1", "layerDigests": [Digest::of(&bad).to_string()] }).to_string();
    content.blob(config.as_bytes());
    let mut manifest: Value = serde_json::from_slice(&parts.manifest).expect("JSON");
    manifest["layers"][0] = descriptor("application/wasm", &bad);
    manifest["config"] = descriptor("application/vnd.wasm.config.v0+json", config.as_bytes());
    content.put("1", MANIFEST, manifest.to_string().as_bytes());
    let store = store(&dir);
    let error = want(&store, &content.served(|_| None), ":1", PullPolicy::Always).expect_err("refused");
    assert!(matches!(error, OciError::Rejected(_)), "{error}");
    assert_eq!(store.images(&ours()).expect("a list"), []);
    let used = store.du().expect("usage");
    assert_eq!((used.bytes, used.waste), (0, 0));
}

#[test]
fn a_module_of_another_namespace_is_not_given_for_its_name() {
    let (dir, module) = (tempfile::tempdir().expect("a directory"), module("secret"));
    let store = store(&dir);
    let theirs = "theirs".parse().expect("a namespace");
    store.add(&module, Add { namespace: theirs, ..Add::default() }).expect("added");
    // Whoever names its digest, and has not its bytes, does not get them from here.
    let (content, _) = Content::of(&module);
    let name = module.digest().to_string();
    let registry = content.served(move |asked| asked.path.ends_with(&name).then(|| Answer::status(404)));
    want(&store, &registry, ":1", PullPolicy::Always).expect_err("it has not got it");
}

#[test]
fn an_image_that_is_removed_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, other) = (module("one"), module("other"));
    let store = store(&dir);
    for (module, rest) in [(&one, ":1"), (&other, ":1")] {
        let (content, _) = Content::of(module);
        want(&store, &content.served(|_| None), rest, PullPolicy::Always).expect("pulled");
    }
    let images = store.images(&ours()).expect("a list");
    assert_eq!(images.len(), 2, "of two registries");
    // As garbage nothing of them goes.
    let collected = store.gc().expect("collected");
    assert_eq!((collected.unknown, collected.evicted.len()), (0, 0));
    for image in &images {
        store.image_parts(image).expect("there");
        store.load(&image.module()).expect("there");
    }
    let also = "localhost:5000/also:x".parse().expect("a reference");
    store.tag_image(&images[0], &also).expect("tagged");
    let (_, gone) = store.remove_image(&ours(), &images[0].reference()).expect("removed");
    assert!(!gone, "it has another name");
    store.image_parts(&images[0]).expect("there");
    let (_, gone) = store.remove_image(&ours(), &also).expect("removed");
    assert!(gone);
    let (_, gone) = store.remove_image(&ours(), &images[1].reference()).expect("removed");
    assert!(gone);
    let used = store.du().expect("usage");
    assert_eq!((used.bytes, used.waste, used.modules), (0, 0, 0));
    assert!(store.remove_image(&ours(), &also).expect_err("gone").to_string().contains("ambit images"));
}

#[test]
fn life_003_a_run_goes_on_with_an_image_that_is_removed() {
    let (dir, module) = (tempfile::tempdir().expect("a directory"), module("good"));
    let (store, registry) = (store(&dir), Content::of(&module).0.served(|_| None));
    let image = want(&store, &registry, ":1", PullPolicy::Always).expect("pulled").record;
    let loaded = store.load(&image.module()).expect("loaded");
    let (_, gone) = store.remove_image(&ours(), &image.reference()).expect("removed");
    assert!(!gone, "somebody has it");
    let (bytes, lease) = loaded.into_parts();
    assert_eq!(bytes, module.bytes()[..]);
    drop(lease);
    store.gc().expect("collected");
    assert_eq!(store.du().expect("usage").bytes, 0);
}

#[test]
fn life_005_a_tag_that_moves_moves_no_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, other) = (module("one"), module("other"));
    let ((mut content, _), (moved, parts)) = (Content::of(&one), Content::of(&other));
    content.blobs.extend(moved.blobs);
    let tag = std::sync::Arc::new(std::sync::atomic::AtomicBool::default());
    let (store, is_moved) = (store(&dir), tag.clone());
    let registry = content.served(move |asked| {
        let to_other = is_moved.load(std::sync::atomic::Ordering::Relaxed) && asked.path.ends_with("/manifests/1");
        to_other.then(|| Answer::with(200, &[("Content-Type", MANIFEST)], parts.manifest.clone()))
    });
    let before = want(&store, &registry, ":1", PullPolicy::Always).expect("pulled").record;
    let running = store.load(&before.module()).expect("loaded");
    tag.store(true, std::sync::atomic::Ordering::Relaxed);
    let after = want(&store, &registry, ":1", PullPolicy::Always).expect("pulled");
    assert_eq!((after.before, after.record.module.digest), (Some(before.resolved), other.digest()));
    store.gc().expect("collected");
    assert_eq!(running.into_parts().0, one.bytes()[..]);
    let new_run = store.load(&after.record.module()).expect("loaded");
    assert_eq!(new_run.into_parts().0, other.bytes()[..]);
}

#[test]
fn life_004_pulling_while_others_evict_gives_whole_images() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = dir.path().join("store");
    let open = |limit| {
        let options = ambit_store::StoreOptions { limit, settle: std::time::Duration::ZERO };
        Store::open(ambit_store::Place::open(&place).expect("a place"), options).expect("a store")
    };
    let modules: Vec<_> = (0..6).map(|number| module(&format!("number {number} "))).collect();
    let registries: Vec<Liar> = modules.iter().map(|module| Content::of(module).0.served(|_| None)).collect();
    std::thread::scope(|scope| {
        for turn in 0..3 {
            let (modules, registries, open) = (&modules, &registries, &open);
            scope.spawn(move || {
                // Room for two or three of them.
                let store = open(Some(2000));
                for round in 0..12 {
                    let at = (round * (turn + 1) + turn) % modules.len();
                    let image = want(&store, &registries[at], ":1", PullPolicy::IfNotPresent).expect("pulled").record;
                    match store.load(&image.module()) {
                        Ok(loaded) => assert_eq!(loaded.into_parts().0, modules[at].bytes()[..]),
                        // Evicted meanwhile, whole.
                        Err(error) => assert!(error.to_string().contains("there is no"), "{error}"),
                    }
                }
            });
        }
    });
    assert!(!open(None).fsck(false).expect("read").is_broken());
}

#[test]
fn an_image_is_found_by_its_module_s_digest_and_what_is_lost_is_found_missing() {
    let (dir, module) = (tempfile::tempdir().expect("a directory"), module("good"));
    let (store, registry) = (store(&dir), Content::of(&module).0.served(|_| None));
    let image = want(&store, &registry, ":1", PullPolicy::Always).expect("pulled").record;
    let found = store.resolve(&ours(), &Reference::Digest(module.digest())).expect("found");
    assert_eq!(found.record.digest, module.digest());
    assert!(!store.fsck(false).expect("read").is_broken());
    std::fs::remove_file(blob_of(&dir, &image.config)).expect("removed");
    store.image_parts(&image).expect_err("something of it is missing");
    // It can be had again, where that is allowed.
    want(&store, &registry, ":1", PullPolicy::Never).expect_err("nobody is asked");
    assert!(want(&store, &registry, ":1", PullPolicy::IfNotPresent).expect("pulled").asked);
    store.image_parts(&image).expect("there");
    let module_blob = blob_of(&dir, &image.module);
    std::fs::remove_file(module_blob).expect("removed");
    assert!(want(&store, &registry, ":1", PullPolicy::IfNotPresent).expect("pulled").asked);
    store.load(&image.module()).expect("there");
    std::fs::remove_file(blob_of(&dir, &image.config)).expect("removed");
    let fsck = store.fsck(true).expect("read");
    assert!(fsck.findings.iter().any(|finding| finding.what.contains(&image.reference().to_string())), "{fsck:?}");
    assert_eq!(store.image(&ours(), &image.reference()).expect("read"), None);
}

/// The file of a blob.
fn blob_of(dir: &tempfile::TempDir, part: &Part) -> std::path::PathBuf {
    let hex = part.digest.hex();
    dir.path().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..4]).join(&hex)
}

/// A registry with an image and this many signatures of it, each over a payload of so many bytes.
fn signed(count: usize, bytes: usize) -> (Content, Digest) {
    let (mut content, parts) = Content::of(&module("good"));
    let digest = Digest::of(&parts.manifest);
    content.blob(b"{}");
    let layers: Vec<Value> = (0..count)
        .map(|number| {
            let payload = format!("{{\"number\":{number}{}}}", " ".repeat(bytes));
            content.blob(payload.as_bytes());
            let mut layer = descriptor("application/vnd.dev.cosign.simplesigning.v1+json", payload.as_bytes());
            layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": format!("c2ln{number}") });
            layer
        })
        .collect();
    let config = descriptor("application/vnd.oci.image.config.v1+json", b"{}");
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
    content.put(&format!("sha256-{}.sig", digest.hex()), MANIFEST, manifest.to_string().as_bytes());
    (content, digest)
}

#[test]
fn signatures_come_along_and_are_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let (content, digest) = signed(2, 10);
    let (store, registry) = (store(&dir), content.served(|_| None));
    let obtained = want(&store, &registry, ":1", PullPolicy::Always).expect("pulled");
    let texts: Vec<&str> = obtained.cosign.iter().map(|one| one.signature.as_str()).collect();
    assert_eq!(texts, ["c2ln0", "c2ln1"]);
    let kept = store.image_parts(&obtained.record).expect("there").signature.expect("signatures");
    assert_eq!(kept.of, digest);
    assert_eq!(signatures(&kept).expect("signatures"), obtained.cosign);
    // Also of one that was here.
    assert_eq!(want(&store, &registry, ":1", PullPolicy::Never).expect("here").cosign, obtained.cosign);
}

#[test]
fn signatures_are_bounded_and_nothing_else() {
    // The image is what was asked for all the same, and has none.
    let unsigned = |registry: &Liar, words: &[&str]| {
        let pulled = pull(registry).expect("pulled");
        let why = pulled.image.unsigned.expect("it says why");
        assert!(
            pulled.cosign.is_empty() && pulled.image.parts.signature.is_none() && words.iter().all(|word| why.contains(word)),
            "{why}"
        );
    };
    unsigned(&signed(17, 10).0.served(|_| None), &["17 signatures"]);
    unsigned(&signed(1, 70_000).0.served(|_| None), &["one of the signatures", "larger than it may be"]);
    let (mut content, digest) = signed(1, 10);
    content.put(&format!("sha256-{}.sig", digest.hex()), "application/json", b"{}");
    unsigned(&content.served(|_| None), &["the signatures"]);
}
