//! From a module to an image.

use std::collections::BTreeMap;

use ambit_admit::Verified;

use super::{
    config::WasmConfig,
    error::OciError,
    manifest::{Descriptor, Manifest},
    media,
};
use crate::{image_record::Part, store::ImageParts};

/// As many annotations there may be, and bytes in all of them.
const MOST_ANNOTATIONS: usize = 64;
const MOST_ANNOTATED: usize = 64 << 10;

/// What is said of a module in its image. None of it is believed to say what the module does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// A name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Who made it.
    pub authors: Option<String>,
    /// Under which licence it comes, as an SPDX expression.
    pub licenses: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Where more is said of it.
    pub url: Option<String>,
    /// More to be said of it.
    pub annotations: BTreeMap<String, String>,
    /// When it was made, in seconds since 1970. The same module, of which the same is said, has the same digest.
    pub created: i64,
}

/// Makes an image of a module: a manifest and a configuration. Its only layer is the module as it is.
///
/// # Errors
/// There is too much to say.
pub fn package(module: &Verified, about: &About) -> Result<ImageParts, OciError> {
    let About { title, description, authors, licenses, version, source, url, annotations, created } = about;
    let mut annotations = annotations.clone();
    let said = [
        ("title", title),
        ("description", description),
        ("authors", authors),
        ("licenses", licenses),
        ("version", version),
        ("source", source),
        ("url", url),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            annotations.insert(format!("org.opencontainers.image.{name}"), value.clone());
        }
    }
    let bytes: usize = annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
    if annotations.len() > MOST_ANNOTATIONS || bytes > MOST_ANNOTATED {
        let why = format!(
            "there are {} annotations of {bytes} bytes; there may be {MOST_ANNOTATIONS} of {MOST_ANNOTATED}",
            annotations.len()
        );
        return Err(OciError::refused("the image", why));
    }
    let config = json(&WasmConfig::of(module, authors.clone(), *created));
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media::MANIFEST.into()),
        artifact_type: Some(media::CONFIG.into()),
        config: Descriptor::new(media::CONFIG, Part::of(&config)),
        layers: vec![Descriptor::new(media::WASM, Part { digest: module.digest(), size: module.bytes().len() as u64 })],
        annotations,
    };
    Ok(ImageParts { manifest: json(&manifest), config, signature: None })
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it is maps with keys of text")
}
