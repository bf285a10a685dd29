//! Files of granted directories, as the WASI host asks for them. Which files those are is for Landlock and the mounts.
//!
//! Nothing here makes a device, a FIFO or a socket, changes an owner or a mode, or names a file by anything but a path.

use libc::{O_APPEND, O_NONBLOCK};

use super::{List, wire::LARGEFILE};
use crate::seccomp::rule::{Arg, Test, call};

pub(in crate::seccomp) const FILES: List = &[
    // Finding them.
    call!(SYS_openat2, "a path is opened beneath its directory, and nowhere else"),
    call!(SYS_openat, "a directory is opened anew to be listed").with(&[Arg::int(
        2,
        Test::Masked { mask: !LARGEFILE, value: (libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64 },
        "O_RDONLY, O_DIRECTORY, O_CLOEXEC",
    )]),
    call!(SYS_newfstatat, "each name of a listing is looked at"),
    call!(SYS_readlinkat, "a guest reads a link"),
    call!(SYS_getdents64, "a guest lists a directory"),
    // Contents.
    call!(SYS_lseek, "a guest asks or sets where it is in a file"),
    call!(SYS_pread64, "a guest reads at a place"),
    call!(SYS_pwritev, "a guest writes at a place"),
    call!(SYS_ftruncate, "a guest sets a file's size"),
    call!(SYS_fallocate, "a guest reserves room"),
    call!(SYS_fsync, "a guest waits until a file is stored"),
    call!(SYS_fdatasync, "a guest waits until a file's contents are stored"),
    call!(SYS_fadvise64, "a guest says how it will read"),
    call!(SYS_utimensat, "a guest sets a file's times"),
    // The one flag that a guest may change on a file of its own; the host's files never block.
    call!(SYS_fcntl, "a guest turns appending on or off").with(&[
        Arg::int(1, Test::Is(libc::F_SETFL as u64), "F_SETFL"),
        Arg::long(
            2,
            Test::Masked { mask: !(O_APPEND as u64 | LARGEFILE), value: O_NONBLOCK as u64 },
            "O_NONBLOCK, with or without O_APPEND",
        ),
    ]),
    // Names.
    call!(SYS_mkdirat, "a guest makes a directory"),
    call!(SYS_unlinkat, "a guest removes a file or directory"),
    call!(SYS_renameat, "a guest renames"),
    call!(SYS_linkat, "a guest makes a hard link"),
    call!(SYS_symlinkat, "a guest makes a symbolic link"),
];
