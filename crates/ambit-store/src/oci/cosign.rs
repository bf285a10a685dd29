//! Signatures that cosign made, which lie in the same repository as what they sign, under a tag that its digest makes.
//!
//! Here they are carried along: pulled, kept, exported and pushed with their image. Whether one is good is for [`sign`](crate::sign) to say.

use std::collections::BTreeMap;

use ambit_core::{Digest, escape};

use super::{
    config::MOST_CONFIG,
    error::OciError,
    manifest::{Descriptor, Document, Manifest},
    media,
};
use crate::{
    image_record::Part,
    sign::CosignSignature,
    store::{ImageParts, SignatureParts},
};

/// As many signatures are carried along.
const MOST_SIGNATURES: usize = 16;
/// The most bytes of what one of them is of, and of itself.
const MOST_PAYLOAD: u64 = 64 << 10;
/// Where a signature is, beside the payload that it is of.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

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

/// The signatures that an image came with, each with what it is of.
///
/// # Errors
/// They are not what [`Registry::pull`](super::Registry::pull) keeps.
pub fn signatures(parts: &SignatureParts) -> Result<Vec<CosignSignature>, OciError> {
    let what = "the signatures of the image";
    let SignatureParts { of: _, manifest, blobs } = parts;
    let manifest = parse(what, manifest, Some(Document::media_type(what, manifest)?))?;
    let one = |layer: &Descriptor| {
        let payload = blobs.iter().find(|blob| Digest::of(blob) == layer.digest);
        let (Some(payload), Some(signature)) = (payload, layer.annotations.get(SIGNATURE)) else {
            return Err(OciError::refused(what, format!("the payload {} is missing", layer.digest)));
        };
        let no_text = |_| OciError::refused(what, format!("the payload {} is no text", layer.digest));
        let payload = String::from_utf8(payload.clone()).map_err(no_text)?;
        Ok(CosignSignature { payload, signature: signature.clone() })
    };
    manifest.layers.iter().map(one).collect()
}

/// An image's signatures with one more, of the same key and text none twice.
///
/// # Errors
/// There are as many as are ever tried.
pub fn with_signature(image: &ImageParts, of: Digest, signature: CosignSignature) -> Result<SignatureParts, OciError> {
    let what = "the signatures of the image";
    // Those of something else, such as a list that it was found in, stay with whoever has that.
    let before = image.signature.as_ref().filter(|parts| parts.of == of);
    let mut all = before.map_or(Ok(Vec::new()), signatures)?;
    all.retain(|there| *there != signature);
    all.push(signature);
    if all.len() > MOST_SIGNATURES {
        return Err(OciError::refused(what, format!("there are {MOST_SIGNATURES} already, and no more are ever tried")));
    }
    let mut layers = Vec::new();
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    for CosignSignature { payload, signature } in all {
        let mut layer = Descriptor::new(media::SIMPLE_SIGNING, Part::of(payload.as_bytes()));
        layer.annotations.insert(SIGNATURE.into(), signature);
        layers.push(layer);
        blobs.push(payload.into_bytes());
    }
    // As cosign has it: a configuration of an image that has nothing.
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.digest).collect();
    let config = serde_json::json!({
        "architecture": "", "os": "", "config": {}, "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
    .to_string()
    .into_bytes();
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media::MANIFEST.into()),
        artifact_type: None,
        config: Descriptor::new("application/vnd.oci.image.config.v1+json", Part::of(&config)),
        layers,
        annotations: BTreeMap::new(),
    };
    blobs.push(config);
    // The same text is kept once.
    blobs.sort();
    blobs.dedup();
    Ok(SignatureParts { of, manifest: serde_json::to_vec(&manifest).expect("it is maps with keys of text"), blobs })
}
