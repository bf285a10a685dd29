//! Making directories and links.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Mode};

use super::{Errno, GuestMemory, Host, Now, beneath, path, u, writable_dir};
use crate::host::path as resolve;

/// Makes something with `make`, charged as a created file.
fn charged(host: &Host, make: impl FnOnce() -> Result<(), Errno>) -> Now {
    host.meter.take_file().map_err(|_| Errno::Dquot)?;
    make().inspect_err(|_| host.meter.give_file())?;
    Ok(())
}

/// `path_create_directory`.
///
/// # Errors
/// The path leads outside or is read-only, the quota of files is used up, and the usual reasons.
pub fn path_create_directory(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, ptr: i32, len: i32) -> Now {
    let name = path(memory, ptr, len)?;
    let dir = writable_dir(host, fd, "create the directory", name)?;
    let (holder, last) = beneath(host, resolve::parent(dir.fd.as_fd(), name), name)?;
    charged(host, || Ok(rustix::fs::mkdirat(holder, last, Mode::from_raw_mode(0o777))?))
}

/// `path_link`: a second name for a file. Both names must lie where the guest may write, or a read-only file could be
/// written under its new name.
///
/// # Errors
/// As [`path_create_directory`]; links cannot be followed.
#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
pub fn path_link(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    old_fd: i32,
    old_flags: i32,
    old: i32,
    old_len: i32,
    new_fd: i32,
    new: i32,
    new_len: i32,
) -> Now {
    if u(old_flags) & 1 != 0 {
        return Err(Errno::Inval.into());
    }
    let (old, new) = (path(memory, old, old_len)?, path(memory, new, new_len)?);
    let old_dir = writable_dir(host, old_fd, "link", old)?;
    let new_dir = writable_dir(host, new_fd, "create the link", new)?;
    let (old_holder, old_last) = beneath(host, resolve::parent(old_dir.fd.as_fd(), old), old)?;
    let (new_holder, new_last) = beneath(host, resolve::parent(new_dir.fd.as_fd(), new), new)?;
    charged(host, || Ok(rustix::fs::linkat(old_holder, old_last, new_holder, new_last, AtFlags::empty())?))
}

/// `path_symlink`: a symbolic link. One that leads out is refused: the guest could not follow it, but programs of the host
/// would.
///
/// # Errors
/// As [`path_create_directory`].
pub fn path_symlink(host: &mut Host, memory: &mut GuestMemory<'_>, old: i32, old_len: i32, fd: i32, new: i32, new_len: i32) -> Now {
    let target = memory.slice(u(old), u(old_len))?;
    let target = beneath(host, resolve::check(target), target)?;
    let name = path(memory, new, new_len)?;
    let dir = writable_dir(host, fd, "create the link", name)?;
    let (holder, last) = beneath(host, resolve::parent(dir.fd.as_fd(), name), name)?;
    let inside = resolve::stays_inside(target, dir.fd.as_fd(), holder.as_fd());
    beneath(host, if inside { Ok(()) } else { Err(Errno::Notcapable) }, target)?;
    charged(host, || Ok(rustix::fs::symlinkat(target, holder, last)?))
}
