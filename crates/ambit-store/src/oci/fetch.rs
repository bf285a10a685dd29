//! The steps from a manifest to a module, wherever they come from.
//!
//! ```text
//! manifest, or a list ─► the manifest for WebAssembly ─► its configuration ─► its only layer ─► signatures of it
//! ```
//! Each is asked for by a digest that was read before it, from something that was checked; so whoever answers can refuse, and no more.

use std::collections::HashSet;

use ambit_core::Digest;

use super::{
    config::{self, MOST_CONFIG},
    cosign,
    error::OciError,
    manifest::{Document, MOST_MANIFEST},
};
use crate::{
    blob::MOST_BYTES,
    image_record::Part,
    store::{ImageParts, SignatureParts},
};

/// No module is larger, whatever is allowed.
pub const MOST_MODULE: u64 = MOST_BYTES;
/// As many lists may lie within one another.
const MOST_DEPTH: usize = 2;

/// An image, all of which is what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What the name led to: the manifest, or a list in which that was found.
    pub resolved: Digest,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// All of it but the module.
    pub parts: ImageParts,
    /// The module, which nobody has looked into yet.
    pub module: Vec<u8>,
    /// Why there may be signatures that did not come along.
    pub unsigned: Option<String>,
}

/// A manifest or a list, as it came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) bytes: Vec<u8>,
    /// What whoever sent it says that it is.
    pub(crate) media_type: Option<String>,
}

/// Where images come from. What it gives is checked by whoever asks.
pub(crate) trait Origin {
    /// The manifest or list of this digest, of at most so many bytes.
    fn manifest(&mut self, what: &str, digest: Digest, most: u64) -> Result<Came, OciError>;
    /// A blob, of exactly as many bytes as it should have.
    fn blob(&mut self, what: &str, part: Part) -> Result<Vec<u8>, OciError>;
    /// The manifest of signatures of something, if there are any.
    fn signatures(&mut self, what: &str, of: Digest, most: u64) -> Result<Option<Came>, OciError>;
}

/// Fetches the image that a manifest or list is of, which is known to be what was asked for.
pub(crate) fn fetch(origin: &mut dyn Origin, what: &str, top: Came, most: u64) -> Result<Fetched, OciError> {
    let resolved = Digest::of(&top.bytes);
    let (bytes, manifest) = find(origin, what, top)?;
    let layer = manifest.module(what, most.min(MOST_MODULE))?;
    if manifest.config.size > MOST_CONFIG {
        return Err(OciError::TooLarge { what: format!("the configuration of {what}"), most: MOST_CONFIG });
    }
    let config = blob(origin, &format!("the configuration of {what}"), manifest.config.part())?;
    config::check(what, &manifest.config.media_type, &config, layer.digest)?;
    let module = blob(origin, &format!("the module of {what}"), layer.part())?;
    let digest = Digest::of(&bytes);
    let found = match signatures(origin, what, resolved) {
        Ok(None) if resolved != digest => signatures(origin, what, digest),
        found => found,
    };
    let (signature, unsigned) = match found {
        Ok(found) => (found, None),
        // Anybody who may push may have put something else there. The image is none the less what was asked for; where a signature is
        // required, there is none.
        Err(
            error @ (OciError::Refused { .. }
            | OciError::TooLarge { .. }
            | OciError::Denied { .. }
            | OciError::Status { .. }
            | OciError::NotFound { .. }),
        ) => (None, Some(error.full())),
        Err(error) => return Err(error),
    };
    let parts = ImageParts { manifest: bytes, config, signature };
    Ok(Fetched { resolved, manifest: digest, parts, module, unsigned })
}

/// From a list to a manifest.
fn find(origin: &mut dyn Origin, what: &str, top: Came) -> Result<(Vec<u8>, super::manifest::Manifest), OciError> {
    let mut came = top;
    let mut seen = HashSet::from([Digest::of(&came.bytes)]);
    for _ in 0..=MOST_DEPTH {
        let index = match Document::parse(what, &came.bytes, came.media_type.as_deref())? {
            Document::Manifest(manifest) => return Ok((came.bytes, *manifest)),
            Document::Index(index) => index,
        };
        let listed = index.choose(what)?;
        if !seen.insert(listed.digest) {
            return Err(OciError::refused(what, "its lists lead to one another"));
        }
        if listed.size > MOST_MANIFEST {
            return Err(OciError::TooLarge { what: format!("a manifest of {what}"), most: MOST_MANIFEST });
        }
        let name = format!("a manifest of {what}");
        let next = origin.manifest(&name, listed.digest, listed.size)?;
        check(&name, &next.bytes, listed.part())?;
        if next.media_type.as_deref().is_some_and(|came_as| came_as != listed.media_type) {
            return Err(OciError::refused(name, "it came as another media type than it is listed as"));
        }
        came = Came { media_type: Some(listed.media_type.clone()), ..next };
    }
    Err(OciError::refused(what, format!("more than {MOST_DEPTH} lists lie within one another")))
}

fn signatures(origin: &mut dyn Origin, what: &str, of: Digest) -> Result<Option<SignatureParts>, OciError> {
    let what = format!("the signatures of {what}");
    let Some(came) = origin.signatures(&what, of, MOST_CONFIG)? else { return Ok(None) };
    let manifest = cosign::parse(&what, &came.bytes, came.media_type.as_deref())?;
    let mut blobs = Vec::new();
    for part in std::iter::once(&manifest.config).chain(&manifest.layers).map(super::manifest::Descriptor::part) {
        blobs.push(blob(origin, &what, part)?);
    }
    Ok(Some(SignatureParts { of, manifest: came.bytes, blobs }))
}

fn blob(origin: &mut dyn Origin, what: &str, part: Part) -> Result<Vec<u8>, OciError> {
    let bytes = origin.blob(what, part)?;
    check(what, &bytes, part)?;
    Ok(bytes)
}

/// Whether bytes are what was asked for.
pub(crate) fn check(what: &str, bytes: &[u8], asked: Part) -> Result<(), OciError> {
    let found = Part::of(bytes);
    if found.size != asked.size {
        let found = format!("{} came", found.size);
        return Err(OciError::Length { what: what.to_owned(), said: asked.size, found });
    }
    if found.digest != asked.digest {
        return Err(OciError::DigestMismatch { what: what.to_owned(), asked: asked.digest, found: found.digest });
    }
    Ok(())
}
