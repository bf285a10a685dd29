//! What goes when not all can stay, and what nobody knows any more.

use std::collections::HashMap;

use ambit_core::Digest;
use serde::Serialize;

use super::Store;
use crate::{
    error::StoreError,
    files::{now, sweep},
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
struct Candidate {
    entries: Vec<ModuleRecord>,
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
            let known = self.candidates()?;
            for (digest, bytes) in self.blobs.all()? {
                if !known.contains_key(&digest) && self.blobs.remove(digest)? {
                    collected.unknown += 1;
                    collected.bytes += bytes;
                }
            }
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
        let mut usage = DiskUsage { waste: self.blobs.aside(false)?.1, ..DiskUsage::default() };
        for (digest, bytes) in self.blobs.all()? {
            let Some(candidate) = known.get(&digest) else {
                usage.waste += bytes;
                continue;
            };
            usage.modules += 1;
            usage.bytes += bytes;
            usage.uncompressed += candidate.entries.first().map_or(0, |entry| entry.size);
            usage.kept += if candidate.kept { bytes } else { 0 };
        }
        Ok(usage)
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
        for (digest, candidate) in candidates {
            let Some(&bytes) = sizes.get(&digest).filter(|_| total > low) else { continue };
            let gone = self.taking(|index, taken| {
                // Whoever runs it holds it. First of all, so that a record without a blob is never seen.
                if !self.blobs.is_free(digest)? {
                    return Ok(false);
                }
                candidate.entries.iter().try_for_each(|entry| self.remove_entry(index, entry, taken))?;
                index.forget_usage(digest)?;
                self.blobs.remove(digest)
            })?;
            if gone {
                total -= bytes;
                collected.bytes += bytes;
                collected.evicted.extend(candidate.entries.iter().map(ModuleRecord::title));
            }
        }
        Ok(collected)
    }

    /// Every module that is known, with what decides whether and when it goes.
    fn candidates(&self) -> Result<HashMap<Digest, Candidate>, StoreError> {
        let usage = self.index.usage()?;
        let mut known: HashMap<Digest, Candidate> = HashMap::new();
        let mut pinned = Vec::new();
        for record in self.recorded()? {
            match record {
                Record::Module(module) => {
                    let used = usage.get(&module.digest).copied().unwrap_or_default();
                    let stored = used.stored_at.max(module.added_at);
                    let candidate = known.entry(module.digest).or_insert_with(|| Candidate {
                        entries: Vec::new(),
                        kept: false,
                        priority: i32::MIN,
                        used: used.last_used_at.unwrap_or(0),
                        stored: 0,
                    });
                    candidate.kept |= module.metadata.is_kept();
                    candidate.priority = candidate.priority.max(module.metadata.priority);
                    candidate.stored = candidate.stored.max(stored);
                    candidate.used = candidate.used.max(stored);
                    candidate.entries.push(module);
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
