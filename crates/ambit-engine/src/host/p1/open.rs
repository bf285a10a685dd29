//! Opening files and directories.

use rustix::fs::OFlags;

use super::{
    Errno, GuestMemory, Host, Now,
    fd::{APPEND, DSYNC, RSYNC, SYNC, rights},
    u,
};
use crate::host::files::{self, Request};

const FOLLOW: u32 = 1;
const CREATE: i32 = 1;
const DIRECTORY: i32 = 1 << 1;
const EXCLUSIVE: i32 = 1 << 2;
const TRUNCATE: i32 = 1 << 3;

fn request(dirflags: i32, oflags: i32, base: i64, fdflags: i32) -> Result<Request, Errno> {
    if oflags & !(CREATE | DIRECTORY | EXCLUSIVE | TRUNCATE) != 0 {
        return Err(Errno::Inval);
    }
    let fdflags = u16::try_from(fdflags).map_err(|_| Errno::Inval)?;
    let base = base.cast_unsigned();
    // Some programs ask for every right but this one when they mean to read.
    let write = base & rights::FD_WRITE != 0;
    let sync = if fdflags & SYNC != 0 {
        OFlags::SYNC
    } else if fdflags & (DSYNC | RSYNC) != 0 {
        OFlags::DSYNC
    } else {
        OFlags::empty()
    };
    let has = |flag| oflags & flag != 0;
    Ok(Request {
        follow: u(dirflags) & FOLLOW != 0,
        create: has(CREATE),
        directory: has(DIRECTORY),
        exclusive: has(EXCLUSIVE),
        truncate: has(TRUNCATE),
        read: base & rights::FD_READ != 0 || !write,
        write,
        append: fdflags & APPEND != 0,
        sync,
    })
}

/// `path_open`: opens a file or directory beneath one.
///
/// # Errors
/// The path leads outside, is read-only, or is neither a file nor a directory; a quota is used up; the usual reasons.
#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
pub fn path_open(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    fd: i32,
    dirflags: i32,
    path_ptr: i32,
    path_len: i32,
    oflags: i32,
    base: i64,
    _inheriting: i64,
    fdflags: i32,
    out: i32,
) -> Now {
    let request = request(dirflags, oflags, base, fdflags)?;
    let name = files::checked(&host.meter, memory.slice(u(path_ptr), u(path_len))?)?;
    let opened = files::open(&host.meter, host.descriptors.dir(fd)?, name, request)?;
    let opened = host.descriptors.insert(opened)?;
    let written = memory.write_u32(u(out), opened.cast_unsigned());
    if written.is_err() {
        host.close_descriptor(opened)?;
    }
    Ok(written?)
}
