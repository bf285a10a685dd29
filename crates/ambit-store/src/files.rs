//! The one way to the file system: by descriptors of directories, never through a link, each step named.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};

use crate::{
    error::StoreError,
    place::{check_own, no_directory},
};

/// What tests do before a step: let it happen, have it fail, or end the process.
pub type Interposed = fn(&'static str) -> io::Result<()>;

static INTERPOSED: OnceLock<Interposed> = OnceLock::new();

/// Has every step of this process ask first. For tests of a crash or a failure at each; there is no way to it from outside of the
/// process.
pub fn interpose(by: Interposed) {
    let _ = INTERPOSED.set(by);
}

/// A step that writes, by its name.
pub(crate) fn step(name: &'static str) -> io::Result<()> {
    INTERPOSED.get().map_or(Ok(()), |by| by(name))
}

/// A directory of the store.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// For messages only.
    path: PathBuf,
}

impl Dir {
    /// The store's own directory. Made if there is none.
    pub(crate) fn root(path: &Path) -> Result<Self, StoreError> {
        let make = || rustix::fs::mkdir(path, Mode::RWXU);
        Self::made(path.to_owned(), "root.mkdir", make, || rustix::fs::open(path, DIRECTORY, Mode::empty()))
    }

    /// A directory in this one. Made if there is none.
    pub(crate) fn sub(&self, name: &str) -> Result<Self, StoreError> {
        let make = || rustix::fs::mkdirat(&self.fd, name, Mode::RWXU);
        let dir =
            Self::made(self.path.join(name), "dir.mkdir", make, || rustix::fs::openat(&self.fd, name, DIRECTORY, Mode::empty()))?;
        Ok(dir)
    }

    /// A directory in this one, if there is one.
    pub(crate) fn existing(&self, name: &str) -> Result<Option<Self>, StoreError> {
        let path = self.path.join(name);
        match rustix::fs::openat(&self.fd, name, DIRECTORY, Mode::empty()) {
            Ok(fd) => Self::checked(fd, path).map(Some),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(no_directory(&path, error.into())),
        }
    }

    /// Brings to disk which files it has.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        step("dir.fsync").and_then(|()| Ok(rustix::fs::fsync(&self.fd)?)).map_err(StoreError::system("bring to disk", &self.path))
    }

    /// Gives a file another name, in another directory.
    pub(crate) fn rename(&self, name: &str, to: &Dir, new: &str) -> Result<(), StoreError> {
        let renamed = step("file.rename").and_then(|()| Ok(rustix::fs::renameat(&self.fd, name, &to.fd, new)?));
        renamed.map_err(StoreError::system("move", self.path.join(name)))
    }

    /// A file in it to hold locks on. Made if there is none.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File, StoreError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
        opened.map(File::from).map_err(|error| StoreError::system("open", self.path.join(name))(error.into()))
    }

    fn made(
        path: PathBuf,
        step_name: &'static str,
        make: impl FnOnce() -> rustix::io::Result<()>,
        open: impl Fn() -> rustix::io::Result<OwnedFd>,
    ) -> Result<Self, StoreError> {
        let fd = match open() {
            Err(rustix::io::Errno::NOENT) => {
                let made = step(step_name).and_then(|()| match make() {
                    // Somebody else was quicker.
                    Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
                    Err(error) => Err(error.into()),
                });
                made.map_err(StoreError::system("make the directory", &path))?;
                open()
            }
            opened => opened,
        };
        let fd = fd.map_err(|error| no_directory(&path, error.into()))?;
        Self::checked(fd, path)
    }

    fn checked(fd: OwnedFd, path: PathBuf) -> Result<Self, StoreError> {
        let found = rustix::fs::fstat(&fd).map_err(|error| StoreError::system("look at", &path)(error.into()))?;
        check_own(&path, found.st_uid, found.st_mode)?;
        Ok(Self { fd, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether code may be run from files in it.
    pub(crate) fn may_execute(&self) -> bool {
        rustix::fs::fstatvfs(&self.fd).is_ok_and(|found| !found.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
    }

    /// A file in it, for reading, if there is one. A link is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<File>, StoreError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(fd.into())),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::system("open", self.path.join(name))(error.into())),
        }
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let failed = |error: rustix::io::Errno| StoreError::system("list", &self.path)(error.into());
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            // What is no text is none of ours.
            if let Ok(name) = entry.map_err(failed)?.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// What a file in it is, if there is one. Not what a link leads to.
    pub(crate) fn look(&self, name: &str) -> Result<Option<rustix::fs::Stat>, StoreError> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::system("look at", self.path.join(name))(error.into())),
        }
    }

    /// Removes a file from it; whether there was one.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let removed = step("file.unlink").and_then(|()| match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        });
        removed.map_err(StoreError::system("remove", self.path.join(name)))
    }
}

/// As many seconds a file without a lock is taken for one that is just being made.
const FRESH: i64 = 60;

/// The time, in seconds, as files have it.
pub(crate) fn now() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A file that has no name yet that anybody looks for. Gone again unless it is given one.
#[derive(Debug)]
pub(crate) struct Temporary<'a> {
    dir: &'a Dir,
    name: Option<String>,
    file: File,
}

impl<'a> Temporary<'a> {
    /// A new one in `dir`, with this mode. Who writes it holds a lock on it, by which [`sweep`] knows what nobody will finish.
    pub(crate) fn create(dir: &'a Dir, mode: Mode) -> Result<Self, StoreError> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = format!("{}-{}", std::process::id(), MADE.fetch_add(1, Relaxed));
            let failed = |error: io::Error| StoreError::system("make a file in", &dir.path)(error);
            step("tmp.create").map_err(failed)?;
            match rustix::fs::openat(&dir.fd, &*name, flags, mode) {
                Ok(fd) => {
                    let temporary = Self { dir, name: Some(name), file: fd.into() };
                    // Nobody else has it.
                    let _ = rustix::fs::flock(&temporary.file, FlockOperation::NonBlockingLockExclusive);
                    return Ok(temporary);
                }
                // Left behind by a process of the same number.
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        step("tmp.write").and_then(|()| self.file.write_all(bytes)).map_err(StoreError::system("write in", &self.dir.path))
    }

    /// Brings it to disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        step("tmp.fsync").and_then(|()| self.file.sync_all()).map_err(StoreError::system("bring to disk", &self.dir.path))
    }

    /// Gives it its name, in place of what has it so far.
    pub(crate) fn rename(mut self, dir: &Dir, name: &str) -> Result<(), StoreError> {
        let from = self.name.as_deref().unwrap_or_default();
        let renamed = step("tmp.rename").and_then(|()| Ok(rustix::fs::renameat(&self.dir.fd, from, &dir.fd, name)?));
        renamed.map_err(StoreError::system("name the file", dir.path.join(name)))?;
        self.name = None;
        Ok(())
    }

    /// Gives it its name, if nothing has it so far; whether that was so.
    pub(crate) fn link(self, dir: &Dir, name: &str) -> Result<bool, StoreError> {
        let from = self.name.as_deref().unwrap_or_default();
        let linked =
            step("tmp.link").and_then(|()| match rustix::fs::linkat(&self.dir.fd, from, &dir.fd, name, AtFlags::empty()) {
                Ok(()) => Ok(true),
                Err(rustix::io::Errno::EXIST) => Ok(false),
                Err(error) => Err(error.into()),
            });
        linked.map_err(StoreError::system("name the file", dir.path.join(name)))
    }
}

impl AsFd for Temporary<'_> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // What cannot be removed is swept.
            let _ = rustix::fs::unlinkat(&self.dir.fd, &**name, AtFlags::empty());
        }
    }
}

/// Removes what processes have left unfinished that are gone.
pub(crate) fn sweep(dir: &Dir) -> Result<usize, StoreError> {
    let mut swept = 0;
    let fresh = now().saturating_sub(FRESH);
    for name in dir.names()? {
        // One that was made just now may not be locked yet.
        if dir.look(&name)?.is_none_or(|found| found.st_mtime >= fresh) {
            continue;
        }
        let Ok(Some(file)) = dir.read(&name) else { continue };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() && dir.remove(&name)? {
            swept += 1;
        }
    }
    Ok(swept)
}
