//! Opening files and directories.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::fs::{FileType, Mode, OFlags};

use super::{
    Errno, GuestMemory, Host, Now, beneath,
    fd::{APPEND, DSYNC, RSYNC, SYNC, rights},
    path, u, writable_dir,
};
use crate::host::{
    descriptor::{Descriptor, Dir, File},
    path as resolve,
};

const FOLLOW: u32 = 1;
const CREATE: i32 = 1;
const DIRECTORY: i32 = 1 << 1;
const EXCLUSIVE: i32 = 1 << 2;
const TRUNCATE: i32 = 1 << 3;

/// What is asked of an open.
struct Request {
    follow: bool,
    create: bool,
    directory: bool,
    exclusive: bool,
    truncate: bool,
    read: bool,
    write: bool,
    append: bool,
    sync: OFlags,
}

impl Request {
    fn parse(dirflags: i32, oflags: i32, base: i64, fdflags: i32) -> Result<Self, Errno> {
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
        Ok(Self {
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

    fn changes(&self) -> bool {
        self.create || self.truncate || self.write
    }

    fn flags(&self) -> OFlags {
        let access = match (self.read, self.write || self.truncate) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            (_, false) => OFlags::RDONLY,
        };
        let when = |condition, flag| if condition { flag } else { OFlags::empty() };
        access
            | self.sync
            | when(!self.follow, OFlags::NOFOLLOW)
            | when(self.directory, OFlags::DIRECTORY)
            | when(self.truncate, OFlags::TRUNC)
            | when(self.append, OFlags::APPEND)
    }
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
    let request = Request::parse(dirflags, oflags, base, fdflags)?;
    let name = path(memory, path_ptr, path_len);
    let name = beneath(host, name, b"/")?;
    // A program that asks for every right of a directory it cannot change does not mean to write.
    let read_only = host.descriptors.dir(fd).is_ok_and(|dir| !crate::host::writable(dir.mount.access));
    let request = if request.directory && read_only { Request { write: false, read: true, ..request } } else { request };
    if request.changes() {
        writable_dir(host, fd, "open for writing", name)?;
    }
    let opened = host.open_descriptor(|host| {
        let opened = open(host, fd, name, &request);
        Ok(beneath(host, opened, name)?)
    })?;
    let written = memory.write_u32(u(out), opened.cast_unsigned());
    if written.is_err() {
        host.close_descriptor(opened)?;
    }
    Ok(written?)
}

fn open(host: &Host, fd: i32, name: &[u8], request: &Request) -> Result<Descriptor, Errno> {
    let dir = host.descriptors.dir(fd)?;
    let at = dir.fd.as_fd();
    let flags = request.flags();
    // Looked at, not opened: opening could already cut it.
    if request.create && request.exclusive && resolve::locate(at, name, false).is_ok() {
        return Err(Errno::Exist);
    }
    // First as if it existed, then as if it did not: only so is it known whether a file was made, which is charged.
    let existing = match resolve::open_regular(at, name, flags, Mode::empty()) {
        // A directory cannot be opened for writing; as a directory it can.
        Err(Errno::Isdir) if !request.truncate && !request.create => {
            resolve::open_regular(at, name, OFlags::DIRECTORY | OFlags::RDONLY | (flags & OFlags::NOFOLLOW), Mode::empty())
        }
        other => other,
    };
    let (fd, kind) = match existing {
        Err(Errno::Noent) if request.create && !request.directory => {
            host.meter.take_file().map_err(|_| Errno::Dquot)?;
            make(at, name, flags, request.exclusive).inspect_err(|_| host.meter.give_file())?
        }
        other => other?,
    };
    let mount = Arc::clone(&dir.mount);
    Ok(match kind {
        FileType::Directory => Descriptor::Dir(Dir { fd: Arc::new(fd), mount, preopened: false, listing: None }),
        _ => Descriptor::File(File { fd, mount, read: request.read, write: request.write, append: request.append }),
    })
}

/// Makes a file where none was a moment ago.
fn make(at: BorrowedFd<'_>, name: &[u8], flags: OFlags, exclusive: bool) -> Result<(OwnedFd, FileType), Errno> {
    let mode = Mode::from_raw_mode(0o666);
    match resolve::open_regular(at, name, flags | OFlags::CREATE | OFlags::EXCL, mode) {
        // A link to a file that is not there: that file is made, if it lies beneath. Or somebody has made it meanwhile, and
        // one file too many is charged.
        Err(Errno::Exist) if !exclusive => resolve::open_regular(at, name, flags | OFlags::CREATE, mode),
        made => made,
    }
}
