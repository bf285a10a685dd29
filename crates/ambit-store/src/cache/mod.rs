//! What modules were compiled to, kept for the next run.
//!
//! ```text
//! artifacts/key                    32 random bytes, which whoever has can have this machine run code of theirs (in a jail)
//! artifacts/<key>.seal             what it is, how large, its keyed digest; and which very file was last found to be it
//! artifacts/<key>.admitted         that a module was admitted, under which rules, and by which program: a keyed digest of that, and of what
//!                                  was found out of the module, which follows
//! artifacts/<key>.<digest>.code    the artifact: read-only, never written to again, replaced by name alone
//! ```
//! A seal is the one thing that is replaced, by a rename: before it there is the old artifact, after it the new. Nothing here is
//! brought to disk before the run goes on: an artifact that a crash cut short has another digest than its seal says, and what was
//! found to be right before the machine went down is not believed after.

mod evict;
mod identity;
mod key;
mod seal;

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
};

use rustix::fs::{Mode, Timestamps};

pub use self::{
    evict::CacheUsage,
    identity::CompilerIdentity,
    key::{AdmissionKey, ArtifactKey},
};
use self::{
    key::MacKey,
    seal::{Seal, Seen},
};
use crate::{
    error::StoreError,
    files::{self, Dir, Temporary},
    place::Place,
};

/// Where artifacts are in a store.
const ARTIFACTS: &str = "artifacts";
/// Where files are that have no name yet.
const UNFINISHED: &str = "tmp";
/// Bytes of an artifact that are read at a time.
const CHUNK: usize = 256 << 10;
/// The most bytes of what is noted of a module.
const MOST_NOTED: u64 = 5 << 20;
/// Who may do what with an artifact: its owner may read it.
const READ_ONLY: u32 = 0o400;
/// As many seconds an artifact is not marked again as used.
const USED_LATELY: i64 = 60;
/// Nanoseconds within which two changes of a file may have the same time.
const SAME_TIME: i128 = 1_000_000_000;

/// Artifacts in a store, as one process sees them. It trusts no byte of what it finds but its own key.
#[derive(Debug)]
pub struct ArtifactCache {
    dir: Dir,
    unfinished: Dir,
    key: MacKey,
    /// Changes whenever the machine is started.
    boot: Option<String>,
    limit: u64,
}

/// What was found of an artifact.
#[derive(Debug)]
pub enum Found {
    /// The very bytes that were kept, in a file that is open for reading.
    Artifact {
        /// The file.
        file: File,
        /// Whether code can be run from it where it is; if not, it must be copied first.
        executable: bool,
    },
    /// Nothing.
    Nothing,
    /// Something that is not what was kept, and why. It is gone.
    Refused(String),
}

impl ArtifactCache {
    /// Those in this store, of at most so many bytes in all.
    ///
    /// # Errors
    /// They cannot be had; or the key, or a directory, is not its owner's alone.
    pub fn open(place: &Place, limit: u64) -> Result<Self, StoreError> {
        let dir = place.root().sub(ARTIFACTS)?;
        let unfinished = place.root().sub(UNFINISHED)?;
        let key = MacKey::of(&dir, &unfinished)?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Ok(Self { dir, unfinished, key, boot, limit })
    }

    /// The directory that has them.
    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Looks for an artifact. What is given back was checked through the very descriptor that is given back.
    ///
    /// # Errors
    /// A system call failed.
    pub fn find(&self, key: &ArtifactKey) -> Result<Found, StoreError> {
        let seal_name = key.seal_name();
        let Some(seal_file) = self.dir.read(&seal_name)? else { return Ok(Found::Nothing) };
        let Some(seal) = seal::read(&seal_file, key, &self.key) else {
            return self.refuse(key, "its seal is not one of this store's, for this module, these settings and this engine");
        };
        let name = key.code_name(&seal.digest);
        let Some(file) = self.dir.read(&name)? else { return Ok(Found::Nothing) };
        let path = || self.dir.path().join(&name);
        let look = |file: &File| rustix::fs::fstat(file).map_err(|error| StoreError::system("look at", path())(error.into()));
        let found = look(&file)?;
        if found.st_mode & 0o7777 != READ_ONLY || found.st_uid != rustix::process::geteuid().as_raw() {
            return self.refuse(key, "others may write to it, or it is another user's");
        }
        if u64::try_from(found.st_size).ok() != Some(seal.size) {
            return self.refuse(key, "it is not as long as what was kept");
        }
        let seen = self.boot.as_deref().map(|boot| Seen::of(&found, boot));
        if seen.is_none() || seal.seen != seen {
            let digest = self.digest(key, &file).map_err(StoreError::system("read", path()))?;
            if digest != seal.digest {
                return self.refuse(key, "it is not what was kept: it was altered, or cut short by a crash");
            }
            // A change after this look is one of another time, if enough of it has passed since the last.
            let settled = age(&found).is_some_and(|age| age > SAME_TIME);
            if settled && Seen::of(&look(&file)?, "") == Seen::of(&found, "") {
                // Only so that the next run need not look.
                let _ = self.write_seal(key, &Seal { seen, ..seal });
            }
        }
        self.mark_used(&seal_file);
        Ok(Found::Artifact { file, executable: self.dir.may_execute() })
    }

    /// Keeps an artifact: what `from` holds, from its beginning.
    ///
    /// # Errors
    /// It cannot be kept, and nothing of it is.
    pub fn keep(&self, key: &ArtifactKey, from: &File) -> Result<(), StoreError> {
        let size = from.metadata().map_err(StoreError::system("look at", "the artifact"))?.len();
        if size > self.limit {
            return Err(StoreError::TooLarge { size, limit: self.limit });
        }
        // Nobody will look for these again.
        files::sweep(&self.unfinished)?;
        let mut copy = Temporary::create(&self.unfinished, Mode::RUSR)?;
        let mut digest = self.key.contents(key);
        let mut copied = 0;
        let read = each_chunk(from, |chunk| {
            digest.update(chunk);
            copied += chunk.len() as u64;
            copy.write(chunk)
        });
        read.map_err(StoreError::system("read", "the artifact"))??;
        let digest = digest.finalize();
        copy.rename(&self.dir, &key.code_name(&digest))?;
        self.write_seal(key, &Seal { size: copied, digest, seen: None })?;
        evict::to_limit(&self.dir, self.limit, key)
    }

    /// What was noted of a module when it was admitted, if it was.
    pub fn admitted(&self, key: &AdmissionKey) -> Option<Vec<u8>> {
        let file = self.dir.read(key.name()).ok()??;
        let mut note = Vec::new();
        file.take(MOST_NOTED + 1).read_to_end(&mut note).ok()?;
        let (proof, facts) = note.split_first_chunk::<{ blake3::OUT_LEN }>()?;
        // Compared in constant time.
        (self.key.admission(key, facts) == *proof).then(|| facts.to_vec())
    }

    /// Notes that a module was admitted, and what was found out of it.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn note_admitted(&self, key: &AdmissionKey, facts: &[u8]) -> Result<(), StoreError> {
        let facts = if facts.len() as u64 > MOST_NOTED - blake3::OUT_LEN as u64 { &[] } else { facts };
        let mut file = Temporary::create(&self.unfinished, Mode::RUSR)?;
        file.write(self.key.admission(key, facts).as_bytes())?;
        file.write(facts)?;
        file.rename(&self.dir, key.name())
    }

    /// Forgets an artifact.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, key: &ArtifactKey) -> Result<(), StoreError> {
        evict::forget(&self.dir, key.name())
    }

    /// How many there are, and how large.
    ///
    /// # Errors
    /// A system call failed.
    pub fn usage(&self) -> Result<CacheUsage, StoreError> {
        evict::usage(&self.dir)
    }

    /// Forgets them all.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn clear(&self) -> Result<CacheUsage, StoreError> {
        evict::clear(&self.dir)
    }

    fn refuse(&self, key: &ArtifactKey, why: &str) -> Result<Found, StoreError> {
        // What cannot be removed is refused the next time too.
        let _ = self.forget(key);
        Ok(Found::Refused(why.to_owned()))
    }

    fn digest(&self, key: &ArtifactKey, file: &File) -> io::Result<blake3::Hash> {
        let mut digest = self.key.contents(key);
        each_chunk(file, |chunk| {
            digest.update(chunk);
            Ok(())
        })?
        .map_err(|()| io::ErrorKind::Other)?;
        Ok(digest.finalize())
    }

    fn write_seal(&self, key: &ArtifactKey, seal: &Seal) -> Result<(), StoreError> {
        let mut file = Temporary::create(&self.unfinished, Mode::RUSR | Mode::WUSR)?;
        file.write(&seal.to_bytes(key, &self.key))?;
        file.rename(&self.dir, &key.seal_name())
    }

    /// Notes on the seal when the artifact was last used, not more often than is of interest.
    fn mark_used(&self, seal: &File) {
        let lately = rustix::fs::fstat(seal).is_ok_and(|found| found.st_mtime > files::now() - USED_LATELY);
        if !lately {
            let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
            // It is evicted sooner then, and compiled again.
            let _ = rustix::fs::futimens(seal, &Timestamps { last_access: now, last_modification: now });
        }
    }
}

/// What `with` makes of a file, piece by piece, from its beginning and wherever its position is. The outer error is of reading.
fn each_chunk<E>(file: &File, mut with: impl FnMut(&[u8]) -> Result<(), E>) -> io::Result<Result<(), E>> {
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let read = match file.read_at(&mut chunk, at) {
            Ok(0) => return Ok(Ok(())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Err(error) = with(&chunk[..read]) {
            return Ok(Err(error));
        }
        at += read as u64;
    }
}

/// Nanoseconds since a file was last changed, in whatever way.
fn age(found: &rustix::fs::Stat) -> Option<i128> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let changed = i64::try_from(found.st_ctime_nsec).ok()?;
    Some(nanos(now.tv_sec, now.tv_nsec) - nanos(found.st_ctime, changed))
}

#[cfg(test)]
mod tests;
