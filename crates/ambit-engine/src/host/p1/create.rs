//! Making directories and links.

use super::{Errno, GuestMemory, Host, Now, path, u};
use crate::host::files;

/// `path_create_directory`.
///
/// # Errors
/// The path leads outside or is read-only, the quota of files is used up, and the usual reasons.
pub fn path_create_directory(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, ptr: i32, len: i32) -> Now {
    let name = path(memory, ptr, len)?;
    Ok(files::create_directory(&host.meter, host.descriptors.dir(fd)?, name)?)
}

/// `path_link`: a second name for a file.
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
    let (old_dir, new_dir) = (host.descriptors.dir(old_fd)?, host.descriptors.dir(new_fd)?);
    Ok(files::link(&host.meter, (old_dir, old), (new_dir, new))?)
}

/// `path_symlink`: a symbolic link.
///
/// # Errors
/// As [`path_create_directory`].
pub fn path_symlink(host: &mut Host, memory: &mut GuestMemory<'_>, old: i32, old_len: i32, fd: i32, new: i32, new_len: i32) -> Now {
    let target = memory.slice(u(old), u(old_len))?;
    let name = path(memory, new, new_len)?;
    Ok(files::symlink(&host.meter, target, host.descriptors.dir(fd)?, name)?)
}
