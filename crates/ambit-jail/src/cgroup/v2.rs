//! A group's share in the one hierarchy of v2.

use std::{fs::File, thread, time::Duration};

use super::{
    delegation::Parent,
    dir::{Dir, Made},
    group::Version,
    limits::{GroupLimits, Quota, Resource, or_max},
    usage::GroupUsage,
};
use crate::JailError;

/// How often it is asked whether a group is frozen, and how long between two times: half a second in all.
const ASKED: (u32, Duration) = (500, Duration::from_millis(1));

/// One directory, in which every controller is that its parent passes on.
#[derive(Debug)]
pub(super) struct V2 {
    dir: Dir,
    /// The directory, open: a child is made into it with `CLONE_INTO_CGROUP`.
    pub(super) fd: File,
    bounds: Vec<Resource>,
}

impl V2 {
    pub(super) fn make(parent: &Parent, name: &str) -> Result<Self, JailError> {
        let made = Made::child(&parent.dir, name)?;
        let fd = File::open(made.path()).map_err(|error| made.failed("open the control group", &error))?;
        Ok(Self { dir: made.keep(), fd, bounds: parent.enabled.clone() })
    }

    /// Stops everything in it where it is, or lets it go on, and waits until that is so.
    pub(super) fn freeze(&self, frozen: bool) -> Result<(), JailError> {
        self.dir.write("cgroup.freeze", if frozen { "1" } else { "0" })?;
        let (times, pause) = ASKED;
        for _ in 0..times {
            if self.dir.keyed("cgroup.events", "frozen") == Some(u64::from(frozen)) {
                return Ok(());
            }
            thread::sleep(pause);
        }
        let what = if frozen { "freeze the control group" } else { "thaw the control group" };
        Err(self.dir.failed(what, &std::io::ErrorKind::TimedOut.into()))
    }
}

impl Version for V2 {
    fn dirs(&self) -> impl Iterator<Item = &Dir> {
        std::iter::once(&self.dir)
    }

    fn bounds(&self, resource: Resource) -> bool {
        self.bounds.contains(&resource)
    }

    fn set(&self, limits: &GroupLimits) -> Result<(), JailError> {
        let GroupLimits { cpus, memory, pids } = limits;
        for resource in &self.bounds {
            match resource {
                Resource::Cpu => self.dir.write("cpu.max", &cpu_max(cpus.map(Quota::of)))?,
                Resource::Memory => {
                    // The whole group ends at once: what is left of a worker is of no use. No such file: no swap to go to.
                    self.dir.write("memory.oom.group", "1")?;
                    self.dir.write_if_there("memory.swap.max", if memory.is_some() { "0" } else { "max" })?;
                    self.dir.write("memory.max", &or_max(*memory, "max"))?;
                }
                Resource::Pids => self.dir.write("pids.max", &or_max(*pids, "max"))?,
            }
        }
        Ok(())
    }

    fn usage(&self) -> GroupUsage {
        GroupUsage {
            cpu_ns: self.dir.keyed("cpu.stat", "usage_usec").map(|micros| micros.saturating_mul(1000)),
            memory_now: self.dir.number("memory.current"),
            memory_peak: self.dir.number("memory.peak"),
            oom_kills: self.dir.keyed("memory.events", "oom_kill"),
        }
    }
}

fn cpu_max(quota: Option<Quota>) -> String {
    match quota {
        Some(Quota { quota, period }) => format!("{quota} {period}"),
        None => format!("max {}", Quota::PERIOD),
    }
}
