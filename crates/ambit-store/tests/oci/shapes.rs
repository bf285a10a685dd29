//! Manifests that are none, or too much.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ambit_core::Digest;
use serde_json::{Value, json};

use crate::{
    content::{CONFIG, Content, INDEX, MANIFEST, WASM, descriptor, module, options, pull, pull_with, refused},
    liar::{Answer, Liar},
};

/// A registry whose tag `1` is this, sent as `media_type`, and that has all of a good image.
fn with(media_type: &str, manifest: &Value) -> Liar {
    let (mut content, _) = Content::of(&module("good"));
    content.put("1", media_type, manifest.to_string().as_bytes());
    content.served(|_| None)
}

/// A good manifest, with something changed.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let (_, parts) = Content::of(&module("good"));
    let mut manifest = serde_json::from_slice(&parts.manifest).expect("JSON");
    change(&mut manifest);
    manifest
}

#[test]
fn oci_002_other_media_types_are_refused() {
    pull(&with(MANIFEST, &changed(|_| {}))).expect("it is good as it is");
    refused(pull(&with("text/html", &changed(|_| {}))), &["came as `text/html`"]);
    refused(
        pull(&with("text/html", &changed(|manifest| drop(manifest.as_object_mut().expect("a map").remove("mediaType"))))),
        &["neither"],
    );
    refused(pull(&with(INDEX, &changed(|_| {}))), &["came as"]);
    let layer = |media_type: &str| changed(|manifest| manifest["layers"][0]["mediaType"] = media_type.into());
    refused(pull(&with(MANIFEST, &layer("application/vnd.oci.image.layer.v1.tar+gzip"))), &["its layer is of media type"]);
    refused(pull(&with(MANIFEST, &layer("application/wasm\u{1b}[2J"))), &["its layer is of media type"]);
    refused(
        pull(&with(MANIFEST, &changed(|manifest| manifest["config"]["mediaType"] = "text/plain".into()))),
        &["goes with no module"],
    );
    refused(pull(&with(MANIFEST, &changed(|manifest| manifest["schemaVersion"] = 1.into()))), &["version 1"]);
    refused(pull(&with(MANIFEST, &changed(|manifest| manifest["manifests"] = json!([])))), &["could be taken for either"]);
    refused(pull(&with(MANIFEST, &json!([]))), &["cannot be read"]);
    refused(pull(&with(MANIFEST, &json!({ "mediaType": MANIFEST }))), &["cannot be read"]);
    let digest = changed(|manifest| manifest["layers"][0]["digest"] = "sha256:../../../etc/passwd".into());
    refused(pull(&with(MANIFEST, &digest)), &["cannot be read"]);
    let (mut content, _) = Content::of(&module("good"));
    content.put("1", MANIFEST, &b"[".repeat(100_000));
    refused(pull(&content.served(|_| None)), &["cannot be read"]);
}

#[test]
fn older_media_types_are_read() {
    for older in ["application/vnd.wasm.content.layer.v1+wasm", "application/vnd.module.wasm.content.layer.v1+wasm"] {
        let manifest = changed(|manifest| {
            manifest["layers"][0]["mediaType"] = older.into();
            manifest["config"]["mediaType"] = "application/vnd.wasm.config.v1+json".into();
            manifest.as_object_mut().expect("a map").remove("artifactType");
        });
        pull(&with(MANIFEST, &manifest)).expect(older);
    }
}

#[test]
fn oci_002_a_configuration_of_other_layers_is_refused() {
    let (mut content, _) = Content::of(&module("good"));
    for (config, words) in [
        (json!({ "architecture": "wasm", "os": "wasip1", "layerDigests": [Digest::of(b"other").to_string()] }), "other layers"),
        (json!({ "architecture": "amd64", "os": "linux" }), "not for wasm"),
        (json!("x"), "cannot be read"),
    ] {
        let config = config.to_string();
        content.blob(config.as_bytes());
        let manifest = changed(|manifest| manifest["config"] = descriptor(CONFIG, config.as_bytes()));
        content.put("1", MANIFEST, manifest.to_string().as_bytes());
        refused(pull(&content.clone().served(|_| None)), &["the configuration", words]);
    }
}

#[test]
fn oci_002_one_layer_is_an_image_of_a_module_and_ten_thousand_are_none() {
    let layers = |count: usize| {
        changed(|manifest| {
            let layer = manifest["layers"][0].clone();
            manifest["layers"] = vec![layer; count].into();
        })
    };
    refused(pull(&with(MANIFEST, &layers(0))), &["0 layers"]);
    refused(pull(&with(MANIFEST, &layers(2))), &["2 layers"]);
    let registry = with(MANIFEST, &layers(10_000));
    refused(pull(&registry), &["10000 layers"]);
    assert_eq!(registry.asked().len(), 1, "none of them is asked for");
}

#[test]
fn oci_002_a_manifest_of_a_hundred_megabytes_is_not_read() {
    let head = |rest: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: {MANIFEST}\r\n{rest}\r\n");
    let said = head("Content-Length: 104857600\r\n");
    let registry = Content::default().served(move |_| {
        let said = said.clone();
        Some(Answer::raw(move |stream| stream.write_all(said.as_bytes())))
    });
    refused(pull(&registry), &["the manifest", "larger than it may be", "4194304"]);
    // Nor if nothing says how long it is.
    let unsaid = head("Transfer-Encoding: chunked\r\n");
    let all = Arc::<AtomicBool>::default();
    let sent = Arc::clone(&all);
    let registry = Content::default().served(move |_| {
        let (unsaid, sent) = (unsaid.clone(), Arc::clone(&sent));
        Some(Answer::raw(move |stream| {
            stream.write_all(unsaid.as_bytes())?;
            for _ in 0..1600 {
                stream.write_all(b"10000\r\n")?;
                stream.write_all(&[b' '; 0x10000])?;
                stream.write_all(b"\r\n")?;
            }
            sent.store(true, Ordering::Relaxed);
            stream.write_all(b"0\r\n\r\n")
        }))
    });
    refused(pull(&registry), &["larger than it may be"]);
    assert!(!all.load(Ordering::Relaxed), "nobody took all of it");
    assert_eq!(registry.asked().len(), 1, "and that is not tried again");
}

#[test]
fn oci_002_a_module_that_is_larger_than_allowed_is_not_asked_for() {
    let registry = with(MANIFEST, &changed(|manifest| manifest["layers"][0]["size"] = (1_u64 << 40).into()));
    refused(pull(&registry), &["the module", "larger than it may be"]);
    assert_eq!(registry.asked().len(), 1);
    let (content, _) = Content::of(&module("good"));
    let small = ambit_store::oci::RegistryOptions { most_module: 10, ..options() };
    refused(pull_with(&content.served(|_| None), ":1", small), &["larger than it may be", "10 bytes"]);
}

/// A list of these.
fn list(of: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": of }).to_string().into_bytes()
}

#[test]
fn a_list_leads_to_the_image_for_webassembly() {
    let module = module("good");
    let (mut content, parts) = Content::of(&module);
    let mut native = descriptor(MANIFEST, b"native");
    native["platform"] = json!({ "architecture": "amd64", "os": "linux" });
    let mut wasm = descriptor(MANIFEST, &parts.manifest);
    wasm["platform"] = json!({ "architecture": "wasm", "os": "wasip1" });
    let listed = list(&[native.clone(), wasm.clone()]);
    content.put("1", INDEX, &listed);
    let pulled = pull(&content.clone().served(|_| None)).expect("pulled").image;
    assert_eq!((pulled.resolved, pulled.manifest), (Digest::of(&listed), Digest::of(&parts.manifest)));
    // Two lists within one another, and no more.
    let within = content.put("within", INDEX, &list(std::slice::from_ref(&wasm)));
    content.put("1", INDEX, &list(&[within]));
    pull(&content.clone().served(|_| None)).expect("pulled");
    let within = content.put("within", INDEX, &list(&[content.manifests["1"].1.clone()].map(|bytes| descriptor(INDEX, &bytes))));
    content.put("1", INDEX, &list(&[within]));
    refused(pull(&content.clone().served(|_| None)), &["more than 2 lists"]);
    for (of, words) in [
        (vec![native.clone(), native], "none of them for WebAssembly"),
        (vec![wasm.clone(), wasm.clone()], "name one by its digest"),
        (vec![], "none of them"),
        (vec![wasm; 300], "lists 300 manifests"),
    ] {
        content.put("1", INDEX, &list(&of));
        refused(pull(&content.clone().served(|_| None)), &[words]);
    }
}

#[test]
fn oci_002_lists_that_lead_to_one_another_end() {
    // Only a registry that lies can have such: whatever is asked for, it gives the list again.
    let looping = list(&[json!({ "mediaType": INDEX, "digest": Digest::of(b"again").to_string(), "size": 200 })]);
    let registry = Content::default().served(move |_| Some(Answer::with(200, &[("Content-Type", INDEX)], looping.clone())));
    refused(pull(&registry), &["a manifest of"]);
    assert_eq!(registry.asked().len(), 2);
}

#[test]
fn oci_002_a_list_says_what_it_lists() {
    let (mut content, parts) = Content::of(&module("good"));
    let mut listed = descriptor(MANIFEST, &parts.manifest);
    listed["mediaType"] = WASM.into();
    content.put("1", INDEX, &list(&[listed]));
    refused(pull(&content.clone().served(|_| None)), &["another media type than it is listed as"]);
    let mut listed = descriptor(MANIFEST, &parts.manifest);
    listed["size"] = (1_u64 << 40).into();
    content.put("1", INDEX, &list(&[listed]));
    refused(pull(&content.served(|_| None)), &["larger than it may be"]);
}
