//! Descriptors themselves.

use rustix::fs::{Advice, OFlags, SeekFrom};

use super::{Errno, GuestMemory, Host, Now, field, u};
use crate::host::descriptor::Descriptor;

/// Rights, as numbered by preview 1. They tell programs what will work; what is allowed is decided elsewhere.
pub(super) mod rights {
    pub(in super::super) const FD_DATASYNC: u64 = 1;
    pub(in super::super) const FD_READ: u64 = 1 << 1;
    pub(in super::super) const FD_WRITE: u64 = 1 << 6;
    pub(in super::super) const FD_ALLOCATE: u64 = 1 << 8;
    pub(in super::super) const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
    /// Every right of a file.
    pub(in super::super) const FILE: u64 = 0x08e0_01ff;
    /// Rights of a file that only reads.
    pub(in super::super) const READS: u64 = FILE & !(FD_DATASYNC | FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE);
    /// Rights of a stream.
    pub(in super::super) const POLL: u64 = 1 << 27;
    /// Every right of a directory, and of a directory that cannot be changed.
    pub(in super::super) const DIR: u64 = 0x0fbf_fe98;
    pub(in super::super) const DIR_READS: u64 =
        (1 << 3) | (1 << 4) | (1 << 7) | (1 << 13) | (1 << 14) | (1 << 15) | (1 << 18) | (1 << 21) | POLL;
}

pub(super) const APPEND: u16 = 1;
pub(super) const DSYNC: u16 = 1 << 1;
pub(super) const NONBLOCK: u16 = 1 << 2;
pub(super) const RSYNC: u16 = 1 << 3;
pub(super) const SYNC: u16 = 1 << 4;

/// File types, as numbered by preview 1.
pub(super) const CHARACTER_DEVICE: u8 = 2;
pub(super) const DIRECTORY: u8 = 3;
pub(super) const REGULAR_FILE: u8 = 4;
pub(super) const UNKNOWN: u8 = 0;

/// `fd_fdstat_get`: type, flags and rights.
///
/// # Errors
/// The descriptor is not open, or an address lies outside memory.
pub fn fd_fdstat_get(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, out: i32) -> Now {
    let terminal = |is_terminal| if is_terminal { CHARACTER_DEVICE } else { UNKNOWN };
    let (kind, flags, base, inheriting) = match host.descriptors.get(fd)? {
        Descriptor::Stdin => (terminal(host.stdin.is_terminal()), 0, rights::FD_READ | rights::POLL, 0),
        Descriptor::Stdout => (terminal(host.stdout.is_terminal()), 0, rights::FD_WRITE | rights::POLL, 0),
        Descriptor::Stderr => (terminal(host.stderr.is_terminal()), 0, rights::FD_WRITE | rights::POLL, 0),
        Descriptor::File(file) => {
            let base = if file.write { rights::FILE } else { rights::READS };
            (REGULAR_FILE, if file.append { APPEND } else { 0 }, base, 0)
        }
        Descriptor::Dir(dir) => {
            let base = if crate::host::writable(dir.mount.access) { rights::DIR } else { rights::DIR_READS };
            // What may be asked of `path_open`, refused or not. C's library asks for no right that is not here: it would open
            // for reading what is to be written, and the write would be what fails.
            (DIRECTORY, 0, base, rights::DIR | rights::FILE)
        }
    };
    let mut stat = [0; 24];
    stat[0] = kind;
    stat[2..4].copy_from_slice(&flags.to_le_bytes());
    stat[8..16].copy_from_slice(&base.to_le_bytes());
    stat[16..].copy_from_slice(&inheriting.to_le_bytes());
    Ok(memory.write(u(out), &stat)?)
}

/// `fd_fdstat_set_flags`: append mode of a file; other flags cannot be changed once it is open.
///
/// # Errors
/// The descriptor is no file, or a flag is unknown.
pub fn fd_fdstat_set_flags(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, flags: i32) -> Now {
    let flags = u16::try_from(flags).map_err(|_| Errno::Inval)?;
    if flags & !(APPEND | NONBLOCK) != 0 {
        return Err(Errno::Notsup.into());
    }
    let Descriptor::File(file) = host.descriptors.get_mut(fd)? else { return Err(Errno::Badf.into()) };
    let append = flags & APPEND != 0;
    let set = if append { OFlags::APPEND } else { OFlags::empty() };
    rustix::fs::fcntl_setfl(&file.fd, set | OFlags::NONBLOCK).map_err(Errno::from)?;
    file.append = append;
    Ok(())
}

/// `fd_fdstat_set_rights`: rights decide nothing here, and cannot be given back.
///
/// # Errors
/// Always [`Errno::Notsup`], as other hosts.
pub fn fd_fdstat_set_rights(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, _base: i64, _inheriting: i64) -> Now {
    host.descriptors.get(fd)?;
    Err(Errno::Notsup.into())
}

/// `fd_prestat_get`: the length of a preopened directory's path.
///
/// # Errors
/// The descriptor is no preopened directory, or an address lies outside memory.
pub fn fd_prestat_get(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, out: i32) -> Now {
    let len = preopened(host, fd)?.len();
    memory.write_u32(u(out), 0)?;
    Ok(memory.write_size(field(u(out), 4)?, len)?)
}

/// `fd_prestat_dir_name`: a preopened directory's path.
///
/// # Errors
/// The descriptor is no preopened directory, or the buffer is too small or lies outside memory.
pub fn fd_prestat_dir_name(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, path: i32, path_len: i32) -> Now {
    let name = preopened(host, fd)?;
    if name.len() > u(path_len) as usize {
        return Err(Errno::NameTooLong.into());
    }
    Ok(memory.write(u(path), name.as_bytes())?)
}

fn preopened(host: &Host, fd: i32) -> Result<&str, Errno> {
    match host.descriptors.get(fd)? {
        Descriptor::Dir(dir) if dir.slot.is_none() => Ok(&dir.mount.guest),
        _ => Err(Errno::Badf),
    }
}

/// `fd_close`.
///
/// # Errors
/// The descriptor is not open.
pub fn fd_close(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32) -> Now {
    Ok(host.close_descriptor(fd)?)
}

/// `fd_renumber`: moves one open descriptor over another.
///
/// # Errors
/// One of them is not open.
pub fn fd_renumber(host: &mut Host, _memory: &mut GuestMemory<'_>, from: i32, to: i32) -> Now {
    Ok(host.renumber_descriptor(from, to)?)
}

/// `fd_seek`: moves a file's position.
///
/// # Errors
/// The descriptor is no file, or the position would be negative.
pub fn fd_seek(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, offset: i64, whence: i32, out: i32) -> Now {
    let from = match whence {
        0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
        1 => SeekFrom::Current(offset),
        2 => SeekFrom::End(offset),
        _ => return Err(Errno::Inval.into()),
    };
    let position = seek(host, fd, from)?;
    Ok(memory.write_u64(u(out), position)?)
}

/// `fd_tell`: a file's position.
///
/// # Errors
/// The descriptor is no file.
pub fn fd_tell(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32, out: i32) -> Now {
    let position = seek(host, fd, SeekFrom::Current(0))?;
    Ok(memory.write_u64(u(out), position)?)
}

fn seek(host: &Host, fd: i32, from: SeekFrom) -> Result<u64, Errno> {
    match host.descriptors.get(fd)? {
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Spipe),
        Descriptor::File(_) | Descriptor::Dir(_) => Ok(rustix::fs::seek(&host.descriptors.file(fd)?.fd, from)?),
    }
}

/// `fd_advise`: passes advice on.
///
/// # Errors
/// The descriptor is no file, or the advice is unknown.
pub fn fd_advise(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, offset: i64, len: i64, advice: i32) -> Now {
    let advice = match advice {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::Inval.into()),
    };
    let (offset, len) = (u64::try_from(offset), u64::try_from(len));
    let (Ok(offset), Ok(len)) = (offset, len) else { return Err(Errno::Inval.into()) };
    let file = host.descriptors.file(fd)?;
    Ok(rustix::fs::fadvise(&file.fd, offset, len.try_into().ok(), advice).map_err(Errno::from)?)
}

/// `fd_allocate`: reserves space, charged like writing it.
///
/// # Errors
/// The descriptor is not open for writing, or a quota is used up.
pub fn fd_allocate(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32, offset: i64, len: i64) -> Now {
    let (offset, len) = (u64::try_from(offset), u64::try_from(len));
    let (Ok(offset), Ok(len)) = (offset, len) else { return Err(Errno::Inval.into()) };
    Ok(host.descriptors.file(fd)?.allocate(&host.meter, offset, len)?)
}

/// `fd_sync`.
///
/// # Errors
/// The descriptor is no file or directory, or the disk fails.
pub fn fd_sync(host: &mut Host, _memory: &mut GuestMemory<'_>, fd: i32) -> Now {
    match host.descriptors.get(fd)? {
        Descriptor::File(file) => Ok(rustix::fs::fsync(&file.fd).map_err(Errno::from)?),
        Descriptor::Dir(_) => Ok(()),
        Descriptor::Stdin | Descriptor::Stdout | Descriptor::Stderr => Err(Errno::Inval.into()),
    }
}

/// `fd_datasync`.
///
/// # Errors
/// As [`fd_sync`].
pub fn fd_datasync(host: &mut Host, memory: &mut GuestMemory<'_>, fd: i32) -> Now {
    match host.descriptors.get(fd)? {
        Descriptor::File(file) => Ok(rustix::fs::fdatasync(&file.fd).map_err(Errno::from)?),
        _ => fd_sync(host, memory, fd),
    }
}
