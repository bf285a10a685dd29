//! Where groups of v2 are made.

use std::{fs, process::Command};

use rustix::fs::XattrFlags;

use super::{
    super::{CgroupVersion, GroupLimits, Offers, delegation, hierarchies::Place, limits::Resource, removal},
    joined, offering,
};

/// Directories and files stand in for groups, since only one arrangement is this host's.
#[test]
fn the_nearest_group_that_passes_most_on_is_found() {
    // What `top`, `top/middle` and `top/middle/own` pass on, where groups are made, and what these bound. Own ones cannot be
    // told to pass on more: what is written to a file is no list of controllers.
    let check = |passes: [&str; 3], expect: &str, bounds: &[Resource]| {
        let scratch = tempfile::tempdir().expect("a directory");
        let top = scratch.path().join("top");
        let own = top.join("middle/own");
        fs::create_dir_all(&own).expect("made");
        for (group, passes) in [&top, &top.join("middle"), &own].into_iter().zip(passes) {
            fs::write(group.join("cgroup.controllers"), "cpuset cpu io memory pids").expect("written");
            fs::write(group.join("cgroup.subtree_control"), passes).expect("written");
        }
        let (parent, _) = delegation::find(&Place { top: top.clone(), own }, &Resource::ALL, "probe");
        let parent = parent.expect("directories can be made");
        assert_eq!(parent.dir.path(), scratch.path().join(expect), "{passes:?}");
        assert_eq!(parent.enabled, bounds, "{passes:?}");
        assert_eq!(
            fs::read_dir(parent.dir.path())
                .expect("there")
                .filter(|entry| entry.as_ref().is_ok_and(|e| e.file_name() == "probe"))
                .count(),
            0
        );
    };
    let all = &Resource::ALL[..];
    check(["cpu memory pids"; 3], "top/middle/own", all);
    check(["cpu memory pids", "pids memory io cpu", ""], "top/middle", all);
    check(["cpu memory pids", "memory pids", ""], "top", all);
    check(["memory pids", "memory pids", "pids"], "top/middle", &[Resource::Memory, Resource::Pids]);
    check(["cpuset", "io", ""], "top/middle/own", &[]);
}

#[test]
fn only_what_is_empty_and_delegated_is_changed() {
    let needs = |offers: &Offers| offers.version == CgroupVersion::V2 && offers.cpu && offers.memory && offers.pids;
    for cgroups in offering("only_what_is_empty_and_delegated_is_changed", needs) {
        let group = cgroups.create("outer", &GroupLimits::default()).expect("it can be made");
        let outer = group.dirs().next().expect("that of v2").clone();
        let own = outer.child("own");
        own.make().expect("it can be made");
        let script = format!("echo 0 > {}/cgroup.procs && echo joined; exec sleep 60", own.path().display());
        let (mut child, _output) = joined(Command::new("sh").arg("-c").arg(script));
        outer.write("cgroup.subtree_control", "+cpu").expect("nobody is in it");

        let place = Place { top: outer.path().to_owned(), own: own.path().to_owned() };
        let (parent, why) = delegation::find(&place, &Resource::ALL, "probe");
        let parent = parent.expect("one that bounds CPU time");
        assert_eq!((&parent.dir, &parent.enabled[..]), (&outer, &[Resource::Cpu][..]));
        let why = why.expect("it bounds nothing else");
        assert!(why.contains("passes on memory, pids") && why.contains("processes are in the group itself"), "{why}");
        assert_eq!(own.read("cgroup.type").expect("there"), "domain\n", "and not one for threads");

        rustix::fs::setxattr(outer.path(), "user.delegate", b"1", XattrFlags::empty()).expect("groups have attributes");
        let (parent, why) = delegation::find(&place, &Resource::ALL, "probe");
        assert_eq!((parent.map(|parent| (parent.dir, parent.enabled)), why), (Some((outer, Resource::ALL.to_vec())), None));

        removal::remove([&own].into_iter()).expect("it can be removed");
        child.wait().expect("it was killed");
    }
}
