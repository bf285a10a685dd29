//! A granted directory, made ready for a jail by whoever grants it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use ambit_core::{Access, Layer};
use rustix::{
    fs::{Mode, OFlags},
    mount::{OpenTreeFlags, open_tree},
};

use crate::{
    error::JailError,
    identity::is_root,
    spawn::NOBODY,
    spec::{DirSource, DirSpec},
    sys::{MountAttributes, set_attributes, user_namespace},
};

/// Why a directory cannot be granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// It cannot be opened.
    #[error("cannot open the granted directory `{path}`: {source}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be taken into a jail.
    #[error("cannot take `{path}` into the jail: {source}")]
    Jail {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: JailError,
    },
}

/// Opens the directory at `path` for a jail.
///
/// Files that are made in it belong to whoever grants it, also where the jailed process is another user: as root it becomes a
/// mount that translates owners, attached in the jail as it is. A user without that right has a bind mount made inside, by a
/// process that is the same user.
///
/// # Errors
/// It is no directory, cannot be opened, or lies on a file system that cannot translate owners.
pub fn grant_dir(path: &Path, access: Access) -> Result<(DirSpec, OwnedFd), GrantError> {
    let cannot_open = |error: rustix::io::Errno| GrantError::Open { path: path.to_owned(), source: error.into() };
    let dir = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(cannot_open)?;
    if is_root() {
        let mount = translated(dir.as_fd(), access).map_err(|source| GrantError::Jail { path: path.to_owned(), source })?;
        return Ok((DirSpec { access, source: DirSource::Mount }, mount));
    }
    // The path that the kernel has for what was opened: the one given may be relative, or lead through links.
    let canonical = std::fs::canonicalize(path).map_err(|source| GrantError::Open { path: path.to_owned(), source })?;
    Ok((DirSpec { access, source: DirSource::Path(canonical) }, dir))
}

/// A mount of `dir` in which root's files are those of the jailed user.
fn translated(dir: BorrowedFd<'_>, access: Access) -> Result<OwnedFd, JailError> {
    let failed = |step: &'static str| move |error: &io::Error| JailError::new(Layer::MountNamespace, step, error);
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let mount = open_tree(dir, "", flags).map_err(|error| failed("make a bind mount")(&error.into()))?;
    let owners = owners()?;
    let attributes = MountAttributes { read_only: access == Access::ReadOnly, recursive: true, owners: Some(owners) };
    set_attributes(mount.as_fd(), &attributes).map_err(|error| failed("have owners translated there")(&error))?;
    Ok(mount)
}

/// A user namespace by whose map owners are translated: root and nobody change places, everybody else stays who they are.
fn owners() -> Result<BorrowedFd<'static>, JailError> {
    static OWNERS: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(owners) = OWNERS.get() {
        return Ok(owners.as_fd());
    }
    let last = NOBODY - 1;
    let (above, rest) = (NOBODY + 1, u32::MAX - NOBODY - 1);
    let map = format!("0 {NOBODY} 1\n1 1 {last}\n{NOBODY} 0 1\n{above} {above} {rest}\n");
    let made = user_namespace(&map)?;
    Ok(OWNERS.get_or_init(|| made).as_fd())
}
