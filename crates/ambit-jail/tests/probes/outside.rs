//! A probe outside any jail: a plain process of this program.

use std::{
    env,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitCode, Output, Stdio},
};

use rustix::mount::MountPropagationFlags;

use crate::{
    probe::{Came, Given, make},
    raw::call,
};

/// The variables by which a process learns what it is to attempt, and with what.
const PROBE: &str = "AMBIT_PROBE";
const WITH: &str = "AMBIT_PROBE_WITH";

/// Makes an attempt in a process without a jail.
pub(crate) fn outside(name: &str, with: &str) -> Came {
    came(&command(name, with).output().expect("start the attempt"))
}

/// The process that makes it.
pub(crate) fn command(name: &str, with: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.env(PROBE, name).env(WITH, with).stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// What came of it.
pub(crate) fn came(output: &Output) -> Came {
    match (output.status.signal(), output.status.code()) {
        (Some(signal), _) => Came::Killed(signal),
        (None, Some(0)) => Came::Said(String::from_utf8_lossy(&output.stdout).into_owned()),
        (None, code) => Came::Ended(code.unwrap_or(-1)),
    }
}

/// The attempt that this process is for.
pub(crate) fn asked_for() -> Option<String> {
    env::var(PROBE).ok()
}

/// Makes it.
pub(crate) fn be(name: &str) -> ExitCode {
    keep_from_the_machine();
    let given = Given { with: env::var(WITH).unwrap_or_default(), fds: Vec::new() };
    let said = make(name, &given);
    io::stdout().write_all(said.as_bytes()).expect("say how it went");
    ExitCode::SUCCESS
}

/// Root's attempts succeed here: what they mount or unmount must be this process's own. A process that may not have mounts of
/// its own may not mount either.
fn keep_from_the_machine() {
    if call(libc::SYS_unshare, [libc::CLONE_NEWNS as u64, 0, 0, 0, 0, 0]) < 0 {
        return;
    }
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).expect("what is mounted here stays here");
}
