//! Manifests and lists of them, as they come from anywhere: read once, within bounds, and believed in nothing but what they name.

use std::collections::BTreeMap;

use ambit_core::{Digest, escape};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{error::OciError, media};
use crate::image_record::Part;

/// The most bytes of a manifest.
pub(crate) const MOST_MANIFEST: u64 = 4 << 20;
/// As many manifests may be in a list.
const MOST_LISTED: usize = 256;

/// Where a version is said.
const VERSION: &str = "org.opencontainers.image.version";

/// A manifest: a configuration and layers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    pub(crate) manifests: Vec<Descriptor>,
}

/// What something is, and which.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What an image of a list is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) architecture: String,
    pub(crate) os: String,
}

/// Either of the two.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
}

/// What of a document says which of the two it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
}

impl Descriptor {
    pub(crate) fn new(media_type: &str, part: Part) -> Self {
        let Part { digest, size } = part;
        Self { media_type: media_type.to_owned(), digest, size, platform: None, annotations: BTreeMap::new() }
    }

    pub(crate) fn part(&self) -> Part {
        Part { digest: self.digest, size: self.size }
    }
}

impl Document {
    /// What a manifest that was kept is: it says so itself, or is what has no need to.
    pub(crate) fn media_type(what: &str, bytes: &[u8]) -> Result<&'static str, OciError> {
        let no_json = |_| OciError::refused(what, "it cannot be read");
        let outline: Outline = serde_json::from_slice(bytes).map_err(no_json)?;
        match outline.media_type.as_deref() {
            None | Some(media::MANIFEST) => Ok(media::MANIFEST),
            Some(media::DOCKER_MANIFEST) => Ok(media::DOCKER_MANIFEST),
            Some(other) => Err(OciError::refused(what, format!("it is of media type `{}`", escape(other, 100)))),
        }
    }

    /// Reads a document that came as `media_type`, if somebody said as what. One that could be taken for either is refused.
    pub(crate) fn parse(what: &str, bytes: &[u8], media_type: Option<&str>) -> Result<Self, OciError> {
        let refused = |why: String| OciError::refused(what, why);
        let no_json = |error: serde_json::Error| refused(format!("it cannot be read: {}", escape(error.to_string(), 200)));
        let outline: Outline = serde_json::from_slice(bytes).map_err(no_json)?;
        let found = match (&outline.media_type, media_type) {
            (Some(inner), Some(outer)) if inner != outer => {
                let (inner, outer) = (escape(inner, 100), escape(outer, 100));
                return Err(refused(format!("it says that it is `{inner}`, and came as `{outer}`")));
            }
            (Some(found), _) => found.as_str(),
            (None, Some(found)) => found,
            (None, None) => return Err(refused("nothing says of which media type it is".into())),
        };
        let document = if media::is_manifest(found) {
            Self::Manifest(Box::new(serde_json::from_slice(bytes).map_err(no_json)?))
        } else if media::is_index(found) {
            Self::Index(serde_json::from_slice(bytes).map_err(no_json)?)
        } else {
            let found = escape(found, 100);
            return Err(refused(format!("its media type `{found}` is neither that of a manifest nor that of a list of them")));
        };
        let (version, both) = match &document {
            Self::Manifest(manifest) => (manifest.schema_version, outline.manifests.is_some()),
            Self::Index(index) if index.manifests.len() > MOST_LISTED => {
                return Err(refused(format!("it lists {} manifests; there may be {MOST_LISTED}", index.manifests.len())));
            }
            Self::Index(index) => (index.schema_version, outline.layers.is_some()),
        };
        if both {
            return Err(refused("it has both layers and manifests, and could be taken for either".into()));
        }
        if version != 2 {
            return Err(refused(format!("it is of version {version}, and not of 2")));
        }
        Ok(document)
    }
}

impl Manifest {
    /// Its only layer, which is a module. Anything else is refused.
    pub(crate) fn module(&self, what: &str, most: u64) -> Result<&Descriptor, OciError> {
        let refused = |why: String| OciError::refused(what, why);
        if !media::is_config(&self.config.media_type) {
            let found = escape(&self.config.media_type, 100);
            return Err(refused(format!("its configuration is of media type `{found}`, which goes with no module")));
        }
        let [layer] = self.layers.as_slice() else {
            return Err(refused(format!("it has {} layers; an image of a module has one", self.layers.len())));
        };
        if !media::is_wasm(&layer.media_type) {
            let found = escape(&layer.media_type, 100);
            return Err(refused(format!("its layer is of media type `{found}`; that of a module is `{}`", media::WASM)));
        }
        if layer.size > most {
            return Err(OciError::TooLarge { what: format!("the module of {what}, of {} bytes,", layer.size), most });
        }
        Ok(layer)
    }
}

/// The version that the manifest of an image says.
pub fn version_of(manifest: &[u8]) -> Option<semver::Version> {
    let what = "the image";
    match Document::parse(what, manifest, Some(Document::media_type(what, manifest).ok()?)).ok()? {
        Document::Manifest(manifest) => manifest.annotations.get(VERSION)?.parse().ok(),
        Document::Index(_) => None,
    }
}

impl Index {
    /// The one that is for WebAssembly; or the only one there is.
    pub(crate) fn choose(&self, what: &str) -> Result<&Descriptor, OciError> {
        let is_wasm = |platform: &Platform| platform.architecture == "wasm" || platform.os.starts_with("wasi");
        let wasm: Vec<&Descriptor> = self.manifests.iter().filter(|listed| listed.platform.as_ref().is_some_and(is_wasm)).collect();
        match (wasm.as_slice(), self.manifests.as_slice()) {
            ([one], _) => Ok(one),
            ([], [one]) => Ok(one),
            ([], all) => Err(OciError::refused(what, format!("it lists {} images, and none of them for WebAssembly", all.len()))),
            (many, _) => {
                let why = format!("it lists {} images for WebAssembly: name one by its digest", many.len());
                Err(OciError::refused(what, why))
            }
        }
    }
}
