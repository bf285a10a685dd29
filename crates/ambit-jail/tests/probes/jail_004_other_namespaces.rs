//! jail-004: mounting, other namespaces, and the ways out of a root.

use std::fs;

use rustix::fs::{CWD, Mode, OFlags};

use crate::{
    Test,
    probe::{Attempt, Expect, Given, Probes, check},
    raw::{self, call, ptr},
};

pub(crate) const TESTS: &[Test] =
    &[("jail_004_no_namespace_and_no_mount", no_namespace_and_no_mount), ("jail_004_the_root_is_not_left", the_root_is_not_left)];

pub(crate) const PROBES: Probes = &[
    ("mount", Attempt::Call(|_| call(libc::SYS_mount, [text(c"x"), text(c"/nowhere"), text(c"ramfs"), 0, 0, 0]))),
    ("fsopen", Attempt::Call(|_| call(libc::SYS_fsopen, [text(c"tmpfs"), 0, 0, 0, 0, 0]))),
    ("open_tree", Attempt::Call(|_| call(libc::SYS_open_tree, [low(libc::AT_FDCWD), text(c"/"), 1, 0, 0, 0]))),
    ("move_mount", Attempt::Call(|_| call(libc::SYS_move_mount, [u64::MAX, text(c""), u64::MAX, text(c""), 4, 0]))),
    ("umount2", Attempt::Call(|_| call(libc::SYS_umount2, [text(c"/nowhere"), 0, 0, 0, 0, 0]))),
    ("pivot_root", Attempt::Call(|_| call(libc::SYS_pivot_root, [text(c"/nowhere"), text(c"/nowhere"), 0, 0, 0, 0]))),
    ("unshare mounts", Attempt::Call(|_| call(libc::SYS_unshare, [libc::CLONE_NEWNS as u64, 0, 0, 0, 0, 0]))),
    ("unshare users", Attempt::Call(|_| call(libc::SYS_unshare, [libc::CLONE_NEWUSER as u64, 0, 0, 0, 0, 0]))),
    ("clone3 users", Attempt::Call(|_| clone3_users())),
    ("setns", Attempt::Call(|_| setns())),
    ("chroot", Attempt::Call(|_| call(libc::SYS_chroot, [text(c"/"), 0, 0, 0, 0, 0]))),
    ("open_by_handle_at", Attempt::Call(|_| by_handle())),
    ("walk out", Attempt::Look(walk_out)),
];

fn text(text: &std::ffi::CStr) -> u64 {
    text.as_ptr() as u64
}

fn low(value: i32) -> u64 {
    value.cast_unsigned().into()
}

fn clone3_users() -> i64 {
    let mut args = [libc::CLONE_NEWUSER as u64, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
    let size = size_of_val(&args) as u64;
    raw::fork(libc::SYS_clone3, [ptr(&mut args), size, 0, 0, 0, 0])
}

/// Into its own network namespace, for which one needs the same rights as for another's.
fn setns() -> i64 {
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as u64;
    let namespace = call(libc::SYS_openat, [low(libc::AT_FDCWD), text(c"/proc/self/ns/net"), flags, 0, 0, 0]);
    if namespace < 0 { namespace } else { call(libc::SYS_setns, [namespace.cast_unsigned(), 0, 0, 0, 0, 0]) }
}

/// A file by its inode number in whatever file system the working directory is in.
fn by_handle() -> i64 {
    let mut handle = [128_u32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let named = call(libc::SYS_name_to_handle_at, [low(libc::AT_FDCWD), text(c"/"), ptr(&mut handle), ptr(&mut 0_u32), 0, 0]);
    if named < 0 { named } else { call(libc::SYS_open_by_handle_at, [low(libc::AT_FDCWD), ptr(&mut handle), 0, 0, 0, 0]) }
}

/// The classic: a new root beneath the working directory, which is then outside of it, and up from there.
fn walk_out(given: &Given) -> String {
    let name = format!("ambit-{}", std::process::id());
    let start = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let made = fs::create_dir_all(std::env::temp_dir().join(&name));
    let chroot = rustix::process::chroot(std::env::temp_dir().join(&name));
    let _ = start.map(rustix::process::fchdir);
    for _ in 0..16 {
        let _ = rustix::process::chdir("..");
    }
    let _ = rustix::process::chroot(".");
    let _ = fs::remove_dir(std::env::temp_dir().join(&name));
    let marker = given.with.trim_start_matches('/');
    match rustix::fs::openat(CWD, marker, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(_) => "found".into(),
        Err(_) => format!("made {:?}, chroot {:?}: nothing", made.is_ok(), chroot.is_ok()),
    }
}

fn no_namespace_and_no_mount() {
    let refused = Expect::Fails(&[libc::EPERM, libc::EACCES, libc::ENOENT]);
    for name in ["fsopen", "open_tree", "unshare mounts", "chroot"] {
        check(name, "", Expect::Sigsys, refused, Expect::WentAsRoot);
    }
    for name in ["mount", "move_mount", "umount2", "pivot_root", "open_by_handle_at"] {
        check(name, "", Expect::Sigsys, Expect::Answered, Expect::Answered);
    }
    // There is nothing to open, nor a call to open it.
    check("setns", "", Expect::Sigsys, Expect::Fails(&[libc::ENOENT]), Expect::WentAsRoot);
    // A user namespace in the one it has is denied by the list alone. It would give rights over nothing but itself.
    for name in ["unshare users", "clone3 users"] {
        check(name, "", Expect::Sigsys, Expect::Untried, Expect::Went);
    }
}

fn the_root_is_not_left() {
    let marker = tempfile::NamedTempFile::new().expect("a file");
    let path = marker.path().to_str().expect("a plain name");
    check("walk out", path, Expect::Sigsys, Expect::Says("made false, chroot false: nothing"), Expect::Says("found"));
}
