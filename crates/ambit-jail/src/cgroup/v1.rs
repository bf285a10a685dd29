//! A group's share in the hierarchies of v1: one directory for each controller, or for several that share a hierarchy.

use std::{fs::File, io::ErrorKind};

use super::{
    dir::{Dir, Made},
    group::Version,
    limits::{GroupLimits, Quota, Resource, or_max},
    usage::GroupUsage,
};
use crate::JailError;

/// Directories of the same name below this process's own groups. Empty where v1 bounds nothing.
#[derive(Debug, Default)]
pub(super) struct V1 {
    dirs: Vec<Dir>,
    /// The `cgroup.procs` of each, open for writing: opened here, since a child in its jail finds no files.
    pub(super) procs: Vec<File>,
    bounds: Vec<(Resource, Dir)>,
}

impl V1 {
    /// Makes directories below the parents of these resources, and no others: a child takes half a millisecond to join each.
    pub(super) fn make(parents: &[(Resource, Dir)], name: &str) -> Result<Self, JailError> {
        let mut made: Vec<Made> = Vec::new();
        let mut procs = Vec::new();
        let mut bounds = Vec::new();
        for (resource, parent) in parents {
            let dir = parent.child(name);
            if !made.iter().any(|made| **made == dir) {
                made.push(Made::child(parent, name)?);
                procs.push(dir.open("cgroup.procs").map_err(|error| dir.failed("open cgroup.procs of the control group", &error))?);
            }
            bounds.push((*resource, dir));
        }
        Ok(Self { dirs: made.into_iter().map(Made::keep).collect(), procs, bounds })
    }
}

impl Version for V1 {
    fn dirs(&self) -> impl Iterator<Item = &Dir> {
        self.dirs.iter()
    }

    fn bounds(&self, resource: Resource) -> bool {
        self.bounds.iter().any(|(bound, _)| *bound == resource)
    }

    fn set(&self, limits: &GroupLimits) -> Result<(), JailError> {
        let GroupLimits { cpus, memory, pids } = limits;
        for (resource, dir) in &self.bounds {
            match resource {
                Resource::Cpu => set_cpu(dir, cpus.map(Quota::of))?,
                Resource::Memory => set_memory(dir, *memory)?,
                Resource::Pids => dir.write("pids.max", &or_max(*pids, "max"))?,
            }
        }
        Ok(())
    }

    fn usage(&self) -> GroupUsage {
        let number = |file| self.dirs.iter().find_map(|dir| dir.number(file));
        GroupUsage {
            // There if it shares the hierarchy of `cpu`.
            cpu_ns: number("cpuacct.usage"),
            memory_now: number("memory.usage_in_bytes"),
            memory_peak: number("memory.max_usage_in_bytes"),
            oom_kills: self.dirs.iter().find_map(|dir| dir.keyed("memory.oom_control", "oom_kill")),
        }
    }
}

fn set_cpu(dir: &Dir, quota: Option<Quota>) -> Result<(), JailError> {
    let Some(Quota { quota, period }) = quota else { return dir.write("cpu.cfs_quota_us", "-1") };
    if dir.number("cpu.cfs_period_us") != Some(period) {
        // The old quota in the new period might be more than the parent has.
        dir.write("cpu.cfs_quota_us", "-1")?;
        dir.write("cpu.cfs_period_us", &period.to_string())?;
    }
    match dir.try_write("cpu.cfs_quota_us", &quota.to_string()) {
        // Quota and period are in the kernel's range, so it is more than the parent has: that is then the bound, and holds
        // for a group without one of its own.
        Err(error) if error.kind() == ErrorKind::InvalidInput => dir.write("cpu.cfs_quota_us", "-1"),
        written => written.map_err(|error| dir.failed_to_write("cpu.cfs_quota_us", &quota.to_string(), &error)),
    }
}

fn set_memory(dir: &Dir, memory: Option<u64>) -> Result<(), JailError> {
    const MEMORY: &str = "memory.limit_in_bytes";
    // Memory and swap together; only where the kernel counts swap.
    const WITH_SWAP: &str = "memory.memsw.limit_in_bytes";
    let value = or_max(memory, "-1");
    // The second is never to be less than the first, so that one leads upwards which follows downwards.
    let grows = memory.is_none_or(|memory| dir.number(WITH_SWAP).is_some_and(|now| memory > now));
    if grows {
        dir.write_if_there(WITH_SWAP, &value)?;
    }
    dir.write(MEMORY, &value)?;
    if !grows {
        dir.write_if_there(WITH_SWAP, &value)?;
    }
    dir.write_if_there("memory.swappiness", "0")?;
    // Inherited from a parent whose owner wants to look after it, this would let a group at its limit hang.
    if dir.keyed("memory.oom_control", "oom_kill_disable") == Some(1) {
        dir.write("memory.oom_control", "0")?;
    }
    Ok(())
}
