//! jail-006: what `/proc`, `/sys` and `/dev` tell.

use std::{env, ffi::CString, fs};

use ambit_jail::Purpose;

use crate::{
    Test,
    jail::{Jail, Stage},
    probe::{Attempt, Came, Expect, Given, Probes, check, expect},
    raw::{call, ptr},
    skip::skip,
};

pub(crate) const TESTS: &[Test] =
    &[("jail_006_no_file_is_there", no_file_is_there), ("jail_006_the_root_is_empty", the_root_is_empty)];

pub(crate) const PROBES: Probes = &[("open", Attempt::Call(open)), ("list /", Attempt::Look(list))];

/// Opens as the one rule has it of the lists of those that have threads.
fn open(given: &Given) -> i64 {
    let path = CString::new(given.with.clone()).expect("a path");
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as u64;
    let file = call(libc::SYS_openat, [libc::AT_FDCWD as u64, path.as_ptr() as u64, flags, 0, 0, 0]);
    if file < 0 { file } else { call(libc::SYS_read, [file.cast_unsigned(), ptr(&mut [0_u8; 64]), 64, 0, 0, 0]).min(0) }
}

fn list(_: &Given) -> String {
    match fs::read_dir("/") {
        Ok(entries) => entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn no_file_is_there() {
    let program = env::current_exe().expect("this program");
    let paths = [
        "/proc/1/environ",
        "/proc/1/maps",
        "/proc/self/environ",
        "/proc/self/maps",
        "/proc/self/fd/0",
        "/proc/version",
        "/proc/kcore",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/memory/cgroup.procs",
        "/dev/mem",
        "/dev/null",
        "/dev/tty",
        "/dev/kmsg",
        "/etc/passwd",
        "/tmp/.",
        program.to_str().expect("a plain name"),
    ];
    let tenant = Jail { purpose: Purpose::Tenant, ..Jail::new() };
    let mut there = 0;
    for path in paths {
        // What is not readable outside proves nothing inside.
        if fs::File::open(path).is_err() {
            skip("jail_006_no_file_is_there", &format!("`{path}` cannot be opened outside either"));
            continue;
        }
        there += 1;
        let nothing = Expect::Fails(&[libc::ENOENT]);
        check("open", path, Expect::Sigsys, nothing, Expect::Answered);
        expect("open", "with a list that has the call", nothing, || tenant.attempt("open", path));
    }
    assert!(there > 5, "too few of the paths are there outside");
}

fn the_root_is_empty() {
    let jail = Jail::new().at(Stage::Below);
    // Landlock does not even let it be listed.
    assert_eq!(jail.attempt("list /", ""), Came::said("PermissionDenied"));
}
