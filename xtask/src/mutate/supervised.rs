//! A command that may hang, or be interrupted.

use std::{
    fs::File,
    io::{Read, Seek},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// How a command ended, with what it printed.
#[derive(Debug)]
pub(super) enum Ended {
    Passed(String),
    Failed(String),
    TookTooLong,
}

/// Runs a command for at most `limit`, and for as long as `stop` is not set. If it is ended, so is all that it started.
///
/// # Errors
/// It cannot be run, or `stop` was set.
pub(super) fn run(mut command: Command, limit: Duration, stop: &AtomicBool) -> anyhow::Result<Ended> {
    let mut output = anonymous_file().context("cannot make a temporary file")?;
    command.stdout(output.try_clone()?).stderr(output.try_clone()?);
    // A group of its own, so that the tests it starts can be ended with it; Ctrl-C then reaches only us.
    let mut group = Group(command.process_group(0).spawn().with_context(|| format!("cannot run {command:?}"))?);
    let until = Instant::now() + limit;
    let status = loop {
        if let Some(status) = group.0.try_wait()? {
            break status;
        }
        if stop.load(Relaxed) {
            bail!("interrupted");
        }
        if Instant::now() >= until {
            return Ok(Ended::TookTooLong);
        }
        thread::sleep(Duration::from_millis(20));
    };
    let mut text = Vec::new();
    output.rewind()?;
    output.read_to_end(&mut text)?;
    Ok(ended(status, String::from_utf8_lossy(&text).into_owned()))
}

fn ended(status: ExitStatus, output: String) -> Ended {
    if status.success() { Ended::Passed(output) } else { Ended::Failed(output) }
}

/// A file without a name, so that a command that prints much does not wait for us.
fn anonymous_file() -> anyhow::Result<File> {
    Ok(rustix::fs::memfd_create("output", rustix::fs::MemfdFlags::CLOEXEC)?.into())
}

/// A child and all it started; dropping it ends them, unless it has ended of itself.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // It can only fail if nobody is left, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration, stop: bool) -> anyhow::Result<Ended> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, limit, &AtomicBool::new(stop))
    }

    #[test]
    fn commands_end() {
        let long = Duration::from_secs(60);
        assert!(matches!(sh("echo a; echo b >&2", long, false), Ok(Ended::Passed(text)) if text == "a\nb\n"));
        assert!(matches!(sh("echo a; exit 3", long, false), Ok(Ended::Failed(text)) if text == "a\n"));
        let began = Instant::now();
        assert!(matches!(sh("sleep 50 & sleep 50", Duration::from_millis(50), false), Ok(Ended::TookTooLong)));
        assert!(sh("sleep 50", long, true).is_err_and(|error| error.to_string() == "interrupted"));
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
