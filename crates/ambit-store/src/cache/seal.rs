//! What is known of an artifact, under the store's key.

use std::{fs::File, os::unix::fs::FileExt};

use super::key::{ArtifactKey, MacKey};

const MAGIC: &[u8; 8] = b"ambit\0s1";
const HASH: usize = 32;
/// Magic, size, digest, what was seen, and the seal's own digest.
const LENGTH: usize = 8 + 8 + HASH + HASH + HASH;

/// An artifact's size and keyed digest; and which file was last found to be it.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    pub(super) size: u64,
    pub(super) digest: blake3::Hash,
    pub(super) seen: Option<Seen>,
}

/// A file as it was: where it is, and when it was last changed in any way. An equal one is the same file, unchanged: whoever writes
/// to a file changes its time, and cannot set that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen(blake3::Hash);

impl Seen {
    /// That file, while the machine has not been started again.
    pub(super) fn of(found: &rustix::fs::Stat, boot: &str) -> Self {
        let rustix::fs::Stat { st_dev, st_ino, st_size, st_ctime, st_ctime_nsec, .. } = *found;
        Self(blake3::hash(format!("{st_dev} {st_ino} {st_size} {st_ctime} {st_ctime_nsec} {boot}").as_bytes()))
    }
}

impl Seal {
    pub(super) fn to_bytes(&self, key: &ArtifactKey, mac: &MacKey) -> Vec<u8> {
        let seen = self.seen.map_or([0; HASH], |seen| *seen.0.as_bytes());
        let mut bytes = [MAGIC.as_slice(), &self.size.to_le_bytes(), self.digest.as_bytes(), &seen].concat();
        let digest = mac.seal(key).update(&bytes).finalize();
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }
}

/// The seal in a file, if it is one for this artifact. Nothing of it is looked at but its digest before.
pub(super) fn read(file: &File, key: &ArtifactKey, mac: &MacKey) -> Option<Seal> {
    let mut bytes = [0; LENGTH + 1];
    let read = file.read_at(&mut bytes, 0).ok()?;
    let bytes = bytes.get(..read).filter(|bytes| bytes.len() == LENGTH)?;
    let (body, digest) = bytes.split_last_chunk::<HASH>()?;
    // Compared in constant time.
    if mac.seal(key).update(body).finalize() != *digest {
        return None;
    }
    let (size, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let (digest, seen) = rest.split_first_chunk::<HASH>()?;
    let seen = <[u8; HASH]>::try_from(seen).ok()?;
    let seen = (seen != [0; HASH]).then(|| Seen(seen.into()));
    Some(Seal { size: u64::from_le_bytes(*size), digest: (*digest).into(), seen })
}
