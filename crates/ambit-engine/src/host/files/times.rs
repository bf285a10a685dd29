//! When files were changed.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Timespec, Timestamps};

use super::{beneath, check_writable};
use crate::{
    host::{
        Errno,
        descriptor::{Dir, File},
        path,
    },
    meter::Meter,
};

const SECOND: u32 = 1_000_000_000;

/// A time to be set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NewTime {
    /// It stays as it is.
    Keep,
    /// The file system's time.
    Now,
    /// Since 1970. Nanoseconds of a second or more are not carried over, they are refused: the kernel gives some of them
    /// meanings of their own.
    At { seconds: u64, nanoseconds: u32 },
}

impl NewTime {
    fn timespec(self) -> Result<Timespec, Errno> {
        Ok(match self {
            NewTime::Keep => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
            NewTime::Now => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
            NewTime::At { nanoseconds, .. } if nanoseconds >= SECOND => return Err(Errno::Overflow),
            NewTime::At { seconds, nanoseconds } => {
                Timespec { tv_sec: i64::try_from(seconds).map_err(|_| Errno::Overflow)?, tv_nsec: nanoseconds.into() }
            }
        })
    }
}

/// Times of last access and last change, as the kernel takes them.
///
/// # Errors
/// One of them is none.
pub(crate) fn timestamps(accessed: NewTime, modified: NewTime) -> Result<Timestamps, Errno> {
    Ok(Timestamps { last_access: accessed.timespec()?, last_modification: modified.timespec()? })
}

/// Sets the times of an open file.
///
/// # Errors
/// It is not open for writing.
pub(crate) fn set_file_times(file: &File, times: &Timestamps) -> Result<(), Errno> {
    if !file.write {
        return Err(Errno::Rofs);
    }
    Ok(rustix::fs::futimens(&file.fd, times)?)
}

/// Sets the times of an open directory.
///
/// # Errors
/// It is read-only.
pub(crate) fn set_dir_times(meter: &Meter, dir: &Dir, times: &Timestamps) -> Result<(), Errno> {
    check_writable(meter, dir, "set the times of", b".")?;
    Ok(rustix::fs::utimensat(&dir.fd, c"", times, AtFlags::EMPTY_PATH)?)
}

/// Sets the times of `name` in `dir`.
///
/// # Errors
/// The path leads outside or is read-only.
pub(crate) fn set_times_at(meter: &Meter, dir: &Dir, name: &[u8], follow: bool, times: &Timestamps) -> Result<(), Errno> {
    check_writable(meter, dir, "set the times of", name)?;
    let found = beneath(meter, path::locate(dir.fd.as_fd(), name, follow), name)?;
    Ok(rustix::fs::utimensat(found, c"", times, AtFlags::EMPTY_PATH)?)
}
