//! Control groups: what a worker may use, kept by the kernel, whatever the worker does.
//!
//! ```no_run
//! use ambit_core::Cpus;
//! use ambit_jail::cgroup::{Cgroups, GroupLimits};
//!
//! let cgroups = Cgroups::discover();
//! cgroups.sweep();
//! let limits = GroupLimits { cpus: Some(Cpus::from_milli(500)), memory: Some(64 << 20), pids: Some(8) };
//! let group = cgroups.create("worker-1", &limits)?;
//! // … a child joins it, runs, ends …
//! println!("{:?}", group.usage());
//! group.remove()?;
//! # Ok::<(), ambit_jail::JailError>(())
//! ```
//!
//! Hosts have v2, v1, or both at once; one [`Group`] is what they have. Groups are made below this process's own group, in v2
//! perhaps below an ancestor. They are named for their maker, process id and start time, so that those of a maker that crashed
//! are found and [swept](Cgroups::sweep).
//!
//! Not bounded: the number of open files, disk, network (others do that), and CPU caches and memory bandwidth (nobody does).

mod delegation;
mod dir;
mod group;
mod hierarchies;
mod kill;
mod limits;
mod maker;
mod membership;
mod mounts;
mod offers;
mod removal;
mod sweep;
mod usage;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use ambit_core::Layer;

pub use self::{
    group::Group,
    limits::GroupLimits,
    offers::{CgroupVersion, Offers},
    usage::GroupUsage,
};
use self::{hierarchies::Hierarchies, maker::Maker, offers::Proven};
use crate::JailError;

/// This host's hierarchies, as far as they are open to this process.
#[derive(Debug)]
pub struct Cgroups {
    hierarchies: Hierarchies,
    maker: Option<Maker>,
    /// Trying takes milliseconds and what comes out is the same each time, so it is kept.
    proven: OnceLock<Proven>,
}

impl Cgroups {
    /// Looks for this process's own groups. Never fails: where there is nothing, nothing is offered.
    pub fn discover() -> Self {
        Self::with(Hierarchies::of_this_process())
    }

    fn with(hierarchies: Hierarchies) -> Self {
        Self { hierarchies, maker: Maker::this(), proven: OnceLock::new() }
    }

    /// What groups can do here. The first time, groups are made and removed to find out; in v2, this process's own group, or an
    /// ancestor that was delegated, is told to pass its controllers on, and stays so.
    pub fn offers(&self) -> Offers {
        self.proven().offers.clone()
    }

    /// Makes a group for `limits`, only in the hierarchies these need. `name` is its own among those of this process: letters,
    /// digits, `-`, `_` and `.`, at most 64.
    ///
    /// # Errors
    /// A bound that [`Cgroups::offers`] does not offer; a name that is malformed or taken; whatever the kernel refuses. Nothing
    /// is left behind.
    pub fn create(&self, name: &str, limits: &GroupLimits) -> Result<Group, JailError> {
        let failed =
            |error: io::Error| JailError::new(Layer::Cgroup, format!("make a control group `{}`", name.escape_debug()), &error);
        let maker = self.maker.ok_or_else(|| failed(io::Error::other("/proc does not show this process")))?;
        if !is_name(name) {
            return Err(failed(io::Error::other("a name has letters, digits, `-`, `_` and `.`, and at most 64 of them")));
        }
        let proven = self.proven();
        let v1 = proven.v1_for(limits).map_err(|why| failed(io::Error::other(why)))?;
        Group::make(maker.group(name), proven.v2.as_ref(), &v1, limits)
    }

    /// Kills and removes the groups that makers left behind which are gone. Their number.
    pub fn sweep(&self) -> usize {
        let Proven { offers: _, v2, v1 } = self.proven();
        let mut parents: Vec<_> = v2.iter().map(|parent| &parent.dir).collect();
        for (_, dir) in v1 {
            if !parents.contains(&dir) {
                parents.push(dir);
            }
        }
        sweep::sweep(&parents)
    }

    fn proven(&self) -> &Proven {
        /// Several of these may be tried at once in one process.
        static PROBES: AtomicU32 = AtomicU32::new(0);
        self.proven.get_or_init(|| match &self.maker {
            Some(maker) => Proven::find(&self.hierarchies, &maker.group(&format!("probe{}", PROBES.fetch_add(1, Relaxed)))),
            None => Proven::find(&Hierarchies::default(), ""),
        })
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}
