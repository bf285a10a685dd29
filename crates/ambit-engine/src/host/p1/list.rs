//! Listing directories.

use std::{mem::MaybeUninit, os::fd::OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom};

use super::{Errno, GuestMemory, Host, Now, stat::file_type, u};
use crate::host::descriptor::Descriptor;

/// Entries are read from the kernel through a buffer of this size, so that a directory of a million costs no more memory
/// than one of ten.
const BUFFER: usize = 8 << 10;

/// `fd_readdir`: entries from a cookie on, as many as fit; the last one may be cut, and a full buffer says that there
/// are more.
///
/// Cookies are the kernel's. A cookie that no listing gave is answered with some entries of the directory or none.
///
/// # Errors
/// The descriptor is no directory, or an address lies outside memory.
pub fn fd_readdir(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, buf: i32, buf_len: i32, cookie: i64, out: i32) -> Now {
    let Descriptor::Dir(dir) = host.descriptors.get_mut(fd)? else { return Err(Errno::Notdir.into()) };
    let listing = match &dir.listing {
        Some(listing) => listing,
        None => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(&dir.fd, c".", flags, Mode::empty()).map_err(Errno::from)?;
            dir.listing.insert(opened)
        }
    };
    let cookie = u64::try_from(cookie).map_err(|_| Errno::Inval)?;
    rustix::fs::seek(listing, SeekFrom::Start(cookie)).map_err(|_| Errno::Inval)?;
    let target = memory.slice_mut(u(buf), u(buf_len))?;
    let used = fill(listing, target)?;
    Ok(memory.write_size(u(out), used)?)
}

fn fill(listing: &OwnedFd, target: &mut [u8]) -> Result<usize, Errno> {
    let mut space = [MaybeUninit::uninit(); BUFFER];
    let mut entries = RawDir::new(listing, &mut space);
    let mut used = 0;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            // Some file systems do not say; looking is racy, and then unknown is the truth.
            let stat = rustix::fs::statat(listing, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
            kind = stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
        }
        let mut head = [0; 24];
        head[..8].copy_from_slice(&entry.next_entry_cookie().to_le_bytes());
        head[8..16].copy_from_slice(&entry.ino().to_le_bytes());
        head[16..20].copy_from_slice(&u32::try_from(name.len()).map_err(|_| Errno::Overflow)?.to_le_bytes());
        head[20] = file_type(kind);
        for part in [&head[..], name] {
            let fits = part.len().min(target.len() - used);
            target[used..used + fits].copy_from_slice(&part[..fits]);
            used += fits;
        }
        if used == target.len() {
            break;
        }
    }
    Ok(used)
}
