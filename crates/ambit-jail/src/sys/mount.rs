//! Attributes of a mount that is not attached yet.
#![expect(unsafe_code, reason = "no library has mount_setattr")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// What a mount is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MountAttributes<'a> {
    pub(crate) read_only: bool,
    /// Whether files that are executed or devices in it mean anything. Never, but for a root that is the process's own.
    pub(crate) recursive: bool,
    /// The user namespace by whose map owners are translated.
    pub(crate) owners: Option<BorrowedFd<'a>>,
}

/// Makes a mount nosuid, nodev and noexec, and what else `attributes` say.
pub(crate) fn set_attributes(mount: BorrowedFd<'_>, attributes: &MountAttributes<'_>) -> io::Result<()> {
    let MountAttributes { read_only, recursive, owners } = *attributes;
    let mut set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    if read_only {
        set |= libc::MOUNT_ATTR_RDONLY;
    }
    if owners.is_some() {
        set |= libc::MOUNT_ATTR_IDMAP;
    }
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: owners.map_or(0, |fd| u64::from(fd.as_raw_fd().cast_unsigned())),
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string and the attributes are a structure of the size given; both live as long as the call.
    let failed = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
