//! What groups can do here: tried, not guessed.

use std::path::PathBuf;

use super::{
    delegation::{self, Parent},
    dir::{Dir, Made},
    hierarchies::Hierarchies,
    limits::{GroupLimits, Resource},
};

/// What groups can do for this process on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// CPU time can be bounded.
    pub cpu: bool,
    /// Memory can be bounded.
    pub memory: bool,
    /// The number of tasks can be bounded.
    pub pids: bool,
    /// Everything in a group can be killed: at once, or in v1 alone by looking for everybody until nobody is found.
    pub kill: bool,
    /// Everything in a group can be stopped where it is. Needs v2.
    pub freeze: bool,
    /// What is mounted.
    pub version: CgroupVersion,
    /// The group of v2 in which groups are made. If it is not this process's own but an ancestor, what bounds this process
    /// alone does not bound them.
    pub parent: Option<PathBuf>,
    /// Why something is not offered: what was tried, where, and what the kernel said.
    pub why: Option<String>,
}

/// Which versions of control groups a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupVersion {
    /// None that this process is in and that is mounted.
    None,
    /// v1: a hierarchy for each controller.
    V1,
    /// v2: one hierarchy for all.
    V2,
    /// Both: the controllers are in v1; v2 has none, but kills and freezes.
    Hybrid,
}

/// Where groups can be made, and what follows from it.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) offers: Offers,
    pub(super) v2: Option<Parent>,
    pub(super) v1: Vec<(Resource, Dir)>,
}

impl Proven {
    /// Makes a group named `probe` wherever groups might be made, and removes it.
    pub(super) fn find(hierarchies: &Hierarchies, probe: &str) -> Self {
        let mut why = Vec::new();
        let v2 = hierarchies.v2.as_ref().and_then(|place| {
            let in_v1 = |resource: &Resource| hierarchies.v1.iter().any(|(in_v1, _)| in_v1 == resource);
            let wanted: Vec<_> = Resource::ALL.into_iter().filter(|resource| !in_v1(resource)).collect();
            let (parent, refused) = delegation::find(place, &wanted, probe);
            why.extend(refused);
            parent
        });
        let (kill, freeze) = v2.as_ref().map_or((false, false), |parent| (parent.kill, parent.freeze));
        let v1: Vec<_> = hierarchies.v1.iter().map(|(resource, place)| (*resource, Dir::at(&place.own))).collect();
        let v1: Vec<_> = v1.into_iter().filter(|(resource, dir)| prove_v1(*resource, dir, probe, &mut why)).collect();
        let bounds = |resource| {
            let mut bound = v2.iter().flat_map(|parent| &parent.enabled).chain(v1.iter().map(|(resource, _)| resource));
            bound.any(|bound| *bound == resource)
        };
        let [cpu, memory, pids] = Resource::ALL.map(bounds);
        let version = match (&hierarchies.v2, hierarchies.v1.is_empty()) {
            (None, true) => CgroupVersion::None,
            (None, false) => CgroupVersion::V1,
            (Some(_), true) => CgroupVersion::V2,
            (Some(_), false) => CgroupVersion::Hybrid,
        };
        let kill = kill || !v1.is_empty();
        let why = if cpu && memory && pids && kill && freeze {
            None
        } else if why.is_empty() {
            Some(missing(version).to_owned())
        } else {
            Some(why.join("; "))
        };
        let parent = v2.as_ref().map(|parent| parent.dir.path().to_owned());
        Self { offers: Offers { cpu, memory, pids, kill, freeze, version, parent, why }, v2, v1 }
    }

    /// The parents in v1 that a group for `limits` takes, beside that of v2; or why nothing can keep them.
    pub(super) fn v1_for(&self, limits: &GroupLimits) -> Result<Vec<(Resource, Dir)>, String> {
        let why = || self.offers.why.as_deref().unwrap_or("this host has no controller for it");
        let mut parents = Vec::new();
        for resource in Resource::ALL.into_iter().filter(|resource| limits.bound(*resource)) {
            if self.v2.as_ref().is_some_and(|v2| v2.enabled.contains(&resource)) {
                continue;
            }
            let parent = self.v1.iter().find(|(bounds, _)| *bounds == resource);
            parents.push(parent.cloned().ok_or_else(|| format!("{} cannot be bounded: {}", resource.controller(), why()))?);
        }
        if self.v2.is_none() && parents.is_empty() {
            // Bounded or not, a group is something that can be killed.
            parents.push(self.v1.first().cloned().ok_or_else(why)?);
        }
        Ok(parents)
    }
}

/// Why something is not offered where nothing failed.
fn missing(version: CgroupVersion) -> &'static str {
    match version {
        CgroupVersion::None => "no hierarchy of control groups is mounted that shows the group of this process",
        CgroupVersion::V1 => "freezing takes v2, and there is v1 alone; or v1 lacks a controller",
        CgroupVersion::V2 | CgroupVersion::Hybrid => "this kernel has no cgroup.kill or no cgroup.freeze",
    }
}

/// Whether a group below `dir` can be made and told a bound.
fn prove_v1(resource: Resource, dir: &Dir, probe: &str, why: &mut Vec<String>) -> bool {
    let file = match resource {
        Resource::Cpu => "cpu.cfs_quota_us",
        Resource::Memory => "memory.limit_in_bytes",
        Resource::Pids => "pids.max",
    };
    let proven = Made::probe(dir, probe)
        .and_then(|made| made.open(file).map_err(|error| dir.failed(&format!("open {file} of control groups in"), &error)));
    proven.map_err(|error| why.push(error.to_string())).is_ok()
}
