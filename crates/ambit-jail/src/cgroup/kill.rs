//! Killing everything in a group, also what is being forked meanwhile.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use rustix::{
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::dir::Dir;

/// How long new processes are looked for. Each pass takes some 10 µs a process.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends `SIGKILL` to everything in the group; does not wait for the end of it.
pub(super) fn kill(group: &Dir) -> io::Result<()> {
    if group.has("cgroup.kill") {
        return group.try_write("cgroup.kill", "1");
    }
    // Where tasks are counted none is let in any more, so that no fork outruns the passes; the limit is put back afterwards.
    let pids = group.read("pids.max").ok();
    if pids.is_some() {
        group.try_write("pids.max", "0")?;
    }
    let killed = one_by_one(group);
    if let Some(pids) = pids {
        group.try_write("pids.max", pids.trim_end())?;
    }
    killed
}

/// Passes over the processes until one finds nobody new: who has been sent the signal forks no more.
fn one_by_one(group: &Dir) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut told = BTreeSet::new();
    loop {
        let mut found = Vec::new();
        for pid in processes(group)?.difference(&told) {
            found.extend(open(*pid)?.map(|process| (*pid, process)));
        }
        if found.is_empty() {
            return Ok(());
        }
        // Whoever is still listed once it is held is the process that was listed, not a stranger that got its id since.
        let listed = processes(group)?;
        for (pid, process) in found.into_iter().filter(|(pid, _)| listed.contains(pid)) {
            match pidfd_send_signal(process, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => told.insert(pid),
                Err(error) => return Err(error.into()),
            };
        }
        if Instant::now() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// A hold on a process, unless it is gone.
fn open(pid: i32) -> io::Result<Option<OwnedFd>> {
    // The kernel shows 0 for a process of a PID namespace that is not below this one.
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("a process in it cannot be seen from this PID namespace"))?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        // `EINVAL` is a thread whose process has another id: its leader died since it was listed.
        Err(Errno::SRCH | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn processes(group: &Dir) -> io::Result<BTreeSet<i32>> {
    Ok(group.read("cgroup.procs")?.lines().filter_map(|line| line.parse().ok()).collect())
}
