//! Where this process's own groups are: what it is in and what is mounted, brought together.

use std::path::{Path, PathBuf};

use super::{
    limits::Resource,
    membership::{self, Membership},
    mounts::{self, Mount},
};

/// This process's own group in each hierarchy that is of use, as far as mounts reach it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hierarchies {
    pub(super) v2: Option<Place>,
    /// By the resource its controller bounds. Two may share a hierarchy.
    pub(super) v1: Vec<(Resource, Place)>,
}

/// A group, and how far up the mount shows its ancestors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the hierarchy is mounted; `own` lies in or below it.
    pub(super) top: PathBuf,
    pub(super) own: PathBuf,
}

impl Hierarchies {
    /// From the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`. Of several mounts that show a group, the one is taken
    /// that can be written, then the latest, which may lie over others; and only if `reached` finds the group there.
    pub(super) fn find(cgroup: &str, mountinfo: &str, reached: &dyn Fn(&Path) -> bool) -> Self {
        let mut mounts = mounts::parse(mountinfo);
        mounts.reverse();
        mounts.sort_by_key(|mount| !mount.writable);
        let memberships = membership::parse(cgroup);
        let find = |own: &dyn Fn(&Membership<'_>) -> bool, shows: &dyn Fn(&Mount<'_>) -> bool| {
            let own = memberships.iter().find(|membership| own(membership))?;
            let mut places = mounts.iter().filter(|mount| shows(mount)).filter_map(|mount| place(mount, own.path));
            places.find(|place| reached(&place.own))
        };
        let v1 = Resource::ALL.into_iter().filter_map(|resource| {
            let name = resource.controller();
            let shows = |mount: &Mount<'_>| mount.controllers.as_ref().is_some_and(|controllers| controllers.contains(&name));
            Some((resource, find(&|membership| membership.controllers.contains(&name), &shows)?))
        });
        Self { v2: find(&|membership| membership.controllers.is_empty(), &|mount| mount.controllers.is_none()), v1: v1.collect() }
    }

    /// This process's, now. Nothing where `/proc` cannot be read.
    pub(super) fn of_this_process() -> Self {
        let read = |path: &str| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let reached = |own: &Path| own.join("cgroup.procs").exists();
        Self::find(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"), &reached)
    }
}

/// Where the group at `path` of a hierarchy is below a mount of it, if it is.
fn place(mount: &Mount<'_>, path: &str) -> Option<Place> {
    let below = Path::new(path).strip_prefix(&mount.root).ok()?;
    // What begins with `/..` lies outside of the cgroup namespace: below a mount made there it would be another group.
    if below.components().any(|part| part == std::path::Component::ParentDir) {
        return None;
    }
    let top = PathBuf::from(&mount.point);
    let own = if below.as_os_str().is_empty() { top.clone() } else { top.join(below) };
    Some(Place { top, own })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_groups_are_found() {
        let check = |cgroup: &str, mountinfo: &str, expect: &[(&str, &str, &str)]| {
            let Hierarchies { v2, v1 } = Hierarchies::find(cgroup, mountinfo, &|own| !own.starts_with("/hidden"));
            let found =
                v2.iter().map(|place| ("v2", place)).chain(v1.iter().map(|(resource, place)| (resource.controller(), place)));
            let found: Vec<_> =
                found.map(|(name, p)| (name, p.top.to_str().expect("text"), p.own.to_str().expect("text"))).collect();
            assert_eq!(found, expect, "{cgroup} in {mountinfo}");
        };
        // v2 alone, hybrid, v1 alone with controllers that share a hierarchy.
        let v2 = "9 1 0:3 / /c rw shared:1 - cgroup2 cgroup2 rw,nsdelegate\n";
        check("0::/a.slice/b\n", v2, &[("v2", "/c", "/c/a.slice/b")]);
        let hybrid = "1 0 0:1 / /u rw - cgroup2 c rw\n2 0 0:2 / /m rw - cgroup c rw,memory\n3 0 0:3 / /p rw - cgroup c rw,pids\n";
        check("4:memory:/x/y\n3:pids:/\n0::/\n", hybrid, &[("v2", "/u", "/u"), ("memory", "/m", "/m/x/y"), ("pids", "/p", "/p")]);
        let v1 = "1 0 0:1 / /c/cpu,cpuacct rw - cgroup c rw,cpu,cpuacct\n2 0 0:2 / /c/name rw - cgroup c rw,name=systemd\n";
        check("2:cpu,cpuacct:/a\n1:name=systemd:/a\n0::/\n", v1, &[("cpu", "/c/cpu,cpuacct", "/c/cpu,cpuacct/a")]);
        // A container: only its own part is mounted; and with a cgroup namespace, where that part is called `/`.
        check("0::/docker/ab/x\n", "1 0 0:1 /docker/ab /c rw - cgroup2 c rw", &[("v2", "/c", "/c/x")]);
        check("0::/docker/ab\n", "1 0 0:1 /docker/ab /c rw - cgroup2 c rw", &[("v2", "/c", "/c")]);
        check("0::/docker/abc\n", "1 0 0:1 /docker/ab /c rw - cgroup2 c rw", &[]);
        check("0::/../other\n", v2, &[]);
        check("0::/\n", "1 0 0:1 /.. /c rw - cgroup2 c rw", &[]);
        // Odd mounts: with a space, twice, read-only, hidden by another, none.
        check("0::/a\n", r"1 0 0:1 / /my\040c rw - cgroup2 c rw", &[("v2", "/my c", "/my c/a")]);
        check("0::/a\n", "1 0 0:1 / /c rw - cgroup2 c rw\n2 0 0:1 / /d rw - cgroup2 c rw", &[("v2", "/d", "/d/a")]);
        check("0::/a\n", "1 0 0:1 / /c rw - cgroup2 c rw\n2 0 0:1 / /d ro - cgroup2 c rw", &[("v2", "/c", "/c/a")]);
        check("0::/a\n", "1 0 0:1 / /c rw - cgroup2 c rw\n2 0 0:1 / /hidden rw - cgroup2 c rw", &[("v2", "/c", "/c/a")]);
        check("0::/a\n4:memory:/\n", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw", &[]);
        check("", "", &[]);
    }
}
