//! The bytes of modules, each in a file that is named by their digest.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use ambit_core::Digest;
use rustix::fs::{FlockOperation, Mode};

use crate::{
    error::StoreError,
    files::{Dir, Temporary},
};

/// zstd's own default: smaller ones take longer than writing what they save.
const LEVEL: i32 = 3;
/// The most that decompression may look back, as a power of two: 8 MiB.
const MOST_WINDOW: u32 = 23;
/// Bytes that are written at a time.
const CHUNK: usize = 1 << 20;
/// No module is larger, whatever a file says of itself.
pub(crate) const MOST_BYTES: u64 = 1 << 30;

/// Blobs in a store.
#[derive(Debug)]
pub(crate) struct Blobs {
    /// `blobs/sha256`
    dir: Dir,
    /// `blobs`, which has that
    above: Dir,
    /// Where those are moved that are not what their names say.
    aside: Dir,
    unfinished: Dir,
}

/// A blob that is open: whoever has it keeps it from being evicted.
#[derive(Debug)]
pub(crate) struct Blob {
    file: File,
    pub(crate) compressed: u64,
}

/// Why a blob does not give its module.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is not what its name says.
    Damaged(&'static str),
    /// It could not be read.
    System(io::Error),
}

impl Blobs {
    pub(crate) fn in_store(root: &Dir) -> Result<Self, StoreError> {
        let above = root.sub("blobs")?;
        Ok(Self { dir: above.sub("sha256")?, above, aside: root.sub("aside")?, unfinished: root.sub("tmp")? })
    }

    /// Writes a module, unless it is there. Gives back its compressed size. When this returns it is on disk.
    pub(crate) fn write(&self, digest: Digest, bytes: &[u8]) -> Result<u64, StoreError> {
        if let Some(blob) = self.open(digest)? {
            match blob.read(digest, bytes.len() as u64) {
                Ok(_) => return Ok(blob.compressed),
                Err(Unread::Damaged(_)) => self.move_aside(digest)?,
                Err(Unread::System(error)) => return Err(StoreError::system("read", self.dir.path().join(digest.hex()))(error)),
            }
        }
        let compressed = compress(bytes).map_err(StoreError::system("compress the module for", self.dir.path()))?;
        let mut file = Temporary::create(&self.unfinished, Mode::RUSR)?;
        compressed.chunks(CHUNK).try_for_each(|chunk| file.write(chunk))?;
        file.sync()?;
        let (first, second, name) = place_of(digest);
        let first = self.dir.sub(&first)?;
        let second = first.sub(&second)?;
        file.rename(&second, &name)?;
        // All of them: who made a directory may not have come so far as to bring it to disk.
        for dir in [&second, &first, &self.dir, &self.above] {
            dir.sync()?;
        }
        Ok(compressed.len() as u64)
    }

    /// Opens a blob, if it is there, and holds it.
    pub(crate) fn open(&self, digest: Digest) -> Result<Option<Blob>, StoreError> {
        let Some((dir, name)) = self.find(digest)? else { return Ok(None) };
        let path = || dir.path().join(&name);
        loop {
            let Some(file) = dir.read(&name)? else { return Ok(None) };
            // Held by whoever evicts it only for as long as that takes.
            rustix::fs::flock(&file, FlockOperation::LockShared)
                .map_err(|error| StoreError::system("hold", path())(error.into()))?;
            let found = file.metadata().map_err(StoreError::system("look at", path()))?;
            if std::os::unix::fs::MetadataExt::nlink(&found) > 0 {
                return Ok(Some(Blob { file, compressed: found.len() }));
            }
            // Gone, while it was waited for; and maybe there again.
        }
    }

    /// Removes a blob, unless somebody holds it; whether it is gone.
    pub(crate) fn remove(&self, digest: Digest) -> Result<bool, StoreError> {
        let Some((dir, name)) = self.find(digest)? else { return Ok(true) };
        let Some(file) = dir.read(&name)? else { return Ok(true) };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(false);
        }
        dir.remove(&name)?;
        Ok(true)
    }

    /// Whether nobody holds a blob.
    pub(crate) fn is_free(&self, digest: Digest) -> Result<bool, StoreError> {
        let Some((dir, name)) = self.find(digest)? else { return Ok(true) };
        let Some(file) = dir.read(&name)? else { return Ok(true) };
        Ok(rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
    }

    /// Moves what has a module's name, and is not that module, to where nobody looks for it.
    pub(crate) fn move_aside(&self, digest: Digest) -> Result<(), StoreError> {
        let Some((dir, name)) = self.find(digest)? else { return Ok(()) };
        dir.rename(&name, &self.aside, &format!("{}.{}", digest.hex(), std::process::id()))
    }

    /// Moves another damaged file to where nobody looks for it.
    pub(crate) fn take_aside(&self, dir: &Dir, name: &str) -> Result<(), StoreError> {
        dir.rename(name, &self.aside, &format!("{name}.{}", std::process::id()))
    }

    /// The digests of all, with the size of each file.
    pub(crate) fn all(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        let mut all = Vec::new();
        for first in self.dir.names()? {
            let Some(first) = self.dir.existing(&first)? else { continue };
            for second in first.names()? {
                let Some(second) = first.existing(&second)? else { continue };
                for name in second.names()? {
                    if let (Ok(digest), Some(found)) = (format!("sha256:{name}").parse(), second.look(&name)?) {
                        all.push((digest, u64::try_from(found.st_size).unwrap_or(0)));
                    }
                }
            }
        }
        Ok(all)
    }

    /// How many lie aside, and their bytes; removed if they are to be.
    pub(crate) fn aside(&self, remove: bool) -> Result<(u64, u64), StoreError> {
        let (mut files, mut bytes) = (0, 0);
        for name in self.aside.names()? {
            if let Some(found) = self.aside.look(&name)? {
                files += 1;
                bytes += u64::try_from(found.st_size).unwrap_or(0);
            }
            if remove {
                self.aside.remove(&name)?;
            }
        }
        Ok((files, bytes))
    }

    pub(crate) fn unfinished(&self) -> &Dir {
        &self.unfinished
    }

    fn find(&self, digest: Digest) -> Result<Option<(Dir, String)>, StoreError> {
        let (first, second, name) = place_of(digest);
        let Some(first) = self.dir.existing(&first)? else { return Ok(None) };
        Ok(first.existing(&second)?.map(|dir| (dir, name)))
    }
}

impl Blob {
    /// The module, of exactly so many bytes.
    pub(crate) fn read(&self, digest: Digest, size: u64) -> Result<Vec<u8>, Unread> {
        let mut file = &self.file;
        io::Seek::rewind(&mut file).map_err(Unread::System)?;
        let bytes = decompress(file, size)?;
        if Digest::of(&bytes) != digest {
            return Err(Unread::Damaged("its digest is another"));
        }
        Ok(bytes)
    }

    /// The module, of at most so many bytes.
    pub(crate) fn read_any(&self, digest: Digest, most: u64) -> Result<Vec<u8>, Unread> {
        let mut head = [0; 18];
        let read = std::os::unix::fs::FileExt::read_at(&self.file, &mut head, 0).map_err(Unread::System)?;
        match zstd::zstd_safe::get_frame_content_size(&head[..read]) {
            Ok(Some(size)) if size <= most => self.read(digest, size),
            Ok(Some(_)) => Err(Unread::Damaged("it says that it is larger than any module may be")),
            Ok(None) | Err(_) => Err(Unread::Damaged("it is not compressed as it would be")),
        }
    }

    /// When it was written, in seconds since 1970.
    pub(crate) fn written_at(&self) -> i64 {
        rustix::fs::fstat(&self.file).map_or(0, |found| found.st_mtime)
    }
}

/// `aa`, `bb`, and all 64 digits.
fn place_of(digest: Digest) -> (String, String, String) {
    let hex = digest.hex();
    (hex[..2].to_owned(), hex[2..4].to_owned(), hex)
}

pub(crate) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.window_log(MOST_WINDOW.min(21))?;
    compressor.compress(bytes)
}

/// No more than `size` bytes are made, whatever the file says of itself, and no more is kept of them while that goes on.
pub(crate) fn decompress(file: impl Read, size: u64) -> Result<Vec<u8>, Unread> {
    let broken = |error: io::Error| match error.raw_os_error() {
        Some(_) => Unread::System(error),
        None => Unread::Damaged("it cannot be decompressed"),
    };
    let reader = BufReader::with_capacity(128 << 10, file);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(reader).map_err(broken)?.single_frame();
    decoder.window_log_max(MOST_WINDOW).map_err(broken)?;
    // As it comes, so that a size that is a lie costs no more than what is there.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(64 << 20)).unwrap_or(0));
    decoder.by_ref().take(size.saturating_add(1)).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() as u64 != size {
        return Err(Unread::Damaged("it is not as long as it was"));
    }
    match decoder.finish().fill_buf() {
        Ok([]) => Ok(bytes),
        Ok(_) => Err(Unread::Damaged("something follows it")),
        Err(error) => Err(Unread::System(error)),
    }
}
