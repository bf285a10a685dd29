//! Taking modules out.

use ambit_core::Digest;

use super::Store;
use crate::{
    error::StoreError,
    index::Writing,
    name::Namespace,
    record::{ModuleRecord, Record, RecordId},
    reference::Reference,
};

impl Store {
    /// Takes a module's name away, and tags that point at it; its blob is removed when nothing else knows it and nobody has it loaded.
    /// A run goes on with what it has. Gives back what was removed, and whether its blob is gone.
    ///
    /// # Errors
    /// There is none; others need it, unless that is to be ignored; or a system call failed.
    pub fn remove(&self, namespace: &Namespace, reference: &Reference, force: bool) -> Result<(ModuleRecord, bool), StoreError> {
        let module = self.resolve(namespace, reference)?.record;
        if !force && let Some(by) = self.needed_by(&module)? {
            let message = format!("`{}` needs `{}`; remove that first, or say --force", by, module.title());
            return Err(StoreError::Refused(message));
        }
        let changing = self.changing()?;
        self.index.write(|index| self.remove_entry(index, &module))?;
        drop(changing);
        let gone = match self.remove_unknown(module.digest) {
            // Whoever collects next removes it.
            Err(StoreError::Busy { .. }) => false,
            gone => gone?,
        };
        Ok((module, gone))
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
    pub(super) fn remove_entry(&self, index: &Writing<'_>, module: &ModuleRecord) -> Result<(), StoreError> {
        let id = Record::Module(module.clone()).id();
        if let (Some(called), Some(dir)) = (&module.called, self.records.existing(&id.family)?) {
            for item in dir.names()? {
                let id = RecordId { family: id.family.clone(), item };
                let tags =
                    matches!(self.record_in(&dir, &id), Ok(Some((Record::Tag { version, .. }, _))) if version.0 == called.version);
                if tags {
                    self.remove_record(&id)?;
                    index.remove(&id)?;
                }
            }
        }
        self.remove_record(&id)?;
        index.remove(&id)
    }

    /// Removes a blob that no record knows any more, unless somebody has it; whether it is gone.
    fn remove_unknown(&self, digest: Digest) -> Result<bool, StoreError> {
        // Whoever is just adding the same module has its blob already and its record not yet.
        let _alone = self.alone()?;
        self.index.write(|index| {
            let mut known = false;
            for (id, json) in index.about(digest)? {
                match self.parsed(&json)? {
                    Record::Module(_) => known = true,
                    // A pin of what is not there keeps nothing.
                    _ => {
                        self.remove_record(&id)?;
                        index.remove(&id)?;
                    }
                }
            }
            if known || !self.blobs.remove(digest)? {
                return Ok(false);
            }
            index.forget_usage(digest)?;
            Ok(true)
        })
    }
}
