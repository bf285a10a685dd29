//! What a store knows of an image.

use ambit_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    image_name::{ImageReference, ImageSelect, Repository},
    metadata::Metadata,
    name::{Namespace, TagName},
    record::ModuleRecord,
};

/// An image in a store: a name that a registry has, or would have, for a module, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRecord {
    /// Whose it is.
    pub namespace: Namespace,
    /// Where it is from, or would go.
    pub repository: Repository,
    /// Its tag; none if it is known by its digest alone.
    pub tag: Option<TagName>,
    /// What the name led to when it was asked for: the manifest, or an index in which that was found.
    pub resolved: Digest,
    /// Its manifest, which names all of it.
    pub manifest: Part,
    /// What it says of the module.
    pub config: Part,
    /// The module.
    pub module: Part,
    /// Bytes of the module in the store.
    pub compressed_size: u64,
    /// Signatures that came with it.
    pub signature: Option<SignatureRecord>,
    /// When it was stored, in seconds since 1970.
    pub added_at: i64,
}

/// Something that is named by its digest, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

/// Signatures of an image, as they came: a manifest, and what it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureRecord {
    /// What they are of: the image's manifest, or the list in which that was found.
    pub of: Digest,
    /// Their manifest.
    pub manifest: Part,
    /// What that names.
    pub blobs: Vec<Part>,
}

impl Part {
    /// These bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

impl ImageRecord {
    /// What it is asked for with.
    pub fn reference(&self) -> ImageReference {
        let select = self.tag.clone().map_or(ImageSelect::Digest(self.resolved), ImageSelect::Tag);
        ImageReference { repository: self.repository.clone(), select }
    }

    /// Its module, as one that has no other name.
    pub fn module(&self) -> ModuleRecord {
        ModuleRecord {
            namespace: self.namespace.clone(),
            called: None,
            digest: self.module.digest,
            size: self.module.size,
            compressed_size: self.compressed_size,
            added_at: self.added_at,
            metadata: Metadata::default(),
        }
    }

    /// All of it but the module.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        let signature =
            self.signature.iter().flat_map(|signature| std::iter::once(signature.manifest).chain(signature.blobs.iter().copied()));
        [self.manifest, self.config].into_iter().chain(signature)
    }
}
