//! Putting modules in.

use ambit_admit::Verified;
use serde::Serialize;

use super::Store;
use crate::{
    error::StoreError,
    files::now,
    metadata::Metadata,
    name::{Namespace, TagName},
    record::{Called, ModuleRecord, Record, VersionText},
};

/// What a module is to be known as.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// Whose it is.
    pub namespace: Namespace,
    /// What it is called; by its digest alone if absent.
    pub called: Option<Called>,
    /// Tags that point at it from now on.
    pub tags: Vec<TagName>,
    /// What is said of it.
    pub metadata: Metadata,
}

/// What was put in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Added {
    /// The module.
    #[serde(flatten)]
    pub record: ModuleRecord,
    /// Whether there was none of its digest.
    pub new: bool,
}

impl Store {
    /// Puts a module in. When this returns, it and all that was said of it is on disk.
    ///
    /// The same module may be added again, and what is said of it replaced; a version is never another module.
    ///
    /// # Errors
    /// The version is another module; there is too much to say; or a system call failed, and then nothing was put in.
    pub fn add(&self, module: &Verified, add: Add) -> Result<Added, StoreError> {
        let Add { namespace, called, tags, metadata } = add;
        if let Some(excess) = metadata.excess() {
            return Err(StoreError::Refused(excess));
        }
        if called.is_none() && !tags.is_empty() {
            return Err(StoreError::Refused("a tag is of a name: give the module a name and a version".into()));
        }
        if let Some(called) = &called
            && self.is_alias(&namespace, &called.name)?
        {
            let name = &called.name;
            return Err(StoreError::Refused(format!("`{name}` is another name of a module already: `ambit store unalias {name}`")));
        }
        let digest = module.digest();
        let changing = self.changing()?;
        // Before anything is written in vain.
        if let Some(called) = &called {
            self.free_or_same(&namespace, called, digest)?;
        }
        let new = self.blobs.open(digest)?.is_none();
        let compressed_size = self.blobs.write(digest, module.bytes())?;
        let size = module.bytes().len() as u64;
        let added_at = now();
        let record = ModuleRecord { namespace, called, digest, size, compressed_size, added_at, metadata };
        let entry = Record::Module(record.clone());
        let id = entry.id();
        let points = record.called.iter().flat_map(|called| {
            tags.iter().map(|tag| Record::Tag {
                namespace: record.namespace.clone(),
                name: called.name.clone(),
                tag: tag.clone(),
                version: VersionText(called.version.clone()),
            })
        });
        let entries: Vec<Record> = std::iter::once(entry).chain(points).collect();
        self.put(&entries, |index| {
            // Once more: somebody else may have been quicker.
            match index.get(&id)?.map(|json| self.parsed(&json)).transpose()?.and_then(|there| there.digest()) {
                Some(there) if there != digest => Err(StoreError::Taken { title: record.title(), there }),
                Some(_) | None => index.stored(digest, added_at),
            }
        })?;
        drop(changing);
        self.keep_to_limit(Some(digest))?;
        Ok(Added { record, new })
    }

    fn free_or_same(&self, namespace: &Namespace, called: &Called, digest: ambit_core::Digest) -> Result<(), StoreError> {
        let there = self.modules_of(namespace, &called.name)?.into_iter().find(|there| there.called.as_ref() == Some(called));
        match there {
            Some(there) if there.digest != digest => Err(StoreError::Taken { title: called.to_string(), there: there.digest }),
            Some(_) | None => Ok(()),
        }
    }
}
