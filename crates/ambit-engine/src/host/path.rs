//! Paths of a guest's, resolved so that they cannot leave the directory they start in.
//!
//! The kernel resolves (`openat2` with `RESOLVE_BENEATH`), component by component and in one go, so that no rename or
//! symbolic link made meanwhile by anybody can lead outside; comparing strings could not promise that.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, Stat},
    io::Errno as Os,
};

use super::Errno;

/// The longest path the host takes, as Linux.
const MAX_PATH: usize = 4096;

/// Checks a path's form. Where it leads is the kernel's to check.
pub(crate) fn check(path: &[u8]) -> Result<&[u8], Errno> {
    match path {
        [] => Err(Errno::Noent),
        [b'/', ..] => Err(Errno::Notcapable),
        path if path.len() > MAX_PATH => Err(Errno::NameTooLong),
        path if path.contains(&0) => Err(Errno::Inval),
        // Paths of WASI are strings; Linux would take any bytes.
        path if std::str::from_utf8(path).is_err() => Err(Errno::Ilseq),
        path => Ok(path),
    }
}

/// Opens `path` beneath `dir`.
pub(crate) fn open(dir: BorrowedFd<'_>, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let path = check(path)?;
    // openat2 refuses flags that mean nothing: a descriptor for looking only takes no O_NOCTTY.
    let terminal = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NOCTTY };
    let flags = flags | OFlags::CLOEXEC | terminal;
    // The kernel answers EAGAIN when something moved while it resolved.
    for _ in 0..16 {
        match rustix::fs::openat2(dir, path, flags, mode, ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS) {
            Err(Os::AGAIN) => {}
            Err(error) => return Err(error.into()),
            Ok(fd) => return Ok(fd),
        }
    }
    Err(Errno::Again)
}

/// Opens `path` for looking at only; the last component is followed if it is a link and `follow` is set.
pub(crate) fn locate(dir: BorrowedFd<'_>, path: &[u8], follow: bool) -> Result<OwnedFd, Errno> {
    let nofollow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    open(dir, path, OFlags::PATH | nofollow, Mode::empty())
}

/// What `path` is.
pub(crate) fn stat(dir: BorrowedFd<'_>, path: &[u8], follow: bool) -> Result<Stat, Errno> {
    let found = locate(dir, path, follow)?;
    Ok(rustix::fs::fstat(found)?)
}

/// The directory that holds the last component of `path`, and that component.
///
/// Whoever uses it calls the `…at` functions that never follow the last component. `..` as the last component is given
/// back as it is: the kernel refuses it in every call that makes, renames or removes.
pub(crate) fn parent<'p>(dir: BorrowedFd<'_>, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8]), Errno> {
    let path = check(path)?;
    let end = path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    let start = path[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let holder = if start == 0 { &b"."[..] } else { &path[..start] };
    let holder = open(dir, holder, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    // Trailing slashes stay: they say that it must be a directory.
    Ok((holder, &path[start..]))
}

/// Opens a regular file or a directory, and nothing else: a FIFO could block, a device or socket reaches beyond files.
/// Looked at first, since opening some of them has effects; looked at again once open, since it may have been swapped.
pub(crate) fn open_regular(dir: BorrowedFd<'_>, path: &[u8], flags: OFlags, mode: Mode) -> Result<(OwnedFd, FileType), Errno> {
    let regular = |stat: &Stat| match FileType::from_raw_mode(stat.st_mode) {
        kind @ (FileType::RegularFile | FileType::Directory) => Ok(kind),
        FileType::Symlink => Err(Errno::Loop),
        _ => Err(Errno::Notcapable),
    };
    let follow = !flags.contains(OFlags::NOFOLLOW);
    match stat(dir, path, follow) {
        Ok(found) => regular(&found).map(|_| ())?,
        Err(Errno::Noent) if flags.contains(OFlags::CREATE) => {}
        Err(errno) => return Err(errno),
    }
    let fd = open(dir, path, flags | OFlags::NONBLOCK, mode)?;
    let kind = regular(&rustix::fs::fstat(fd.as_fd())?)?;
    Ok((fd, kind))
}

/// Whether a symbolic link with this target, made in `holder`, stays within `root`. A directory renamed later can make it
/// lead elsewhere; within the root it stays what it is.
pub(crate) fn stays_inside(target: &[u8], root: BorrowedFd<'_>, holder: BorrowedFd<'_>) -> bool {
    let climbs = || target.split(|&byte| byte == b'/').filter(|&part| part != b"." && !part.is_empty());
    if !climbs().any(|part| part == b"..") {
        return true;
    }
    let Ok(mut depth) = depth_below(root, holder) else { return false };
    climbs().all(|part| {
        let next = if part == b".." { depth.checked_sub(1) } else { depth.checked_add(1) };
        next.is_some_and(|next| {
            depth = next;
            true
        })
    })
}

/// How many directories lie between `root` and `holder`, which was found beneath it. Climbed and counted, since the kernel's
/// word for where a descriptor is lies in `/proc`, which a jailed process has not.
fn depth_below(root: BorrowedFd<'_>, holder: BorrowedFd<'_>) -> Result<usize, Errno> {
    let identity = |fd: BorrowedFd<'_>| rustix::fs::fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
    let root = identity(root)?;
    let mut here = rustix::io::fcntl_dupfd_cloexec(holder, 0)?;
    for depth in 0..MAX_PATH {
        let at = identity(here.as_fd())?;
        if at == root {
            return Ok(depth);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let above = rustix::fs::openat2(&here, "..", flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)?;
        // It was moved out meanwhile, and this is the top of everything.
        if identity(above.as_fd())? == at {
            return Err(Errno::Notcapable);
        }
        here = above;
    }
    Err(Errno::NameTooLong)
}
