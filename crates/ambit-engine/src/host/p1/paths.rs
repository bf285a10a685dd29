//! Reading links, renaming and removing.

use super::{GuestMemory, Host, Now, path, u};
use crate::host::files;

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
    let target = files::read_link(&host.meter, host.descriptors.dir(fd)?, name)?;
    let fits = &target[..target.len().min(u(buf_len) as usize)];
    memory.write(u(buf), fits)?;
    Ok(memory.write_size(u(out), fits.len())?)
}

/// `path_remove_directory`.
///
/// # Errors
/// The path leads outside or is read-only, and the usual reasons.
pub fn path_remove_directory(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, ptr: i32, len: i32) -> Now {
    let name = path(memory, ptr, len)?;
    Ok(files::remove_directory(&host.meter, host.descriptors.dir(fd)?, name)?)
}

/// `path_unlink_file`.
///
/// # Errors
/// The path leads outside, is read-only or a directory, and the usual reasons.
pub fn path_unlink_file(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, ptr: i32, len: i32) -> Now {
    let name = path(memory, ptr, len)?;
    Ok(files::unlink(&host.meter, host.descriptors.dir(fd)?, name)?)
}

/// `path_rename`.
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
    let (old_dir, new_dir) = (host.descriptors.dir(old_fd)?, host.descriptors.dir(new_fd)?);
    Ok(files::rename(&host.meter, (old_dir, old), (new_dir, new))?)
}
