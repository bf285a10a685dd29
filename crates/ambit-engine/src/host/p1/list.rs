//! Listing directories.

use std::ops::ControlFlow;

use super::{Errno, GuestMemory, Host, Now, stat::file_type, u};
use crate::host::{descriptor::Descriptor, files::Listing};

/// `fd_readdir`: entries from a cookie on, as many as fit; the last one may be cut, and a full buffer says that there
/// are more.
///
/// Cookies are the kernel's. A cookie that no listing gave is answered with some entries of the directory or none.
///
/// # Errors
/// The descriptor is no directory, or an address lies outside memory.
pub fn fd_readdir(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, buf: i32, buf_len: i32, cookie: i64, out: i32) -> Now {
    let Descriptor::Dir(dir) = host.descriptors.get_mut(fd)? else { return Err(Errno::Notdir.into()) };
    let listing = match dir.listing.take() {
        Some(listing) => listing,
        None => Listing::of(dir)?,
    };
    let listing = dir.listing.insert(listing);
    listing.seek(u64::try_from(cookie).map_err(|_| Errno::Inval)?)?;
    let target = memory.slice_mut(u(buf), u(buf_len))?;
    let used = fill(listing, target)?;
    Ok(memory.write_size(u(out), used)?)
}

fn fill(listing: &Listing, target: &mut [u8]) -> Result<usize, Errno> {
    let mut used = 0;
    listing.read(|entry| {
        let mut head = [0; 24];
        head[..8].copy_from_slice(&entry.next.to_le_bytes());
        head[8..16].copy_from_slice(&entry.inode.to_le_bytes());
        head[16..20].copy_from_slice(&u32::try_from(entry.name.len()).map_err(|_| Errno::Overflow)?.to_le_bytes());
        head[20] = file_type(entry.kind);
        for part in [&head[..], entry.name] {
            let fits = part.len().min(target.len() - used);
            target[used..used + fits].copy_from_slice(&part[..fits]);
            used += fits;
        }
        Ok(if used == target.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(used)
}
