//! What a registry has when it does not lie.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Digest, Profile};
use ambit_store::{
    ImageParts, ImageReference, Namespace, Place, Store, StoreOptions,
    oci::{About, Backoff, CredentialSource, Credentials, OciError, Pulled, Quiet, Registry, RegistryOptions, package},
};
use serde_json::{Value, json};

use crate::liar::{Answer, Asked, Liar};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const WASM: &str = "application/wasm";

/// Manifests by tag or digest, each with its media type, and blobs by digest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) manifests: BTreeMap<String, (String, Vec<u8>)>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

/// A module that no other text has.
pub(crate) fn module(text: &str) -> Verified {
    let text = format!("(module (memory 1) (data (i32.const 0) \"{}\"))", text.repeat(100));
    let rules = AdmitRules::from_policy(&Profile::Default.policy());
    ambit_admit::admit(wat::parse_str(text).expect("valid text"), &rules).expect("admitted")
}

impl Content {
    /// An image of this module under the tag `1`.
    pub(crate) fn of(module: &Verified) -> (Self, ImageParts) {
        let parts = package(module, &About::default()).expect("packed");
        let mut content = Self::default();
        content.put("1", MANIFEST, &parts.manifest);
        content.blob(&parts.config);
        content.blob(module.bytes());
        (content, parts)
    }

    /// A manifest, under a tag and its digest.
    pub(crate) fn put(&mut self, tag: &str, media_type: &str, bytes: &[u8]) -> Value {
        for name in [tag.to_owned(), Digest::of(bytes).to_string()] {
            self.manifests.insert(name, (media_type.to_owned(), bytes.to_vec()));
        }
        descriptor(media_type, bytes)
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.blobs.insert(digest.to_string(), bytes.to_vec());
        digest
    }

    /// The true answer.
    pub(crate) fn answer(&self, asked: &Asked) -> Answer {
        let last = asked.path.rsplit('/').next().unwrap_or_default();
        if asked.path.contains("/manifests/") {
            return match self.manifests.get(last) {
                Some((media_type, bytes)) => {
                    let digest = Digest::of(bytes).to_string();
                    Answer::with(200, &[("Content-Type", media_type), ("Docker-Content-Digest", &digest)], bytes.clone())
                }
                None => Answer::with(404, &[("Content-Type", "application/json")], "{}"),
            };
        }
        match self.blobs.get(last) {
            Some(bytes) => ranged(asked, bytes),
            None => Answer::status(404),
        }
    }

    /// A registry that has it and lies as it is told to; where it is told nothing it says the truth.
    pub(crate) fn served(self, lie: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Liar {
        let content = Arc::new(self);
        Liar::new(move |asked| lie(asked).unwrap_or_else(|| content.answer(asked)))
    }
}

fn ranged(asked: &Asked, bytes: &[u8]) -> Answer {
    let from = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match from {
        Some(from) if from < bytes.len() => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Answer::with(206, &[("Content-Range", &range)], bytes[from..].to_vec())
        }
        Some(_) => Answer::status(416),
        None => Answer::with(200, &[], bytes.to_vec()),
    }
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
}

pub(crate) fn image(registry: &Liar, rest: &str) -> ImageReference {
    format!("{}/team/tool{rest}", registry.host()).parse().expect("a reference")
}

/// Options that wait for nobody for long.
pub(crate) fn options() -> RegistryOptions {
    RegistryOptions {
        total: Duration::from_secs(60),
        idle: Duration::from_secs(20),
        backoff: Backoff { attempts: 4, first: Duration::from_millis(1), most: Duration::from_millis(5) },
        ..RegistryOptions::default()
    }
}

/// The same, with a name and password.
pub(crate) fn with_password() -> RegistryOptions {
    let given = Some(Credentials::Password { user: "me".into(), password: "secret".into() });
    RegistryOptions { credentials: CredentialSource { given, files: Vec::new() }, ..options() }
}

pub(crate) fn pull_with(registry: &Liar, rest: &str, options: RegistryOptions) -> Result<Pulled, OciError> {
    let image = image(registry, rest);
    Registry::new(&image.repository, options)?.pull(&image, &|_| None, &mut Quiet)
}

pub(crate) fn pull(registry: &Liar) -> Result<Pulled, OciError> {
    pull_with(registry, ":1", options())
}

/// What is said of a pull that fails.
#[track_caller]
pub(crate) fn refused(pulled: Result<Pulled, OciError>, words: &[&str]) {
    let error = pulled.map(|pulled| pulled.image.resolved).expect_err("refused").full();
    for word in words {
        assert!(error.contains(word), "{error:?} lacks {word:?}");
    }
    // What a registry says is shown without what moves a cursor.
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

pub(crate) fn store(dir: &tempfile::TempDir) -> Store {
    Store::open(Place::open(&dir.path().join("store")).expect("a place"), StoreOptions::default()).expect("a store")
}

pub(crate) fn ours() -> Namespace {
    Namespace::default()
}
