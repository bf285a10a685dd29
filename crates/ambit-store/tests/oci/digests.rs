//! Other bytes than were asked for.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ambit_core::Digest;

use crate::{
    content::{Content, MANIFEST, module, options, pull, pull_with, refused},
    liar::Answer,
};

#[test]
fn what_is_asked_for_is_given() {
    let module = module("good");
    let (content, parts) = Content::of(&module);
    let registry = content.served(|_| None);
    let pulled = pull(&registry).expect("pulled");
    assert_eq!((pulled.image.parts.clone(), pulled.image.module.as_slice()), (parts.clone(), &module.bytes()[..]));
    let digest = Digest::of(&parts.manifest);
    assert_eq!((pulled.image.resolved, pulled.image.manifest), (digest, digest));
    let pinned = pull_with(&registry, &format!("@{digest}"), options()).expect("pulled");
    assert_eq!(pinned.image, pulled.image);
    refused(pull_with(&registry, ":2", options()), &["has no image", "team/tool:2"]);
}

#[test]
fn oci_001_other_bytes_for_a_digest_are_refused() {
    let module = module("good");
    let (content, parts) = Content::of(&module);
    let digest = Digest::of(&parts.manifest);
    // Of the same length, so that the digest alone tells.
    let other = |bytes: &[u8]| {
        let mut other = bytes.to_vec();
        *other.last_mut().expect("not empty") ^= 1;
        other
    };
    let lies = [
        (":1", module.digest().to_string(), other(module.bytes()), "the module"),
        (":1", Digest::of(&parts.config).to_string(), other(&parts.config), "the configuration"),
    ];
    for (rest, of, bytes, what) in lies {
        let registry =
            content.clone().served(move |asked| asked.path.ends_with(&of).then(|| Answer::with(200, &[], bytes.clone())));
        refused(pull_with(&registry, rest, options()), &["digest mismatch", what]);
    }
    // A manifest that was asked for by its digest.
    let bytes = other(&parts.manifest);
    let registry = content.served(move |asked| {
        asked.path.contains("/manifests/").then(|| Answer::with(200, &[("Content-Type", MANIFEST)], bytes.clone()))
    });
    refused(pull_with(&registry, &format!("@{digest}"), options()), &["digest mismatch", "the manifest", &digest.to_string()]);
}

#[test]
fn oci_001_a_header_that_says_another_digest_is_a_lie() {
    let (content, parts) = Content::of(&module("good"));
    let lies = [(Digest::of(b"x").to_string(), "digest mismatch"), ("sha256:../../x\u{7f}".into(), "its digest is said to be")];
    for (digest, words) in lies {
        let manifest = parts.manifest.clone();
        let registry = content.clone().served(move |asked| {
            let headers = [("Content-Type", MANIFEST), ("Docker-Content-Digest", &digest)];
            asked.path.contains("/manifests/").then(|| Answer::with(200, &headers, manifest.clone()))
        });
        if words.contains("mismatch") {
            refused(pull(&registry), &[words]);
        } else {
            // A header with such a sign in it may not come so far.
            pull(&registry).expect_err("refused");
        }
    }
}

#[test]
fn oci_006_a_tag_that_moves_meanwhile_is_looked_up_once() {
    let (first, second) = (module("first"), module("second"));
    let ((mut content, parts), (other, moved)) = (Content::of(&first), Content::of(&second));
    content.blobs.extend(other.blobs);
    content.put("other", MANIFEST, &moved.manifest);
    let times = AtomicUsize::new(0);
    let (before, after) = (parts.manifest.clone(), moved.manifest);
    let registry = content.served(move |asked| {
        let is_tag = asked.path.ends_with("/manifests/1");
        is_tag.then(|| {
            let bytes = if times.fetch_add(1, Ordering::Relaxed) == 0 { before.clone() } else { after.clone() };
            Answer::with(200, &[("Content-Type", MANIFEST)], bytes)
        })
    });
    let pulled = pull(&registry).expect("pulled");
    assert_eq!((pulled.image.resolved, &pulled.image.module[..]), (Digest::of(&parts.manifest), &first.bytes()[..]));
    assert_eq!(registry.count("/manifests/1"), 1);
    // The rest by digests alone.
    let rest: Vec<String> =
        registry.asked().into_iter().map(|asked| asked.path).filter(|path| !path.ends_with("/manifests/1")).collect();
    assert!(rest.iter().all(|path| path.contains("sha256")), "{rest:?}");
}

#[test]
fn what_fails_for_a_while_is_tried_again() {
    let module = module("good");
    let (content, _) = Content::of(&module);
    let failed = Mutex::new(std::collections::BTreeMap::<String, usize>::new());
    let registry = content.served(move |asked| {
        let mut failed = failed.lock().expect("no panic");
        let times = failed.entry(asked.path.clone()).or_default();
        *times += 1;
        match *times {
            1 => Some(Answer::with(503, &[("Retry-After", "0")], "busy")),
            2 => Some(Answer::status(429)),
            _ => None,
        }
    });
    assert_eq!(pull(&registry).expect("pulled").image.module, module.bytes()[..]);
    // Not for ever, and not what will not change.
    let registry = Content::default().served(|_| Some(Answer::with(500, &[], "out of \u{1b}[2Jorder")));
    refused(pull(&registry), &["500", "out of"]);
    assert_eq!(registry.asked().len(), 4);
    let registry = Content::default().served(|_| Some(Answer::status(400)));
    refused(pull(&registry), &["400"]);
    assert_eq!(registry.asked().len(), 1);
}
