//! A store of modules: what is put into it, found in it, and taken out again.
//!
//! ```text
//! blobs/sha256/aa/bb/<hex>     modules, compressed            records/<family>/<item>   what is known of them
//! index.sqlite                 the records once more          aside/                    what turned out to be damaged
//! tmp/                         what is being written          lock, users               who is at work
//! ```
//! To add a module is to write its blob, then its record, then the index, each on disk before the next begins: what a crash leaves is a
//! blob that nobody knows, which [`Store::gc`] removes, or a record that the index lacks, which is taken in when its name is next asked
//! for. The index decides nothing: whatever it says of a name is compared with the records before it is believed.

mod add;
mod evict;
mod fsck;
mod images;
mod pointers;
mod remove;
mod resolve;
mod trust;

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use ambit_core::Digest;
use rustix::fs::{FlockOperation, Mode};
use serde::Serialize;

pub use self::{
    add::{Add, Added},
    evict::{Collected, DiskUsage},
    fsck::{Finding, Fsck},
    images::{ImageParts, PutImage, SignatureParts},
    resolve::Resolved,
    trust::signatures_of,
};
use crate::{
    blob::{Blob, Blobs, Unread},
    error::StoreError,
    files::{Dir, Temporary, now},
    index::{Index, Used, Writing},
    name::Namespace,
    place::Place,
    record::{self, ModuleRecord, Record, RecordId},
};

/// How long other processes are waited for that need the store for themselves.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A store of modules.
#[derive(Debug)]
pub struct Store {
    place: Place,
    blobs: Blobs,
    records: Dir,
    index: Index,
    options: StoreOptions,
    /// Shared by all who have the store open: its index is only replaced while nobody has.
    _user: File,
}

/// How a store is kept.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// The most bytes of all modules, as they are on disk; none for as many as there is room for.
    pub limit: Option<u64>,
    /// For how long what was just stored is not evicted.
    pub settle: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { limit: None, settle: Duration::from_secs(600) }
    }
}

/// A module that was loaded: its bytes, which are those its digest names. While this lives it is not evicted.
#[derive(Debug)]
pub struct Loaded {
    bytes: Vec<u8>,
    lease: Lease,
}

/// Holds a module in the store. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "it is held for its lock")] Blob);

/// What is known of a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Its record.
    #[serde(flatten)]
    pub record: ModuleRecord,
    /// Tags that point at it.
    pub tags: Vec<String>,
    /// When it was last loaded, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// How often it was.
    pub uses: u64,
    /// Whether it is pinned.
    pub pinned: bool,
}

impl Loaded {
    /// Its bytes, and what keeps it from being evicted.
    pub fn into_parts(self) -> (Vec<u8>, Lease) {
        (self.bytes, self.lease)
    }
}

impl Store {
    /// Opens the store at a place; makes it if there is none.
    ///
    /// # Errors
    /// It is not to be trusted; or its index is damaged, or a newer Ambit's; or a system call failed.
    pub fn open(place: Place, options: StoreOptions) -> Result<Self, StoreError> {
        let root = place.root();
        let user = locked(root, "users", FlockOperation::NonBlockingLockShared, PATIENCE, "its index is made anew")?;
        let index = Index::open(place.path())?;
        let (blobs, records) = (Blobs::in_store(root)?, root.sub("records")?);
        Ok(Self { blobs, records, index, options, _user: user, place })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Loads a module. What is given back is what its digest names, or an error: what is not is moved aside.
    ///
    /// # Errors
    /// It is not there any more, or damaged; or a system call failed.
    pub fn load(&self, module: &ModuleRecord) -> Result<Loaded, StoreError> {
        let digest = module.digest;
        let gone = || StoreError::NotFound { what: digest.to_string(), near: ": its blob is missing".into() };
        let blob = self.blobs.open(digest)?.ok_or_else(gone)?;
        let bytes = blob.read(digest, module.size).or_else(|unread| self.unread(digest, unread))?;
        // How often it was used is no reason not to use it.
        let _ = self.index.mark_used(digest, now());
        Ok(Loaded { bytes, lease: Lease(blob) })
    }

    fn unread<T>(&self, digest: Digest, unread: Unread) -> Result<T, StoreError> {
        match unread {
            Unread::Damaged(why) => {
                self.blobs.move_aside(digest)?;
                Err(StoreError::DigestMismatch { digest, why })
            }
            Unread::System(error) => Err(StoreError::system("read the module in", self.path())(error)),
        }
    }

    /// What is in it, by namespace, name and version.
    ///
    /// # Errors
    /// The index failed.
    pub fn list(&self, namespace: Option<&Namespace>) -> Result<Vec<Info>, StoreError> {
        let usage = self.index.usage()?;
        let (mut modules, mut tags, mut pins) = (Vec::new(), Vec::new(), Vec::new());
        for (_, json) in self.index.all()? {
            match self.parsed(&json)? {
                Record::Module(module) if namespace.is_none_or(|wanted| module.namespace == *wanted) => modules.push(module),
                Record::Tag { namespace, name, tag, version } => tags.push((namespace, name, version.0, tag.to_string())),
                Record::Pin { namespace, digest } => pins.push((namespace, digest)),
                Record::Module(_)
                | Record::Alias { .. }
                | Record::Image(_)
                | Record::Signature { .. }
                | Record::TrustedKey { .. }
                | Record::SignatureRule { .. }
                | Record::Revoked { .. } => {}
            }
        }
        tags.sort();
        pins.sort();
        let called = |module: &ModuleRecord| module.called.as_ref().map(|called| (called.name.clone(), called.version.clone()));
        modules.sort_by_cached_key(|module| (module.namespace.clone(), called(module), module.digest));
        let of = |module: ModuleRecord| {
            let Used { stored_at: _, last_used_at, uses } = usage.get(&module.digest).copied().unwrap_or_default();
            let pinned = pins.binary_search(&(module.namespace.clone(), module.digest)).is_ok();
            let key = called(&module).map(|(name, version)| (module.namespace.clone(), name, version, String::new()));
            let tags = key.map_or_else(Vec::new, |key| {
                let from = tags.partition_point(|tag| *tag < key);
                let of_it = tags[from..].iter().take_while(|tag| (&tag.0, &tag.1, &tag.2) == (&key.0, &key.1, &key.2));
                of_it.map(|tag| tag.3.clone()).collect()
            });
            Info { record: module, tags, last_used_at, uses, pinned }
        };
        Ok(modules.into_iter().map(of).collect())
    }

    /// A record of the index. It was checked as a whole, so one that cannot be read is damage.
    fn parsed(&self, json: &str) -> Result<Record, StoreError> {
        Record::from_json(json).map_err(|why| StoreError::IndexDamaged { path: self.path().join(crate::index::FILE), why })
    }

    /// What the files of records say, every one of them: what the index says of them is not asked where something is to be removed.
    fn recorded(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for family in self.records.names()? {
            let Some(dir) = self.records.existing(&family)? else { continue };
            for item in dir.names()? {
                let id = RecordId { family: family.clone(), item };
                records.extend(record::read_in(&dir, &id)?.map(|(record, _)| record));
            }
        }
        Ok(records)
    }

    /// Writes a record's file. When this returns it is on disk.
    fn write_record(&self, record: &Record, json: &str) -> Result<(), StoreError> {
        if json.len() as u64 > record::LONGEST / 2 {
            return Err(StoreError::Refused("there is too much to say of the module: its description is too long".into()));
        }
        let id = record.id();
        let mut file = Temporary::create(self.blobs.unfinished(), Mode::RUSR)?;
        file.write(record::to_file(json).as_bytes())?;
        file.sync()?;
        let dir = self.records.sub(&id.family)?;
        file.rename(&dir, &id.item)?;
        dir.sync()?;
        self.records.sync()
    }

    /// Writes records and then the index, in one go. If any of it fails, what there was before is there again, as far as that can still
    /// be done; what cannot is taken in when its name is next asked for.
    fn put(&self, records: &[Record], check: impl FnOnce(&Writing<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut written: Vec<(RecordId, Option<Record>)> = Vec::new();
        let put = self.index.write(|index| {
            check(index)?;
            for record in records {
                let (id, json) = (record.id(), record.to_json());
                let before = self.there(index, &id)?;
                written.push((id, before));
                self.write_record(record, &json)?;
                index.put(record, &json)?;
            }
            Ok(())
        });
        if put.is_err() {
            for (id, before) in written.into_iter().rev() {
                // The error that is told is the first.
                let _ = match before {
                    Some(before) => self.write_record(&before, &before.to_json()),
                    None => self.remove_record(&id),
                };
            }
        }
        put
    }

    /// The record that is there: as its file says, or, if that is damaged, as the index does.
    fn there(&self, index: &Writing<'_>, id: &RecordId) -> Result<Option<Record>, StoreError> {
        let found = self.records.existing(&id.family)?.map_or(Ok(None), |dir| record::read_in(&dir, id));
        match found {
            Ok(found) => Ok(found.map(|(record, _)| record)),
            Err(StoreError::RecordDamaged { .. }) => index.get(id)?.map(|json| self.parsed(&json)).transpose(),
            Err(error) => Err(error),
        }
    }

    /// Removes a record's file. When this returns that is on disk.
    fn remove_record(&self, id: &RecordId) -> Result<(), StoreError> {
        if let Some(dir) = self.records.existing(&id.family)? {
            dir.remove(&id.item)?;
            dir.sync()?;
        }
        Ok(())
    }

    /// Held while something is added or removed.
    fn changing(&self) -> Result<File, StoreError> {
        locked(self.place.root(), "lock", FlockOperation::NonBlockingLockShared, PATIENCE, "modules are being removed from it")
    }

    /// Held by whoever must be the only one to change anything.
    fn alone(&self) -> Result<File, StoreError> {
        locked(self.place.root(), "lock", FlockOperation::NonBlockingLockExclusive, PATIENCE, "modules are being added to it")
    }
}

/// Takes a lock, which ends when what is given back is dropped.
fn locked(root: &Dir, name: &str, how: FlockOperation, patience: Duration, why: &'static str) -> Result<File, StoreError> {
    let file = root.lock_file(name)?;
    let until = Instant::now() + patience;
    loop {
        match rustix::fs::flock(&file, how) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) if Instant::now() < until => {
                std::thread::sleep(LOOK_AGAIN)
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StoreError::Busy { path: root.path().to_owned(), why }),
            Err(error) => return Err(StoreError::system("lock", root.path().join(name))(error.into())),
        }
    }
}

#[cfg(test)]
mod tests;
