//! Which artifacts are kept when not all can be.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ArtifactKey;
use crate::{
    error::StoreError,
    files::{self, Dir},
};

/// As many seconds an artifact without a seal is taken for one that is just being kept.
const FRESH: i64 = 3600;

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CacheUsage {
    /// How many.
    pub artifacts: u64,
    /// Bytes of all their files.
    pub bytes: u64,
}

/// The files of one key.
#[derive(Debug, Default)]
struct Entry {
    files: Vec<String>,
    bytes: u64,
    sealed: bool,
    used: i64,
}

fn entries(dir: &Dir) -> Result<BTreeMap<String, Entry>, StoreError> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for name in dir.names()? {
        let Some((key, rest)) = name.split_once('.') else { continue };
        let Some(found) = dir.look(&name)? else { continue };
        let entry = entries.entry(key.to_owned()).or_default();
        let sealed = rest == "seal" || rest == "admitted";
        entry.bytes += u64::try_from(found.st_size).unwrap_or(0);
        entry.used = if sealed || !entry.sealed { found.st_mtime } else { entry.used };
        entry.sealed |= sealed;
        entry.files.push(name);
    }
    Ok(entries)
}

fn total<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> CacheUsage {
    let add = |sum: CacheUsage, entry: &Entry| {
        let code = entry.files.iter().any(|name| name.ends_with(".code"));
        CacheUsage { artifacts: sum.artifacts + u64::from(code), bytes: sum.bytes + entry.bytes }
    };
    entries.into_iter().fold(CacheUsage::default(), add)
}

pub(super) fn usage(dir: &Dir) -> Result<CacheUsage, StoreError> {
    Ok(total(entries(dir)?.values()))
}

fn remove(dir: &Dir, entry: &Entry) -> Result<(), StoreError> {
    // The seal first: without it nothing else of it is looked for.
    let (seals, others): (Vec<&String>, Vec<&String>) = entry.files.iter().partition(|name| name.ends_with(".seal"));
    for name in seals.into_iter().chain(others) {
        dir.remove(name)?;
    }
    Ok(())
}

pub(super) fn forget(dir: &Dir, key: &str) -> Result<(), StoreError> {
    entries(dir)?.get(key).map_or(Ok(()), |entry| remove(dir, entry))
}

pub(super) fn clear(dir: &Dir) -> Result<CacheUsage, StoreError> {
    let entries = entries(dir)?;
    entries.values().try_for_each(|entry| remove(dir, entry))?;
    Ok(total(entries.values()))
}

/// Forgets what was used least lately, until the rest is within `limit`. Whoever runs one goes on: it has the file open.
pub(super) fn to_limit(dir: &Dir, limit: u64, but: &ArtifactKey) -> Result<(), StoreError> {
    let mut entries = entries(dir)?;
    let mut bytes = total(entries.values()).bytes;
    let kept = entries.remove(but.name());
    // Of one key, what its seal does not speak of any more.
    if let Some(Entry { files, .. }) = kept
        && files.len() > 2
    {
        superseded(dir, &files, but)?;
    }
    let mut oldest: Vec<&Entry> = entries.values().collect();
    oldest.sort_by_key(|entry| entry.used);
    for entry in oldest {
        let abandoned = !entry.sealed && entry.used < files::now() - FRESH;
        if abandoned || bytes > limit {
            remove(dir, entry)?;
            bytes -= entry.bytes;
        }
    }
    Ok(())
}

/// Removes artifacts of a key that are older than the newest of it.
fn superseded(dir: &Dir, files: &[String], key: &ArtifactKey) -> Result<(), StoreError> {
    let mut codes = Vec::new();
    for name in files.iter().filter(|name| **name != key.seal_name()) {
        if let Some(found) = dir.look(name)? {
            codes.push((found.st_mtime, found.st_mtime_nsec, name));
        }
    }
    codes.sort();
    codes.pop();
    codes.into_iter().try_for_each(|(.., name)| dir.remove(name).map(drop))
}
