//! Reading links, renaming and removing.

use std::os::fd::AsFd;

use rustix::fs::AtFlags;

use super::{Errno, GuestMemory, Host, Now, beneath, path, u, writable_dir};
use crate::host::path as resolve;

/// `path_readlink`: a symbolic link's target. An absolute one is refused, since it tells of the host's tree.
///
/// # Errors
/// The path leads outside or is no link, and the usual reasons.
#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
pub fn path_readlink(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    fd: i32,
    ptr: i32,
    len: i32,
    buf: i32,
    buf_len: i32,
    out: i32,
) -> Now {
    let name = path(memory, ptr, len)?;
    let dir = host.descriptors.dir(fd)?;
    let (holder, last) = beneath(host, resolve::parent(dir.fd.as_fd(), name), name)?;
    let target = rustix::fs::readlinkat(holder, last, Vec::new()).map_err(Errno::from)?.into_bytes();
    if target.starts_with(b"/") {
        beneath::<()>(host, Err(Errno::Notcapable), name)?;
    }
    let fits = &target[..target.len().min(u(buf_len) as usize)];
    memory.write(u(buf), fits)?;
    Ok(memory.write_size(u(out), fits.len())?)
}

/// `path_remove_directory`.
///
/// # Errors
/// The path leads outside or is read-only, and the usual reasons.
pub fn path_remove_directory(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, ptr: i32, len: i32) -> Now {
    remove(host, memory, fd, ptr, len, AtFlags::REMOVEDIR)
}

/// `path_unlink_file`.
///
/// # Errors
/// The path leads outside, is read-only or a directory, and the usual reasons.
pub fn path_unlink_file(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, ptr: i32, len: i32) -> Now {
    remove(host, memory, fd, ptr, len, AtFlags::empty())
}

fn remove(host: &Host, memory: &GuestMemory<'_>, fd: i32, ptr: i32, len: i32, flags: AtFlags) -> Now {
    let name = path(memory, ptr, len)?;
    let dir = writable_dir(host, fd, "remove", name)?;
    let (holder, last) = beneath(host, resolve::parent(dir.fd.as_fd(), name), name)?;
    Ok(rustix::fs::unlinkat(holder, last, flags).map_err(Errno::from)?)
}

/// `path_rename`. Both names must lie where the guest may write.
///
/// # Errors
/// A path leads outside or is read-only, and the usual reasons.
#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
pub fn path_rename(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    old_fd: i32,
    old: i32,
    old_len: i32,
    new_fd: i32,
    new: i32,
    new_len: i32,
) -> Now {
    let (old, new) = (path(memory, old, old_len)?, path(memory, new, new_len)?);
    let old_dir = writable_dir(host, old_fd, "rename", old)?;
    let new_dir = writable_dir(host, new_fd, "rename to", new)?;
    let (old_holder, old_last) = beneath(host, resolve::parent(old_dir.fd.as_fd(), old), old)?;
    let (new_holder, new_last) = beneath(host, resolve::parent(new_dir.fd.as_fd(), new), new)?;
    Ok(rustix::fs::renameat(old_holder, old_last, new_holder, new_last).map_err(Errno::from)?)
}
