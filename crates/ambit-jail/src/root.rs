//! The root that a jailed process has: an empty file system, and what was granted in it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use ambit_core::{Access, Layer};
use rustix::{
    fs::{CWD, Mode, OFlags},
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
        fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, open_tree, unmount,
    },
};

use crate::{
    error::JailError,
    spec::{DirSource, DirSpec, JailSpec},
    sys::{MountAttributes, set_attributes},
};

/// Bytes of the root itself: it holds a few directories, and `etc` of the classic one.
const ROOT_BYTES: u64 = 64 << 10;
/// The most files and directories in it: one for each granted directory, and some.
const ROOT_FILES: u64 = 256;
/// Bytes of a `/tmp` for each file in it that there may be.
const BYTES_PER_FILE: u64 = 4 << 10;

fn failed(step: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> JailError {
    let step = step.into();
    move |error| JailError::new(Layer::MountNamespace, step, &error.into())
}

/// Makes the root, attaches what was granted, and leaves the old one behind. Gives back the granted directories, and `/tmp`.
pub(crate) fn build(spec: &JailSpec, fds: Vec<OwnedFd>) -> Result<Vec<OwnedFd>, JailError> {
    // Nothing that is mounted here shows outside, and nothing outside shows here.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(failed("make mounts private"))?;
    let root = tmpfs(ROOT_BYTES, ROOT_FILES, "0755")?;
    let mut mounts = Vec::new();
    for (number, (dir, fd)) in spec.dirs.iter().zip(fds).enumerate() {
        let name = format!("dir{number}");
        let mount = match &dir.source {
            // Its attributes were set by whoever made it, who had the right to.
            DirSource::Mount => fd,
            DirSource::Path(path) => bind(dir, path, fd.as_fd())?,
        };
        mounts.push((name, mount));
    }
    if let Some(bytes) = spec.tmp {
        mounts.push(("tmp".into(), tmpfs(bytes, (bytes / BYTES_PER_FILE).max(16), "0700")?));
    }
    // On top of the old root, where it can be entered and then turned over. Before anything is mounted in it: older kernels mount
    // nothing in what is not mounted itself.
    move_mount(&root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(failed("mount the root"))?;
    let mut names = Vec::new();
    for (name, mount) in mounts {
        attach(&root, &name, mount)?;
        names.push(name);
    }
    if spec.classic_root {
        classic(&root, spec.tmp.is_some())?;
    }
    let read_only = MountAttributes { read_only: true, recursive: false, owners: None };
    set_attributes(root.as_fd(), &read_only)
        .map_err(|error| JailError::new(Layer::MountNamespace, "make the root read-only", &error))?;
    rustix::process::fchdir(&root).map_err(failed("enter the root"))?;
    rustix::process::pivot_root(".", ".").map_err(failed("pivot to the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(failed("unmount the old root"))?;
    rustix::process::chdir("/").map_err(failed("enter the root"))?;
    names.iter().map(|name| open_dir(Path::new("/"), name)).collect()
}

/// Granted directories where there is no namespace to mount them in: Landlock alone keeps the process inside.
pub(crate) fn without_namespace(spec: &JailSpec, fds: Vec<OwnedFd>) -> Result<Vec<OwnedFd>, JailError> {
    let unmountable = spec.tmp.is_some() || spec.classic_root || spec.dirs.iter().any(|dir| dir.source == DirSource::Mount);
    if unmountable {
        let error = io::Error::from(io::ErrorKind::Unsupported);
        return Err(JailError::new(Layer::MountNamespace, "mount anything without a mount namespace", &error));
    }
    // Not where the parent was: a path that is relative to it would tell where that is.
    rustix::process::chdir("/").map_err(failed("leave the parent's directory"))?;
    Ok(fds)
}

fn tmpfs(bytes: u64, files: u64, mode: &str) -> Result<OwnedFd, JailError> {
    let tmpfs = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("make a file system in memory"))?;
    for (key, value) in [("size", bytes.to_string()), ("nr_inodes", files.to_string()), ("mode", mode.to_owned())] {
        fsconfig_set_string(&tmpfs, key, value).map_err(failed(format!("set its `{key}`")))?;
    }
    fsconfig_create(&tmpfs).map_err(failed("make a file system in memory"))?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(&tmpfs, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(failed("mount a file system in memory"))
}

/// A bind mount of a granted directory, made here since its granter may not.
fn bind(dir: &DirSpec, path: &Path, granted: BorrowedFd<'_>) -> Result<OwnedFd, JailError> {
    let shown = path.display().to_string();
    let here = open_dir(Path::new("/"), path)?;
    let same = |a: BorrowedFd<'_>, b: BorrowedFd<'_>| -> rustix::io::Result<bool> {
        let (a, b) = (rustix::fs::fstat(a)?, rustix::fs::fstat(b)?);
        Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
    };
    if !same(here.as_fd(), granted).map_err(failed(format!("look at `{shown}`")))? {
        let error = io::Error::other("it is another directory than when it was granted");
        return Err(JailError::new(Layer::MountNamespace, format!("bind `{shown}`"), &error));
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let mount = open_tree(&here, "", flags).map_err(failed(format!("bind `{shown}`")))?;
    let attributes = MountAttributes { read_only: dir.access == Access::ReadOnly, recursive: true, owners: None };
    set_attributes(mount.as_fd(), &attributes)
        .map_err(|error| JailError::new(Layer::MountNamespace, format!("set attributes of `{shown}`"), &error))?;
    Ok(mount)
}

fn attach(root: &OwnedFd, name: &str, mount: OwnedFd) -> Result<(), JailError> {
    rustix::fs::mkdirat(root, name, Mode::from_raw_mode(0o755)).map_err(failed(format!("make `/{name}`")))?;
    move_mount(&mount, "", root, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(failed(format!("mount `/{name}`")))
}

/// What programs expect that were written for a machine: a user and a group, which are the process's own, and places to be.
fn classic(root: &OwnedFd, has_tmp: bool) -> Result<(), JailError> {
    for name in ["tmp", "home", "work", "etc"] {
        if !(has_tmp && name == "tmp") {
            rustix::fs::mkdirat(root, name, Mode::from_raw_mode(0o755)).map_err(failed(format!("make `/{name}`")))?;
        }
    }
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let passwd = format!("nobody:x:{user}:{group}:nobody:/home:/\n");
    for (name, text) in [("etc/passwd", passwd), ("etc/group", format!("nogroup:x:{group}:\n"))] {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(root, name, flags, Mode::from_raw_mode(0o444)).map_err(failed(format!("make `/{name}`")))?;
        rustix::io::write(&file, text.as_bytes()).map_err(failed(format!("write `/{name}`")))?;
    }
    Ok(())
}

/// The root that was made. All that is in the classic one may be read; whatever else is in it was granted, and may too.
pub(crate) fn itself() -> Result<OwnedFd, JailError> {
    open_dir(Path::new("/"), "")
}

fn open_dir(base: &Path, name: impl AsRef<Path>) -> Result<OwnedFd, JailError> {
    let path = base.join(name);
    rustix::fs::open(&path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(failed(format!("open `{}`", path.display())))
}
