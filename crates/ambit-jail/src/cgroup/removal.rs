//! Removing groups, whatever is left in them.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use super::{dir::Dir, kill::kill};

/// How long a group may take to empty: giving back 4 GiB of memory takes a process 0.2 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Removes the directories of a group. Kills what is in it, and waits for as long as [`PATIENCE`] for its end.
///
/// Never deletes what is in a directory: the files are the kernel's, and a group within would be somebody else's.
///
/// # Errors
/// The first directory that could not be removed, and why; those after it are still there.
pub(super) fn remove<'a>(mut dirs: impl Iterator<Item = &'a Dir>) -> Result<(), (&'a Dir, io::Error)> {
    let until = Instant::now() + PATIENCE;
    dirs.try_for_each(|dir| remove_one(dir, until).map_err(|error| (dir, error)))
}

fn remove_one(dir: &Dir, until: Instant) -> io::Result<()> {
    let mut pause = Duration::from_micros(50);
    loop {
        match dir.remove() {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until => {}
            removed => return removed,
        }
        // Each time: somebody may have joined since. If it fails, the group stays busy, and that is said.
        let _ = kill(dir);
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}
