//! Taking modules out.

use std::cell::RefCell;

use ambit_core::Digest;

use super::{Store, fsck::named};
use crate::{
    error::StoreError,
    image_name::ImageReference,
    index::Writing,
    name::Namespace,
    record::{self, ModuleRecord, Record, RecordId},
    reference::Reference,
};

/// Records that were taken away, until that is done.
#[derive(Debug, Default)]
pub(super) struct Taken(RefCell<Vec<Record>>);

impl Store {
    /// Takes a module's name away, and tags that point at it; its blob is removed when nothing else knows it and nobody has it loaded.
    /// A run goes on with what it has. Gives back what was removed, and whether its blob is gone.
    ///
    /// # Errors
    /// There is none; others need it, unless that is to be ignored; or a system call failed.
    pub fn remove(&self, namespace: &Namespace, reference: &Reference, force: bool) -> Result<(ModuleRecord, bool), StoreError> {
        let module = self.resolve(namespace, reference)?.record;
        if let Some(image) = self.image_alone(&module)? {
            return Err(StoreError::Refused(format!("`{}` is the module of an image: `ambit rmi {image}`", module.title())));
        }
        if !force && let Some(by) = self.needed_by(&module)? {
            let message = format!("`{}` needs `{}`; remove that first, or say --force", by, module.title());
            return Err(StoreError::Refused(message));
        }
        let changing = self.changing()?;
        self.taking(|index, taken| self.remove_entry(index, &module, taken))?;
        drop(changing);
        let gone = match self.remove_unknown(module.digest) {
            // Whoever collects next removes it.
            Err(StoreError::Busy { .. }) => false,
            gone => gone?,
        };
        Ok((module, gone))
    }

    /// An image that a module is known by, if it is known by nothing else.
    fn image_alone(&self, module: &ModuleRecord) -> Result<Option<ImageReference>, StoreError> {
        let id = Record::Module(module.clone()).id();
        if let Some(dir) = self.records.existing(&id.family)?
            && dir.look(&id.item)?.is_some()
        {
            return Ok(None);
        }
        let images = self.images(&module.namespace)?.into_iter();
        Ok(images.filter(|image| image.module.digest == module.digest).map(|image| image.reference()).next())
    }

    /// A module that would lack a version that it needs.
    fn needed_by(&self, module: &ModuleRecord) -> Result<Option<String>, StoreError> {
        let Some(called) = &module.called else { return Ok(None) };
        let others = self.modules_of(&module.namespace, &called.name)?;
        for info in self.list(Some(&module.namespace))? {
            let needs = info.record.metadata.dependencies.iter().any(|dependency| {
                let serves =
                    |other: &ModuleRecord| other.called.as_ref().is_some_and(|other| dependency.versions.matches(&other.version));
                let others = others.iter().filter(|other| other.called.as_ref() != Some(called));
                dependency.name == called.name && serves(module) && !others.into_iter().any(serves)
            });
            if needs && info.record.called.as_ref() != Some(called) {
                return Ok(Some(info.record.title()));
            }
        }
        Ok(None)
    }

    /// Removes a module's record, and tags of it.
    pub(super) fn remove_entry(&self, index: &Writing<'_>, module: &ModuleRecord, taken: &Taken) -> Result<(), StoreError> {
        let id = Record::Module(module.clone()).id();
        if let (Some(called), Some(dir)) = (&module.called, self.records.existing(&id.family)?) {
            for item in dir.names()? {
                let id = RecordId { family: id.family.clone(), item };
                let tags =
                    matches!(record::read_in(&dir, &id), Ok(Some((Record::Tag { version, .. }, _))) if version.0 == called.version);
                if tags {
                    self.take(index, &id, taken)?;
                }
            }
        }
        self.take(index, &id, taken).map(drop)
    }

    /// Removes a record, file and row; whether there was one.
    pub(super) fn take(&self, index: &Writing<'_>, id: &RecordId, taken: &Taken) -> Result<bool, StoreError> {
        let there = self.there(index, id)?;
        let was = there.is_some();
        taken.0.borrow_mut().extend(there);
        self.remove_record(id)?;
        index.remove(id)?;
        Ok(was)
    }

    /// Takes records away in one go. If any of it fails, those that were taken are there again, as far as that can still be done.
    pub(super) fn taking<T>(&self, with: impl FnOnce(&Writing<'_>, &Taken) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let taken = Taken::default();
        let done = self.index.write(|index| with(index, &taken));
        if done.is_err() {
            for record in taken.0.into_inner() {
                // The error that is told is the first.
                let _ = self.write_record(&record, &record.to_json());
            }
        }
        done
    }

    /// Removes a blob that no record knows any more, unless somebody has it; whether it is gone.
    fn remove_unknown(&self, digest: Digest) -> Result<bool, StoreError> {
        // Whoever is just adding the same module has its blob already and its record not yet.
        let _alone = self.alone()?;
        self.remove_unknown_alone(digest)
    }

    /// Whether the file of a record names a blob: since a crash the index may lack it. Where one cannot be read, it may be that one.
    fn may_be_recorded(&self, digest: Digest) -> bool {
        self.recorded().map_or(true, |records| records.iter().any(|record| named(record).iter().any(|(of, _)| *of == digest)))
    }

    /// The same, by whoever is the only one to change anything.
    pub(super) fn remove_unknown_alone(&self, digest: Digest) -> Result<bool, StoreError> {
        self.taking(|index, taken| {
            let mut known = false;
            for (id, json) in index.about(digest)? {
                match self.parsed(&json)? {
                    Record::Module(_) | Record::Image(_) => known = true,
                    // A pin of what is not there keeps nothing.
                    Record::Pin { .. } | Record::Tag { .. } | Record::Alias { .. } => {
                        self.take(index, &id, taken)?;
                    }
                    // These are about no module of the store's.
                    Record::Signature { .. }
                    | Record::TrustedKey { .. }
                    | Record::SignatureRule { .. }
                    | Record::Revoked { .. } => {}
                }
            }
            if known || self.may_be_recorded(digest) || !self.blobs.remove(digest)? {
                return Ok(false);
            }
            index.forget_usage(digest)?;
            Ok(true)
        })
    }
}
