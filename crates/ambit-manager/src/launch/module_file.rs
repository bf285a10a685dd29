//! Bytes for another process: in memory, and then for good.

use std::{
    fs::File,
    io::{self, Seek, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use ambit_admit::Verified;
use ambit_jail::wire::ModuleForm;
use rustix::fs::{MemfdFlags, SealFlags};

/// What a worker is given of a module: what is known of it, if it runs what that was compiled to; or else all of it.
pub(crate) fn for_worker(compiled: bool, module: &Verified) -> io::Result<(OwnedFd, ModuleForm)> {
    match compiled.then(|| module.facts()).flatten() {
        Some(facts) => Ok((holding("ambit-facts", &facts)?, ModuleForm::Facts)),
        None => Ok((of(module)?, ModuleForm::Bytes)),
    }
}

/// A file of a module's bytes that nobody can change.
pub(crate) fn of(module: &Verified) -> io::Result<OwnedFd> {
    holding("ambit-module", module.bytes())
}

fn holding(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = empty(name)?;
    file.write_all(bytes)?;
    file.rewind()?;
    seal(&file)?;
    Ok(file.into())
}

/// A copy of a file that nobody can change.
pub(super) fn copied(from: &File, name: &str) -> io::Result<File> {
    let mut copy = empty(name)?;
    io::copy(&mut reopened(from)?, &mut copy)?;
    seal(&copy)?;
    Ok(copy)
}

/// The same file once more, for reading, with a position of its own.
pub(super) fn reopened(file: &impl AsFd) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// A file that another process is to fill.
pub(super) fn empty(name: &str) -> io::Result<File> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?.into())
}

/// Nobody can change it from here on, whoever still has a descriptor of it.
///
/// Fails while somebody has it mapped for writing.
pub(super) fn seal(file: impl AsFd) -> io::Result<()> {
    let all = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    Ok(rustix::fs::fcntl_add_seals(file, all)?)
}
