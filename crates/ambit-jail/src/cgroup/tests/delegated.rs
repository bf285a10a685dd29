//! Where groups of v2 are made. Directories and files stand in for groups: only one arrangement is this host's.

use std::fs;

use super::super::{delegation, hierarchies::Place, limits::Resource};

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
        let (parent, _) = delegation::find(&Place { top: top.clone(), own }, "probe");
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
