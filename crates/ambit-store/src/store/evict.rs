//! What goes when not all can stay, and what nobody knows any more.

use std::collections::HashMap;

use ambit_core::Digest;
use serde::Serialize;

use super::Store;
use crate::{
    error::StoreError,
    files::{now, sweep},
    image_record::{ImageRecord, Part},
    record::{ModuleRecord, Record},
};

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Modules that were evicted for want of room, as a person calls them.
    pub evicted: Vec<String>,
    /// Blobs that no record knew.
    pub unknown: u64,
    /// Files that somebody left unfinished.
    pub unfinished: u64,
    /// Damaged files that lay aside.
    pub aside: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// What takes how much room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DiskUsage {
    /// How many modules, each counted once.
    pub modules: u64,
    /// Their bytes, as they are.
    pub bytes: u64,
    /// The same, as they were before.
    pub uncompressed: u64,
    /// Of these, bytes that may not be evicted: pinned, or labelled `keep`.
    pub kept: u64,
    /// Bytes of blobs that no record knows, and of what lies aside.
    pub waste: u64,
}

/// A module that might be evicted, under all of its names.
#[derive(Debug)]
struct Candidate {
    entries: Vec<ModuleRecord>,
    images: Vec<ImageRecord>,
    /// Its bytes, as they are.
    size: u64,
    kept: bool,
    priority: i32,
    used: i64,
    stored: i64,
}

impl Store {
    /// Removes what nobody knows, and what is beyond the limit.
    ///
    /// # Errors
    /// A system call failed.
    pub fn gc(&self) -> Result<Collected, StoreError> {
        let mut collected = Collected { unfinished: sweep(self.blobs.unfinished())? as u64, ..Collected::default() };
        let (files, bytes) = self.blobs.aside(true)?;
        (collected.aside, collected.bytes) = (files, bytes);
        {
            let _alone = self.alone()?;
            let (unknown, bytes) = self.remove_unknown_blobs()?;
            collected.unknown = unknown;
            collected.bytes += bytes;
        }
        let evicted = self.evict(None)?;
        collected.bytes += evicted.bytes;
        Ok(Collected { evicted: evicted.evicted, ..collected })
    }

    /// What takes how much room.
    ///
    /// # Errors
    /// A system call failed.
    pub fn du(&self) -> Result<DiskUsage, StoreError> {
        let known = self.candidates()?;
        let parts = parts(&known);
        let mut usage = DiskUsage { waste: self.blobs.aside(false)?.1, ..DiskUsage::default() };
        for (digest, bytes) in self.blobs.all()? {
            let Some(candidate) = known.get(&digest) else {
                match parts.get(&digest) {
                    Some(size) => {
                        usage.bytes += bytes;
                        usage.uncompressed += size;
                    }
                    None => usage.waste += bytes,
                }
                continue;
            };
            usage.modules += 1;
            usage.bytes += bytes;
            usage.uncompressed += candidate.size;
            usage.kept += if candidate.kept { bytes } else { 0 };
        }
        Ok(usage)
    }

    /// Removes blobs that no record knows; how many, and their bytes. Whoever calls it is the only one to change anything.
    pub(super) fn remove_unknown_blobs(&self) -> Result<(u64, u64), StoreError> {
        let candidates = self.candidates()?;
        let parts = parts(&candidates);
        let (mut blobs, mut freed) = (0, 0);
        for (digest, bytes) in self.blobs.all()? {
            if !candidates.contains_key(&digest) && !parts.contains_key(&digest) && self.blobs.remove(digest)? {
                blobs += 1;
                freed += bytes;
            }
        }
        Ok((blobs, freed))
    }

    /// Evicts what is beyond the limit, if there is one; never this module.
    pub(super) fn keep_to_limit(&self, but: Option<Digest>) -> Result<(), StoreError> {
        match self.options.limit {
            // Somebody else who is at work sees to it.
            Some(_) => match self.evict(but) {
                Err(StoreError::Busy { .. }) => Ok(()),
                other => other.map(drop),
            },
            None => Ok(()),
        }
    }

    fn evict(&self, but: Option<Digest>) -> Result<Collected, StoreError> {
        let mut collected = Collected::default();
        let Some(limit) = self.options.limit else { return Ok(collected) };
        let blobs = self.blobs.all()?;
        let mut total: u64 = blobs.iter().map(|(_, bytes)| bytes).sum();
        if total <= limit {
            return Ok(collected);
        }
        // Some more, so that not every module that is added looks through all others.
        let low = limit - limit / 10;
        let _alone = self.alone()?;
        let sizes: HashMap<Digest, u64> = blobs.into_iter().collect();
        let settled = now() - i64::try_from(self.options.settle.as_secs()).unwrap_or(i64::MAX);
        let mut candidates: Vec<(Digest, Candidate)> = self.candidates()?.into_iter().collect();
        candidates.retain(|(digest, candidate)| !candidate.kept && candidate.stored < settled && Some(*digest) != but);
        candidates.sort_by_key(|(digest, candidate)| (candidate.priority, candidate.used, *digest));
        let mut images = false;
        for (digest, candidate) in candidates {
            let Some(&bytes) = sizes.get(&digest).filter(|_| total > low) else { continue };
            let gone = self.taking(|index, taken| {
                // Whoever runs it holds it. First of all, so that a record without a blob is never seen.
                if !self.blobs.is_free(digest)? {
                    return Ok(false);
                }
                candidate.entries.iter().try_for_each(|entry| self.remove_entry(index, entry, taken))?;
                let images = candidate.images.iter().map(|image| Record::Image(image.clone()).id());
                images.into_iter().try_for_each(|id| self.take(index, &id, taken).map(drop))?;
                index.forget_usage(digest)?;
                self.blobs.remove(digest)
            })?;
            if gone {
                total -= bytes;
                collected.bytes += bytes;
                collected.evicted.extend(candidate.entries.iter().map(ModuleRecord::title));
                collected.evicted.extend(candidate.images.iter().map(|image| image.reference().to_string()));
                images |= !candidate.images.is_empty();
            }
        }
        if images {
            collected.bytes += self.remove_unknown_blobs()?.1;
        }
        Ok(collected)
    }

    /// Every module that is known, with what decides whether and when it goes.
    fn candidates(&self) -> Result<HashMap<Digest, Candidate>, StoreError> {
        let usage = self.index.usage()?;
        let mut known: HashMap<Digest, Candidate> = HashMap::new();
        let mut pinned = Vec::new();
        let mut note = |module: Part, added_at: i64, priority: i32, with: &mut dyn FnMut(&mut Candidate)| {
            let used = usage.get(&module.digest).copied().unwrap_or_default();
            let stored = used.stored_at.max(added_at);
            let candidate = known.entry(module.digest).or_insert_with(|| Candidate {
                entries: Vec::new(),
                images: Vec::new(),
                size: module.size,
                kept: false,
                priority: i32::MIN,
                used: used.last_used_at.unwrap_or(0),
                stored: 0,
            });
            candidate.priority = candidate.priority.max(priority);
            candidate.stored = candidate.stored.max(stored);
            candidate.used = candidate.used.max(stored);
            with(candidate);
        };
        for record in self.recorded()? {
            match record {
                Record::Module(module) => {
                    let part = Part { digest: module.digest, size: module.size };
                    note(part, module.added_at, module.metadata.priority, &mut |candidate| {
                        candidate.kept |= module.metadata.is_kept();
                        candidate.entries.push(module.clone());
                    });
                }
                Record::Image(image) => {
                    note(image.module, image.added_at, 0, &mut |candidate| candidate.images.push(image.clone()));
                }
                Record::Pin { digest, .. } => pinned.push(digest),
                Record::Tag { .. }
                | Record::Alias { .. }
                | Record::Signature { .. }
                | Record::TrustedKey { .. }
                | Record::SignatureRule { .. }
                | Record::Revoked { .. } => {}
            }
        }
        for digest in pinned {
            if let Some(candidate) = known.get_mut(&digest) {
                candidate.kept = true;
            }
        }
        Ok(known)
    }
}

/// What images have beside their modules, and how long each is.
fn parts(known: &HashMap<Digest, Candidate>) -> HashMap<Digest, u64> {
    let images = known.values().flat_map(|candidate| &candidate.images);
    images.flat_map(ImageRecord::parts).map(|part| (part.digest, part.size)).collect()
}
