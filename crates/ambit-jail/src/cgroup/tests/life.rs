//! A group from its making to its removal.

use std::{os::unix::process::ExitStatusExt, thread, time::Duration};

use super::{super::GroupLimits, eventually, is_left, line, member, offering};

const TASKS: GroupLimits = GroupLimits { pids: Some(64), cpus: None, memory: None };

#[test]
fn a_kill_leaves_nobody() {
    for cgroups in offering("a_kill_leaves_nobody", |offers| offers.kill && offers.pids && offers.memory) {
        let check = |script: &str, limits: &GroupLimits| {
            let group = cgroups.create("kill", limits).expect("it can be made");
            let (mut child, _output) = member(&group, script);
            thread::sleep(Duration::from_millis(50));
            group.kill().expect("it can be killed");
            assert_eq!(child.wait().expect("it ends").signal(), Some(9), "{script}");
            eventually("everybody has ended", || group.dirs().all(|dir| dir.read("cgroup.procs").expect("there").is_empty()));
            // The bound is still the same.
            let (mut child, _output) = member(&group, "sleep 0 & wait");
            assert!(child.wait().expect("it ends").success());
        };
        // In v1 the second has nothing that would stop a fork meanwhile.
        for limits in [TASKS, GroupLimits { memory: Some(64 << 20), ..GroupLimits::default() }] {
            check("exec sleep 60", &limits);
            check("sleep 60 & sleep 60 & sleep 60", &limits);
            // Forks all the time, in several processes.
            check("for i in 1 2 3 4; do (while :; do (:); done) & done; exec sleep 60", &limits);
        }
    }
}

#[test]
fn what_is_frozen_uses_no_time_and_can_be_killed() {
    for cgroups in offering("what_is_frozen_uses_no_time_and_can_be_killed", |offers| offers.freeze) {
        let group = cgroups.create("freeze", &GroupLimits::default()).expect("it can be made");
        let (mut child, _output) = member(&group, "while :; do :; done");
        let cpu = || group.usage().cpu_ns.expect("v2 counts it");
        group.freeze(true).expect("it can be frozen");
        // A group counts as frozen when its last member is about to leave the processor.
        thread::sleep(Duration::from_millis(50));
        let before = cpu();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(cpu(), before);
        group.freeze(false).expect("it can be thawed");
        eventually("it goes on", || cpu() > before);
        group.freeze(true).expect("it can be frozen again");
        group.kill().expect("it can be killed");
        assert_eq!(child.wait().expect("it ends").signal(), Some(9));
    }
}

#[test]
fn what_is_used_is_counted() {
    for cgroups in offering("what_is_used_is_counted", |offers| offers.memory) {
        let limits = GroupLimits { memory: Some(64 << 20), ..GroupLimits::default() };
        let group = cgroups.create("usage", &limits).expect("it can be made");
        let (_child, mut output) = member(&group, "dd if=/dev/zero of=/dev/null bs=8M count=4; echo done; exec sleep 60");
        assert_eq!(line(&mut output), "done");
        let usage = group.usage();
        assert!(usage.memory_now.expect("counted") > 0, "{usage:?}");
        assert!(usage.memory_peak.is_none_or(|peak| peak >= 8 << 20), "{usage:?}");
        assert!(usage.cpu_ns.is_some_and(|nanos| nanos > 0) || group.into_fd().is_none(), "{usage:?}");
        assert_eq!(usage.oom_kills, Some(0), "{usage:?}");
    }
}

#[test]
fn nothing_is_left_behind() {
    for cgroups in offering("nothing_is_left_behind", |offers| offers.kill && offers.memory && offers.pids) {
        let limits = GroupLimits { memory: Some(64 << 20), ..TASKS };
        for removed in [true, false] {
            let group = cgroups.create("removed", &limits).expect("it can be made");
            let name = group.name().to_owned();
            assert!(is_left(&cgroups, &name));
            let (mut child, _output) = member(&group, "sleep 60 & exec sleep 60");
            if removed {
                group.remove().expect("it can be removed with somebody in it");
            } else {
                drop(group);
            }
            assert!(!is_left(&cgroups, &name));
            assert_eq!(child.wait().expect("it ends").signal(), Some(9));
        }
    }
}
