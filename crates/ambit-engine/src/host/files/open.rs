//! Opening files and directories.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::fs::{FileType, Mode, OFlags};

use super::{beneath, check_writable};
use crate::{
    host::{
        Errno,
        descriptor::{Dir, File, OpenSlot},
        path, writable,
    },
    meter::Meter,
};

/// What is asked of an open.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of the interfaces")]
pub(crate) struct Request {
    pub(crate) follow: bool,
    pub(crate) create: bool,
    pub(crate) directory: bool,
    pub(crate) exclusive: bool,
    pub(crate) truncate: bool,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) append: bool,
    /// None, `SYNC` or `DSYNC`.
    pub(crate) sync: OFlags,
}

/// What was opened.
#[derive(Debug)]
pub(crate) enum Opened {
    File(File),
    Dir(Dir),
}

impl Request {
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

/// Opens `name` in `dir`, within the limits on open and created files.
///
/// # Errors
/// The path leads outside, is read-only, or is neither a file nor a directory; a quota is used up; the usual reasons.
pub(crate) fn open(meter: &Arc<Meter>, dir: &Dir, name: &[u8], request: Request) -> Result<Opened, Errno> {
    // A program that asks for every right of a directory it cannot change does not mean to write.
    let read_only = request.directory && !writable(dir.mount.access);
    let request = if read_only { Request { write: false, read: true, ..request } } else { request };
    if request.changes() {
        check_writable(meter, dir, "open for writing", name)?;
    }
    let slot = OpenSlot::take(meter)?;
    let (fd, kind) = beneath(meter, found(meter, dir.fd.as_fd(), name, &request), name)?;
    let mount = Arc::clone(&dir.mount);
    Ok(match kind {
        FileType::Directory => Opened::Dir(Dir { fd: Arc::new(fd), mount, slot: Some(slot), listing: None }),
        _ => {
            let Request { read, write, append, sync, .. } = request;
            Opened::File(File { fd, mount, read, write, append, sync, _slot: slot })
        }
    })
}

fn found(meter: &Meter, at: BorrowedFd<'_>, name: &[u8], request: &Request) -> Result<(OwnedFd, FileType), Errno> {
    let flags = request.flags();
    // Looked at, not opened: opening could already cut it.
    if request.create && request.exclusive && path::locate(at, name, false).is_ok() {
        return Err(Errno::Exist);
    }
    // First as if it existed, then as if it did not: only so is it known whether a file was made, which is charged.
    match path::open_regular(at, name, flags, Mode::empty()) {
        // A directory cannot be opened for writing; as a directory it can.
        Err(Errno::Isdir) if !request.truncate && !request.create => {
            path::open_regular(at, name, OFlags::DIRECTORY | OFlags::RDONLY | (flags & OFlags::NOFOLLOW), Mode::empty())
        }
        Err(Errno::Noent) if request.create && !request.directory => {
            meter.take_file().map_err(|_| Errno::Dquot)?;
            make(at, name, flags, request.exclusive).inspect_err(|_| meter.give_file())
        }
        other => other,
    }
}

/// Makes a file where none was a moment ago.
fn make(at: BorrowedFd<'_>, name: &[u8], flags: OFlags, exclusive: bool) -> Result<(OwnedFd, FileType), Errno> {
    let mode = Mode::from_raw_mode(0o666);
    match path::open_regular(at, name, flags | OFlags::CREATE | OFlags::EXCL, mode) {
        // A link to a file that is not there: that file is made, if it lies beneath. Or somebody has made it meanwhile, and
        // one file too many is charged.
        Err(Errno::Exist) if !exclusive => path::open_regular(at, name, flags | OFlags::CREATE, mode),
        made => made,
    }
}
