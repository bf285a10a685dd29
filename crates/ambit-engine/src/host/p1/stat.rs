//! What files are, and when they were changed.

use rustix::fs::{FileType, Stat, Timestamps};

use super::{
    Errno, GuestMemory, Host, Now,
    fd::{CHARACTER_DEVICE, DIRECTORY, REGULAR_FILE, UNKNOWN},
    path, u,
};
use crate::host::{
    descriptor::Descriptor,
    files::{self, NewTime},
};

const ATIM: i32 = 1;
const ATIM_NOW: i32 = 1 << 1;
const MTIM: i32 = 1 << 2;
const MTIM_NOW: i32 = 1 << 3;

/// A file type as numbered by preview 1.
pub(super) fn file_type(kind: FileType) -> u8 {
    match kind {
        FileType::BlockDevice => 1,
        FileType::CharacterDevice => CHARACTER_DEVICE,
        FileType::Directory => DIRECTORY,
        FileType::RegularFile => REGULAR_FILE,
        FileType::Socket => 6,
        FileType::Symlink => 7,
        FileType::Fifo | FileType::Unknown => UNKNOWN,
    }
}

fn write_stat(memory: &mut GuestMemory<'_>, out: i32, stat: &Stat) -> Now {
    let nanos = |secs: i64, nanos: u64| secs.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(nanos);
    let mut bytes = [0; 64];
    bytes[16] = file_type(FileType::from_raw_mode(stat.st_mode));
    let fields = [
        (0, stat.st_dev),
        (8, stat.st_ino),
        (24, stat.st_nlink),
        (32, stat.st_size.cast_unsigned()),
        (40, nanos(stat.st_atime, stat.st_atime_nsec)),
        (48, nanos(stat.st_mtime, stat.st_mtime_nsec)),
        (56, nanos(stat.st_ctime, stat.st_ctime_nsec)),
    ];
    for (at, value) in fields {
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    Ok(memory.write(u(out), &bytes)?)
}

/// `fd_filestat_get`: what an open descriptor is.
///
/// # Errors
/// The descriptor is not open, or an address lies outside memory.
pub fn fd_filestat_get(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, out: i32) -> Now {
    let terminal = match host.descriptors.get(fd)? {
        Descriptor::File(file) => return write_stat(memory, out, &rustix::fs::fstat(&file.fd).map_err(Errno::from)?),
        Descriptor::Dir(dir) => return write_stat(memory, out, &rustix::fs::fstat(&dir.fd).map_err(Errno::from)?),
        Descriptor::Stdin => host.stdin.is_terminal(),
        Descriptor::Stdout => host.stdout.is_terminal(),
        Descriptor::Stderr => host.stderr.is_terminal(),
    };
    let mut bytes = [0; 64];
    bytes[16] = if terminal { CHARACTER_DEVICE } else { UNKNOWN };
    Ok(memory.write(u(out), &bytes)?)
}

/// `path_filestat_get`: what a path is.
///
/// # Errors
/// The path leads outside, and the usual reasons.
pub fn path_filestat_get(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, flags: i32, ptr: i32, len: i32, out: i32) -> Now {
    let name = path(memory, ptr, len)?;
    let stat = files::stat(&host.meter, host.descriptors.dir(fd)?, name, u(flags) & 1 != 0)?;
    write_stat(memory, out, &stat)
}

/// `fd_filestat_set_size`: cuts or grows a file; growing is charged like writing.
///
/// # Errors
/// The descriptor is not open for writing, or a quota is used up.
pub fn fd_filestat_set_size(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, size: i64) -> Now {
    let size = u64::try_from(size).map_err(|_| Errno::Inval)?;
    Ok(host.descriptors.file(fd)?.set_size(&host.meter, size)?)
}

fn times(atim: i64, mtim: i64, flags: i32) -> Result<Timestamps, Errno> {
    let time = |value: i64, set: i32, now: i32| match (flags & set != 0, flags & now != 0) {
        (true, true) => Err(Errno::Inval),
        (false, true) => Ok(NewTime::Now),
        (false, false) => Ok(NewTime::Keep),
        (true, false) => {
            let value = value.cast_unsigned();
            let nanoseconds = u32::try_from(value % 1_000_000_000).map_err(|_| Errno::Overflow)?;
            Ok(NewTime::At { seconds: value / 1_000_000_000, nanoseconds })
        }
    };
    files::timestamps(time(atim, ATIM, ATIM_NOW)?, time(mtim, MTIM, MTIM_NOW)?)
}

/// `fd_filestat_set_times`.
///
/// # Errors
/// The descriptor is not open for writing, or the times contradict each other.
pub fn fd_filestat_set_times(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, atim: i64, mtim: i64, flags: i32) -> Now {
    let times = times(atim, mtim, flags)?;
    match host.descriptors.get(fd)? {
        Descriptor::File(file) => Ok(files::set_file_times(file, &times)?),
        Descriptor::Dir(dir) => Ok(files::set_dir_times(&host.meter, dir, &times)?),
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Badf.into()),
    }
}

/// `path_filestat_set_times`.
///
/// # Errors
/// The path leads outside or is read-only, or the times contradict each other.
#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
pub fn path_filestat_set_times(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    fd: i32,
    flags: i32,
    ptr: i32,
    len: i32,
    atim: i64,
    mtim: i64,
    fst_flags: i32,
) -> Now {
    let times = times(atim, mtim, fst_flags)?;
    let name = path(memory, ptr, len)?;
    Ok(files::set_times_at(&host.meter, host.descriptors.dir(fd)?, name, u(flags) & 1 != 0, &times)?)
}
