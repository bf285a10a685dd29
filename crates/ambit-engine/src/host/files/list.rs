//! Listing directories.

use std::{
    mem::MaybeUninit,
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom};

use crate::host::{Errno, descriptor::Dir};

/// Entries are read from the kernel through a buffer of this size, so that a directory of a million costs no more memory
/// than one of ten.
const BUFFER: usize = 8 << 10;

/// A directory that is being listed. Opened by itself: the directory may be open for resolution only.
#[derive(Debug)]
pub(crate) struct Listing(OwnedFd);

/// An entry of a directory, `.` and `..` among them.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Where the listing goes on after it.
    pub(crate) next: u64,
    pub(crate) inode: u64,
    pub(crate) kind: FileType,
    pub(crate) name: &'a [u8],
}

impl Listing {
    /// Lists `dir`, from its start.
    ///
    /// # Errors
    /// The kernel does not let it.
    pub(crate) fn of(dir: &Dir) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(dir.fd.as_fd(), c".", flags, Mode::empty())?))
    }

    /// Goes to where an entry's `next` says.
    ///
    /// # Errors
    /// There is no such place; the kernel answers some that no listing gave with some entries of the directory or none.
    pub(crate) fn seek(&self, to: u64) -> Result<(), Errno> {
        rustix::fs::seek(&self.0, SeekFrom::Start(to)).map(|_| ()).map_err(|_| Errno::Inval)
    }

    /// Calls `each` with the entries that come next until it breaks or there are no more.
    ///
    /// # Errors
    /// Reading fails, or `each` does.
    pub(crate) fn read(&self, mut each: impl FnMut(Entry<'_>) -> Result<ControlFlow<()>, Errno>) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); BUFFER];
        let mut entries = RawDir::new(&self.0, &mut space);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                // Some file systems do not say; looking is racy, and then unknown is the truth.
                let stat = rustix::fs::statat(&self.0, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
                kind = stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
            }
            let (next, inode, name) = (entry.next_entry_cookie(), entry.ino(), entry.file_name().to_bytes());
            if each(Entry { next, inode, kind, name })?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
