//! What files are, in the words of preview 2.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustix::fs::{Advice, FileType, OFlags, Stat};
use wasmtime_wasi::p2::{
    FsError,
    bindings::{
        clocks::wall_clock::Datetime,
        filesystem::types::{
            self, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
        },
    },
};

use crate::host::{
    Errno,
    files::{NewTime, Request},
};

impl From<Errno> for FsError {
    fn from(errno: Errno) -> Self {
        code(errno).into()
    }
}

/// An error of the host's as preview 2 has it, which knows fewer.
pub(super) fn code(errno: Errno) -> ErrorCode {
    match errno {
        Errno::Acces => ErrorCode::Access,
        Errno::Again => ErrorCode::WouldBlock,
        Errno::Badf | Errno::Notsock => ErrorCode::BadDescriptor,
        Errno::Busy => ErrorCode::Busy,
        Errno::Dquot | Errno::Mfile => ErrorCode::Quota,
        Errno::Exist => ErrorCode::Exist,
        Errno::Fbig => ErrorCode::FileTooLarge,
        Errno::Ilseq => ErrorCode::IllegalByteSequence,
        Errno::Intr => ErrorCode::Interrupted,
        Errno::Inval | Errno::Fault => ErrorCode::Invalid,
        Errno::Io => ErrorCode::Io,
        Errno::Isdir => ErrorCode::IsDirectory,
        Errno::Loop => ErrorCode::Loop,
        Errno::Mlink => ErrorCode::TooManyLinks,
        Errno::NameTooLong => ErrorCode::NameTooLong,
        Errno::Nodev => ErrorCode::NoDevice,
        Errno::Noent => ErrorCode::NoEntry,
        Errno::Nomem => ErrorCode::InsufficientMemory,
        Errno::Nospc => ErrorCode::InsufficientSpace,
        Errno::Nosys | Errno::Notsup => ErrorCode::Unsupported,
        Errno::Notdir => ErrorCode::NotDirectory,
        Errno::Notempty => ErrorCode::NotEmpty,
        Errno::Notty => ErrorCode::NoTty,
        Errno::Nxio => ErrorCode::NoSuchDevice,
        Errno::Overflow | Errno::Range | Errno::TooBig => ErrorCode::Overflow,
        Errno::Perm | Errno::Notcapable => ErrorCode::NotPermitted,
        Errno::Pipe => ErrorCode::Pipe,
        Errno::Rofs => ErrorCode::ReadOnly,
        Errno::Spipe => ErrorCode::InvalidSeek,
        Errno::Txtbsy => ErrorCode::TextFileBusy,
    }
}

/// Whether a link is followed.
pub(super) fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

/// What is asked of an open.
pub(super) fn request(path: PathFlags, open: OpenFlags, flags: DescriptorFlags) -> Result<Request, ErrorCode> {
    let directory = open.contains(OpenFlags::DIRECTORY);
    if directory && open.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE) {
        return Err(ErrorCode::Invalid);
    }
    let write = flags.contains(DescriptorFlags::WRITE);
    let sync = if flags.contains(DescriptorFlags::FILE_INTEGRITY_SYNC) {
        OFlags::SYNC
    } else if flags.intersects(DescriptorFlags::DATA_INTEGRITY_SYNC | DescriptorFlags::REQUESTED_WRITE_SYNC) {
        OFlags::DSYNC
    } else {
        OFlags::empty()
    };
    // Whether a directory may be changed is the grant's to say: `mutate-directory` asks for nothing.
    Ok(Request {
        follow: follows(path),
        create: open.contains(OpenFlags::CREATE),
        directory,
        exclusive: open.contains(OpenFlags::EXCLUSIVE),
        truncate: open.contains(OpenFlags::TRUNCATE),
        read: flags.contains(DescriptorFlags::READ) || !write,
        write,
        append: false,
        sync,
    })
}

/// The flags that a file was opened with for writing through.
pub(super) fn sync_flags(sync: OFlags) -> DescriptorFlags {
    if sync.contains(OFlags::SYNC) {
        DescriptorFlags::FILE_INTEGRITY_SYNC
    } else if sync.contains(OFlags::DSYNC) {
        DescriptorFlags::DATA_INTEGRITY_SYNC
    } else {
        DescriptorFlags::empty()
    }
}

/// A time to be set.
pub(super) fn new_time(time: NewTimestamp) -> NewTime {
    match time {
        NewTimestamp::NoChange => NewTime::Keep,
        NewTimestamp::Now => NewTime::Now,
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) => NewTime::At { seconds, nanoseconds },
    }
}

/// The kernel's word for an advice.
pub(super) fn advice(advice: types::Advice) -> Advice {
    match advice {
        types::Advice::Normal => Advice::Normal,
        types::Advice::Sequential => Advice::Sequential,
        types::Advice::Random => Advice::Random,
        types::Advice::WillNeed => Advice::WillNeed,
        types::Advice::DontNeed => Advice::DontNeed,
        types::Advice::NoReuse => Advice::NoReuse,
    }
}

/// A file's type.
pub(super) fn kind(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

/// What the kernel says of a file. Times before 1970 cannot be told.
pub(super) fn described(stat: &Stat) -> DescriptorStat {
    let time = |seconds: i64, nanos: u64| {
        Some(Datetime { seconds: u64::try_from(seconds).ok()?, nanoseconds: u32::try_from(nanos).ok()? })
    };
    DescriptorStat {
        type_: kind(FileType::from_raw_mode(stat.st_mode)),
        link_count: stat.st_nlink,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        data_access_timestamp: time(stat.st_atime, stat.st_atime_nsec),
        data_modification_timestamp: time(stat.st_mtime, stat.st_mtime_nsec),
        status_change_timestamp: time(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// The same for the same file, and for no other but by chance. It does not change with what is in the file.
pub(super) fn identity(stat: &Stat) -> MetadataHashValue {
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, stat.st_dev, stat.st_ino).hash(&mut hasher);
        hasher.finish()
    };
    MetadataHashValue { lower: hash(0), upper: hash(1) }
}
