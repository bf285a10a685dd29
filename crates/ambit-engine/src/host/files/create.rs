//! Making directories and links.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Mode};

use super::{beneath, check_writable, checked};
use crate::{
    host::{Errno, descriptor::Dir, path},
    meter::Meter,
};

/// Makes something with `make`, charged as a created file.
fn charged(meter: &Meter, make: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    meter.take_file().map_err(|_| Errno::Dquot)?;
    make().inspect_err(|_| meter.give_file())
}

/// Makes a directory.
///
/// # Errors
/// The path leads outside or is read-only, the quota of files is used up, and the usual reasons.
pub(crate) fn create_directory(meter: &Meter, dir: &Dir, name: &[u8]) -> Result<(), Errno> {
    check_writable(meter, dir, "create the directory", name)?;
    let (holder, last) = beneath(meter, path::parent(dir.fd.as_fd(), name), name)?;
    charged(meter, || Ok(rustix::fs::mkdirat(holder, last, Mode::from_raw_mode(0o777))?))
}

/// A second name for a file; a link is not followed. Both names must lie where the guest may write, or a read-only file
/// could be written under its new name.
///
/// # Errors
/// As [`create_directory`].
pub(crate) fn link(meter: &Meter, (old_dir, old): (&Dir, &[u8]), (new_dir, new): (&Dir, &[u8])) -> Result<(), Errno> {
    check_writable(meter, old_dir, "link", old)?;
    check_writable(meter, new_dir, "create the link", new)?;
    let (old_holder, old_last) = beneath(meter, path::parent(old_dir.fd.as_fd(), old), old)?;
    let (new_holder, new_last) = beneath(meter, path::parent(new_dir.fd.as_fd(), new), new)?;
    charged(meter, || Ok(rustix::fs::linkat(old_holder, old_last, new_holder, new_last, AtFlags::empty())?))
}

/// A symbolic link. One that leads out is refused: the guest could not follow it, but programs of the host would.
///
/// # Errors
/// As [`create_directory`].
pub(crate) fn symlink(meter: &Meter, target: &[u8], dir: &Dir, name: &[u8]) -> Result<(), Errno> {
    let target = checked(meter, target)?;
    check_writable(meter, dir, "create the link", name)?;
    let (holder, last) = beneath(meter, path::parent(dir.fd.as_fd(), name), name)?;
    let inside = path::stays_inside(target, dir.fd.as_fd(), holder.as_fd());
    beneath(meter, if inside { Ok(()) } else { Err(Errno::Notcapable) }, target)?;
    charged(meter, || Ok(rustix::fs::symlinkat(target, holder, last)?))
}
