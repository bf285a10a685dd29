//! Images: names that registries have for modules, with the manifests that came with them.

use std::collections::HashSet;

use ambit_admit::Verified;
use ambit_core::Digest;

use super::Store;
use crate::{
    error::StoreError,
    files::now,
    image_name::{ImageReference, ImageSelect},
    image_record::{ImageRecord, Part, SignatureRecord},
    name::Namespace,
    record::{self, Record, RecordId},
};

/// All of an image but its module, as it came: so that whoever has it from here gets the same digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageParts {
    /// The manifest.
    pub manifest: Vec<u8>,
    /// What the manifest names as its configuration.
    pub config: Vec<u8>,
    /// Signatures of it.
    pub signature: Option<SignatureParts>,
}

/// Signatures, as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureParts {
    /// What they are of: the image's manifest, or the list in which that was found.
    pub of: Digest,
    /// Their manifest.
    pub manifest: Vec<u8>,
    /// What that names.
    pub blobs: Vec<Vec<u8>>,
}

/// An image to be kept.
#[derive(Debug, Clone, Copy)]
pub struct PutImage<'a> {
    /// Whose it is.
    pub namespace: &'a Namespace,
    /// What it is to be known as.
    pub reference: &'a ImageReference,
    /// What the name led to: the manifest, or an index in which that was found.
    pub resolved: Digest,
    /// What it is made of.
    pub parts: &'a ImageParts,
    /// Its module.
    pub module: &'a Verified,
}

impl Store {
    /// Keeps an image. Where another has its tag, that has it no more. When this returns, all of it is on disk.
    ///
    /// # Errors
    /// A system call failed, and then what there was before is there.
    pub fn put_image(&self, image: PutImage<'_>) -> Result<ImageRecord, StoreError> {
        let PutImage { namespace, reference, resolved, parts, module } = image;
        let ImageParts { manifest, config, signature } = parts;
        let changing = self.changing()?;
        let compressed_size = self.blobs.write(module.digest(), module.bytes())?;
        let signature = signature.as_ref().map(|signatures| self.write_signatures(signatures)).transpose()?;
        let record = ImageRecord {
            namespace: namespace.clone(),
            repository: reference.repository.clone(),
            tag: match &reference.select {
                ImageSelect::Tag(tag) => Some(tag.clone()),
                ImageSelect::Digest(_) => None,
            },
            resolved,
            manifest: self.write_part(manifest)?,
            config: self.write_part(config)?,
            module: Part { digest: module.digest(), size: module.bytes().len() as u64 },
            compressed_size,
            signature,
            added_at: now(),
        };
        self.put(&[Record::Image(record.clone())], |index| index.stored(module.digest(), record.added_at))?;
        drop(changing);
        self.keep_to_limit(Some(module.digest()))?;
        Ok(record)
    }

    /// Finds an image, if it is there.
    ///
    /// # Errors
    /// A record of its repository is damaged; or a system call failed.
    pub fn image(&self, namespace: &Namespace, reference: &ImageReference) -> Result<Option<ImageRecord>, StoreError> {
        let family = record::images_of(namespace, &reference.repository);
        let all = || self.records.existing(&family)?.map_or(Ok(Vec::new()), |dir| dir.names());
        match &reference.select {
            ImageSelect::Tag(wanted) => {
                let is_it = |image: &ImageRecord| image.tag.as_ref() == Some(wanted);
                self.first_image(&family, all()?, is_it)
            }
            ImageSelect::Digest(wanted) => {
                self.first_image(&family, all()?, |image| image.resolved == *wanted || image.manifest.digest == *wanted)
            }
        }
    }

    fn first_image(
        &self,
        family: &str,
        items: Vec<String>,
        is_it: impl Fn(&ImageRecord) -> bool,
    ) -> Result<Option<ImageRecord>, StoreError> {
        for item in items {
            let found = self.image_at(&RecordId { family: family.to_owned(), item })?;
            if let Some(image) = found.filter(&is_it) {
                return Ok(Some(image));
            }
        }
        Ok(None)
    }

    /// The image whose record is there, as its file says.
    pub(super) fn image_at(&self, id: &RecordId) -> Result<Option<ImageRecord>, StoreError> {
        let Some(dir) = self.records.existing(&id.family)? else { return Ok(None) };
        Ok(record::read_in(&dir, id)?.and_then(|(record, _)| match record {
            Record::Image(image) => Some(image),
            Record::Module(_)
            | Record::Tag { .. }
            | Record::Alias { .. }
            | Record::Pin { .. }
            | Record::Signature { .. }
            | Record::TrustedKey { .. }
            | Record::SignatureRule { .. }
            | Record::Revoked { .. } => None,
        }))
    }

    /// The images that there are, by repository and tag.
    ///
    /// # Errors
    /// The index failed.
    pub fn images(&self, namespace: &Namespace) -> Result<Vec<ImageRecord>, StoreError> {
        let mut images = Vec::new();
        for (_, json) in self.index.all()? {
            if let Record::Image(image) = self.parsed(&json)?
                && image.namespace == *namespace
            {
                images.push(image);
            }
        }
        images.sort_by(|a, b| (&a.repository, &a.tag, a.resolved).cmp(&(&b.repository, &b.tag, b.resolved)));
        Ok(images)
    }

    /// Whether there is a blob for each part of an image. Whether they are what they should be is found when they are read.
    ///
    /// # Errors
    /// A system call failed.
    pub fn has_all_of(&self, image: &ImageRecord) -> Result<bool, StoreError> {
        for part in image.parts().chain([image.module]) {
            if self.blobs.open(part.digest)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What an image is made of, without its module, which [`Store::load`] gives. All of it is what its digests name.
    ///
    /// # Errors
    /// Something of it is damaged or missing; or a system call failed.
    pub fn image_parts(&self, image: &ImageRecord) -> Result<ImageParts, StoreError> {
        let read = |part: Part| {
            let gone =
                || StoreError::NotFound { what: part.digest.to_string(), near: format!(": it is part of {}", image.reference()) };
            let blob = self.blobs.open(part.digest)?.ok_or_else(gone)?;
            blob.read(part.digest, part.size).or_else(|unread| self.unread(part.digest, unread))
        };
        let signature = image.signature.as_ref().map(|SignatureRecord { of, manifest, blobs }| {
            let blobs = blobs.iter().map(|part| read(*part)).collect::<Result<_, StoreError>>()?;
            Ok::<_, StoreError>(SignatureParts { of: *of, manifest: read(*manifest)?, blobs })
        });
        Ok(ImageParts { manifest: read(image.manifest)?, config: read(image.config)?, signature: signature.transpose()? })
    }

    /// Has an image that is there be signed by these, in place of those that it has.
    ///
    /// # Errors
    /// It was changed meanwhile; or a system call failed, and then it has what it had.
    pub fn sign_image(&self, image: &ImageRecord, signatures: &SignatureParts) -> Result<ImageRecord, StoreError> {
        let _changing = self.changing()?;
        let record = ImageRecord { signature: Some(self.write_signatures(signatures)?), ..image.clone() };
        self.put(&[Record::Image(record.clone())], |_| self.unchanged(image))?;
        Ok(record)
    }

    fn write_signatures(&self, signatures: &SignatureParts) -> Result<SignatureRecord, StoreError> {
        let SignatureParts { of, manifest, blobs } = signatures;
        let blobs = blobs.iter().map(|blob| self.write_part(blob)).collect::<Result<_, StoreError>>()?;
        Ok(SignatureRecord { of: *of, manifest: self.write_part(manifest)?, blobs })
    }

    fn write_part(&self, bytes: &[u8]) -> Result<Part, StoreError> {
        let part = Part::of(bytes);
        self.blobs.write(part.digest, bytes).map(|_| part)
    }

    /// Has an image that is there be known as `reference` too.
    ///
    /// # Errors
    /// The reference is a digest, which is no name to give; or the image was changed meanwhile; or a system call failed.
    pub fn tag_image(&self, image: &ImageRecord, reference: &ImageReference) -> Result<ImageRecord, StoreError> {
        let ImageSelect::Tag(tag) = &reference.select else {
            return Err(StoreError::Refused(format!("`{reference}` has no tag to be given: REGISTRY/PATH:TAG has")));
        };
        let record = ImageRecord {
            repository: reference.repository.clone(),
            tag: Some(tag.clone()),
            // What is given a name here has none there yet.
            resolved: image.manifest.digest,
            added_at: now(),
            ..image.clone()
        };
        let _changing = self.changing()?;
        self.put(&[Record::Image(record.clone())], |_| self.unchanged(image))?;
        Ok(record)
    }

    /// Whether an image's name is still what it was when somebody looked: asked while nobody else writes.
    fn unchanged(&self, image: &ImageRecord) -> Result<(), StoreError> {
        if self.image_at(&Record::Image(image.clone()).id())?.as_ref() == Some(image) {
            return Ok(());
        }
        Err(StoreError::Refused(format!("`{}` was changed meanwhile: try again", image.reference())))
    }

    /// Takes an image's name away; what nothing else knows of it goes, unless somebody has it loaded. A run goes on with what it has.
    /// Gives back what was removed, and whether its module's blob is gone.
    ///
    /// # Errors
    /// There is none; or a system call failed.
    pub fn remove_image(&self, namespace: &Namespace, reference: &ImageReference) -> Result<(ImageRecord, bool), StoreError> {
        let Some(image) = self.image(namespace, reference)? else {
            let near = "; `ambit images` lists images".into();
            return Err(StoreError::NotFound { what: reference.to_string(), near });
        };
        let id = Record::Image(image.clone()).id();
        {
            let _changing = self.changing()?;
            self.taking(|index, taken| {
                self.unchanged(&image)?;
                self.take(index, &id, taken)
            })?;
        }
        match self.remove_all_of(&image) {
            // Whoever collects next removes it.
            Err(StoreError::Busy { .. }) => Ok((image, false)),
            gone => gone.map(|gone| (image, gone)),
        }
    }

    /// Removes what an image had and no other record knows; whether its module is gone.
    fn remove_all_of(&self, image: &ImageRecord) -> Result<bool, StoreError> {
        let _alone = self.alone()?;
        let mut known = HashSet::new();
        for record in self.recorded()? {
            match &record {
                Record::Module(module) => drop(known.insert(module.digest)),
                Record::Image(other) => known.extend(other.parts().chain([other.module]).map(|part| part.digest)),
                // A pin of what is not there keeps nothing.
                Record::Tag { .. }
                | Record::Alias { .. }
                | Record::Pin { .. }
                | Record::Signature { .. }
                | Record::TrustedKey { .. }
                | Record::SignatureRule { .. }
                | Record::Revoked { .. } => {}
            }
        }
        image.parts().filter(|part| !known.contains(&part.digest)).try_for_each(|part| self.blobs.remove(part.digest).map(drop))?;
        if known.contains(&image.module.digest) { Ok(false) } else { self.remove_unknown_alone(image.module.digest) }
    }
}
