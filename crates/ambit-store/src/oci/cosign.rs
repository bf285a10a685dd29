//! Signatures that cosign made, which lie in the same repository as what they sign, under a tag that its digest makes.
//!
//! Here they are carried along: pulled, kept, exported and pushed with their image. Whether one is good is not decided here.

use ambit_core::{Digest, escape};

use super::{
    config::MOST_CONFIG,
    error::OciError,
    manifest::{Document, Manifest},
    media,
};
use crate::store::SignatureParts;

/// As many signatures are carried along.
const MOST_SIGNATURES: usize = 16;
/// The most bytes of what one of them is of, and of itself.
const MOST_PAYLOAD: u64 = 64 << 10;
/// Where a signature is, beside the payload that it is of.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// A signature, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignSignature {
    /// JSON that names the image by its digest. Nothing of it is believed yet.
    pub payload: Vec<u8>,
    /// The signature of these bytes, in base64.
    pub signature: String,
}

/// The tag under which signatures of an image are.
pub(crate) fn tag(of: Digest) -> String {
    format!("sha256-{}.sig", of.hex())
}

/// Whether a tag is one of signatures.
pub(crate) fn is_tag(tag: &str) -> bool {
    tag.strip_prefix("sha256-").and_then(|rest| rest.strip_suffix(".sig")).is_some_and(|hex| hex.len() == 64)
}

/// Reads a manifest of signatures, and refuses one of anything else.
pub(crate) fn parse(what: &str, bytes: &[u8], media_type: Option<&str>) -> Result<Manifest, OciError> {
    let refused = |why: String| OciError::refused(what, why);
    let manifest = match Document::parse(what, bytes, media_type)? {
        Document::Manifest(manifest) => *manifest,
        Document::Index(_) => return Err(refused("it is a list, and not signatures".into())),
    };
    if manifest.layers.len() > MOST_SIGNATURES {
        return Err(refused(format!("there are {} signatures; there may be {MOST_SIGNATURES}", manifest.layers.len())));
    }
    if manifest.config.size > MOST_CONFIG {
        return Err(OciError::TooLarge { what: format!("the configuration of {what}"), most: MOST_CONFIG });
    }
    for layer in &manifest.layers {
        if layer.media_type != media::SIMPLE_SIGNING {
            return Err(refused(format!("one is of media type `{}`", escape(&layer.media_type, 100))));
        }
        if layer.size > MOST_PAYLOAD {
            return Err(OciError::TooLarge { what: format!("one of {what}"), most: MOST_PAYLOAD });
        }
        match layer.annotations.get(SIGNATURE) {
            None => return Err(refused("one has a payload and no signature".into())),
            Some(signature) if signature.len() as u64 > MOST_PAYLOAD => {
                return Err(OciError::TooLarge { what: format!("one of {what}"), most: MOST_PAYLOAD });
            }
            Some(_) => {}
        }
    }
    Ok(manifest)
}

impl CosignSignature {
    /// The signatures that an image came with, each with what it is of.
    ///
    /// # Errors
    /// They are not what [`Registry::pull`](super::Registry::pull) keeps.
    pub fn all(parts: &SignatureParts) -> Result<Vec<Self>, OciError> {
        let what = "the signatures of the image";
        let SignatureParts { of: _, manifest, blobs } = parts;
        let manifest = parse(what, manifest, Some(Document::media_type(what, manifest)?))?;
        let one = |layer: &super::manifest::Descriptor| {
            let payload = blobs.iter().find(|blob| Digest::of(blob) == layer.digest);
            let (Some(payload), Some(signature)) = (payload, layer.annotations.get(SIGNATURE)) else {
                return Err(OciError::refused(what, format!("the payload {} is missing", layer.digest)));
            };
            Ok(Self { payload: payload.clone(), signature: signature.clone() })
        };
        manifest.layers.iter().map(one).collect()
    }
}
