//! All of it once more, as a user without rights.

use std::{
    env, fs,
    io::{ErrorKind, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
    thread,
    time::Duration,
};

use ambit_jail::NOBODY;

use crate::{
    Test,
    skip::{is_root, skip},
};

pub(crate) const TESTS: &[Test] = &[("the_same_as_nobody", the_same_as_nobody)];

fn the_same_as_nobody() {
    if !is_root() {
        return;
    }
    // Where this program is, and where it writes what it skips, need not be open to others.
    let dir = tempfile::tempdir().expect("a directory");
    let (program, skipped) = (dir.path().join("probes"), dir.path().join("skipped"));
    fs::copy(env::current_exe().expect("this program"), &program).expect("a copy");
    fs::write(&skipped, "").expect("a file");
    for (path, mode) in [(dir.path(), 0o755), (&program, 0o755), (&skipped, 0o666)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("open to all");
    }
    // Root's supplementary groups go with the user.
    let mut command = Command::new(program);
    command.uid(NOBODY).gid(NOBODY).current_dir("/").env("AMBIT_SKIPPED", &skipped);
    // A child that another test makes at this moment may still have the copy open for writing.
    let output = loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::sleep(Duration::from_millis(10)),
            output => break output.expect("started"),
        }
    };
    for line in fs::read_to_string(skipped).unwrap_or_default().lines() {
        skip("as nobody", line.trim_start_matches("SKIPPED: "));
    }
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout).and_then(|()| std::io::stderr().write_all(&output.stderr)).expect("said");
        panic!("as nobody it is otherwise");
    }
}
