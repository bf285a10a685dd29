//! A directory on disk for the length of a run.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};

/// A directory of its own, removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("ambit-").tempdir()?.keep()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove a temporary directory");
        }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes a tree that a guest has made, however deep: each directory is moved to the top before it is removed, so that
/// neither the stack nor the number of open descriptors grows with depth. Links are removed, never followed.
fn remove(path: &Path) -> io::Result<()> {
    let root = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
    let mut moved = 0;
    // Directories come to the top while others are emptied: go on until a pass finds none.
    loop {
        let names = files_removed(&root)?;
        if names.is_empty() {
            return std::fs::remove_dir(path);
        }
        for name in names {
            let dir = rustix::fs::openat(&root, &name, DIRECTORY, Mode::empty())?;
            for inner in files_removed(&dir)? {
                // A name that is free, whatever names the guest has made.
                loop {
                    moved += 1;
                    match rustix::fs::renameat_with(&dir, &inner, &root, format!(".ambit-{moved}"), RenameFlags::NOREPLACE) {
                        Err(rustix::io::Errno::EXIST) => {}
                        other => break other?,
                    }
                }
            }
            rustix::fs::unlinkat(&root, &name, AtFlags::REMOVEDIR)?;
        }
    }
}

/// Removes the files of a directory, and gives back the names of its directories.
fn files_removed(dir: &OwnedFd) -> io::Result<Vec<std::ffi::CString>> {
    let mut directories = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            directories.push(name.to_owned());
        } else {
            rustix::fs::unlinkat(dir, name, AtFlags::empty())?;
        }
    }
    Ok(directories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_tree_goes_and_what_its_links_point_at_stays() {
        let outside = tempfile::tempdir().expect("a directory");
        std::fs::write(outside.path().join("keep"), "x").expect("written");
        let scratch = Scratch::new().expect("made");
        let path = scratch.path().to_owned();
        std::os::unix::fs::symlink(outside.path(), path.join("link")).expect("linked");
        std::fs::create_dir(path.join(".ambit-1")).expect("made");
        let mut at = rustix::fs::open(&path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).expect("opened");
        for _ in 0..3000 {
            rustix::fs::mkdirat(&at, "d", Mode::RWXU).expect("made");
            at = rustix::fs::openat(&at, "d", OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).expect("opened");
        }
        drop(scratch);
        assert!(!path.exists());
        assert!(outside.path().join("keep").exists());
    }
}
