//! What can be done with files and directories beneath a grant, for every version of WASI: the same guards, quotas and
//! violations, whoever asks.
//!
//! Nothing here knows how a guest names a descriptor or passes a path; previews 1 and 2 do, each in its own way.

mod content;
mod create;
mod list;
mod open;
mod remove;
mod times;

use std::os::fd::AsFd;

use rustix::fs::Stat;

pub(crate) use create::{create_directory, link, symlink};
pub(crate) use list::Listing;
pub(crate) use open::{Opened, Request, open};
pub(crate) use remove::{read_link, remove_directory, rename, unlink};
pub(crate) use times::{NewTime, set_dir_times, set_file_times, set_times_at, timestamps};

use super::{Errno, descriptor::Dir, path};
use crate::meter::Meter;

/// What `name` in `dir` is.
///
/// # Errors
/// The path leads outside, and the usual reasons.
pub(crate) fn stat(meter: &Meter, dir: &Dir, name: &[u8], follow: bool) -> Result<Stat, Errno> {
    beneath(meter, path::stat(dir.fd.as_fd(), name, follow), name)
}

/// Whether something may be changed in `dir`; otherwise a violation that names the remedy.
fn check_writable(meter: &Meter, dir: &Dir, what: &str, name: &[u8]) -> Result<(), Errno> {
    if super::writable(dir.mount.access) {
        return Ok(());
    }
    let guest = &dir.mount.guest;
    meter.violate("dirs", || {
        let (name, guest) = (ambit_core::escape(name, 128), ambit_core::escape(guest, 64));
        format!("{what} `{name}` in {guest}, which is read-only; allow it with --dir HOST:{guest}:rw")
    });
    Err(Errno::Rofs)
}

/// Records an attempt to leave a directory, and passes every other error on.
fn beneath<T>(meter: &Meter, result: Result<T, Errno>, name: &[u8]) -> Result<T, Errno> {
    if matches!(result, Err(Errno::Notcapable)) {
        meter.violate("dirs", || {
            let name = ambit_core::escape(name, 128);
            format!("`{name}` leads out of the granted directory or is no regular file; allow it with --dir HOST:GUEST")
        });
    }
    result
}

/// A path of the guest's, of a form that can be looked for.
///
/// # Errors
/// It has none; one that is absolute is recorded.
pub(crate) fn checked<'p>(meter: &Meter, name: &'p [u8]) -> Result<&'p [u8], Errno> {
    beneath(meter, path::check(name), name)
}
