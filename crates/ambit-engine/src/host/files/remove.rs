//! Reading links, renaming and removing.

use std::os::fd::AsFd;

use rustix::fs::AtFlags;

use super::{beneath, check_writable};
use crate::{
    host::{Errno, descriptor::Dir, path},
    meter::Meter,
};

/// A symbolic link's target. An absolute one is refused, since it tells of the host's tree.
///
/// # Errors
/// The path leads outside or is no link, and the usual reasons.
pub(crate) fn read_link(meter: &Meter, dir: &Dir, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let (holder, last) = beneath(meter, path::parent(dir.fd.as_fd(), name), name)?;
    let target = rustix::fs::readlinkat(holder, last, Vec::new())?.into_bytes();
    if target.starts_with(b"/") {
        beneath::<()>(meter, Err(Errno::Notcapable), name)?;
    }
    Ok(target)
}

/// Removes an empty directory.
///
/// # Errors
/// The path leads outside or is read-only, and the usual reasons.
pub(crate) fn remove_directory(meter: &Meter, dir: &Dir, name: &[u8]) -> Result<(), Errno> {
    remove(meter, dir, name, AtFlags::REMOVEDIR)
}

/// Removes a file or link.
///
/// # Errors
/// The path leads outside, is read-only or a directory, and the usual reasons.
pub(crate) fn unlink(meter: &Meter, dir: &Dir, name: &[u8]) -> Result<(), Errno> {
    remove(meter, dir, name, AtFlags::empty())
}

fn remove(meter: &Meter, dir: &Dir, name: &[u8], flags: AtFlags) -> Result<(), Errno> {
    check_writable(meter, dir, "remove", name)?;
    let (holder, last) = beneath(meter, path::parent(dir.fd.as_fd(), name), name)?;
    Ok(rustix::fs::unlinkat(holder, last, flags)?)
}

/// Renames. Both names must lie where the guest may write.
///
/// # Errors
/// A path leads outside or is read-only, and the usual reasons.
pub(crate) fn rename(meter: &Meter, (old_dir, old): (&Dir, &[u8]), (new_dir, new): (&Dir, &[u8])) -> Result<(), Errno> {
    check_writable(meter, old_dir, "rename", old)?;
    check_writable(meter, new_dir, "rename to", new)?;
    let (old_holder, old_last) = beneath(meter, path::parent(old_dir.fd.as_fd(), old), old)?;
    let (new_holder, new_last) = beneath(meter, path::parent(new_dir.fd.as_fd(), new), new)?;
    Ok(rustix::fs::renameat(old_holder, old_last, new_holder, new_last)?)
}
