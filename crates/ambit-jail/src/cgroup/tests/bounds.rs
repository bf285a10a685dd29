//! Every bound bites.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    thread,
    time::{Duration, Instant},
};

use ambit_core::Cpus;

use super::{
    super::{GroupLimits, limits::Resource},
    member, offering,
};

const MEMORY: GroupLimits = GroupLimits { memory: Some(16 << 20), cpus: None, pids: None };

#[test]
fn who_takes_more_memory_is_killed() {
    for cgroups in offering("who_takes_more_memory_is_killed", |offers| offers.memory) {
        let check = |block: &str, killed: bool| {
            let group = cgroups.create("memory", &MEMORY).expect("it can be made");
            let (mut child, _output) = member(&group, &format!("exec dd if=/dev/zero of=/dev/null bs={block} count=1"));
            let status = child.wait().expect("it ends");
            assert_eq!(status.signal() == Some(9), killed, "{block}: {status}");
            assert_eq!(status.success(), !killed, "{block}: {status}");
            let usage = group.usage();
            assert_eq!(usage.oom_kills.expect("counted") > 0, killed, "{block}: {usage:?}");
            if let Some(peak) = usage.memory_peak {
                assert!((1 << 20..=16 << 20).contains(&peak), "{block}: {usage:?}");
            }
            group.remove().expect("it can be removed");
        };
        check("1M", false);
        check("64M", true);
    }
}

/// v1 kills the one process that asked for too much.
#[test]
fn a_group_without_memory_is_killed_as_a_whole() {
    for cgroups in offering("a_group_without_memory_is_killed_as_a_whole", |offers| offers.memory) {
        let whole = cgroups.proven().v2.as_ref().is_some_and(|v2| v2.enabled.contains(&Resource::Memory));
        let group = cgroups.create("whole", &MEMORY).expect("it can be made");
        let (mut child, _output) = member(&group, "dd if=/dev/zero of=/dev/null bs=64M count=1; exit 3");
        let status = child.wait().expect("it ends");
        assert_eq!((status.signal(), status.code()), if whole { (Some(9), None) } else { (None, Some(3)) });
    }
}

#[test]
fn bounds_can_be_changed() {
    for cgroups in offering("bounds_can_be_changed", |offers| offers.memory && offers.pids) {
        let limits = |memory, pids| GroupLimits { memory, pids, cpus: None };
        let group = cgroups.create("changed", &limits(Some(512 << 20), Some(1))).expect("it can be made");
        for memory in [Some(1 << 30), None, Some(64 << 20), Some(16 << 20)] {
            group.set(&limits(memory, Some(8))).expect("up and down");
        }
        let (mut child, _output) = member(&group, "(:) || exit 1; exec dd if=/dev/zero of=/dev/null bs=64M count=1");
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(9), "neither the number of tasks nor the memory is the first one: {status}");
    }
}

#[test]
fn cpu_time_is_throttled() {
    for cgroups in offering("cpu_time_is_throttled", |offers| offers.cpu) {
        let check = |milli: u64| {
            let limits = GroupLimits { cpus: Some(Cpus::from_milli(milli)), ..GroupLimits::default() };
            let group = cgroups.create("cpu", &limits).expect("it can be made");
            let (mut child, _output) = member(&group, "while :; do :; done");
            let (before, began) = (cpu_time(child.id()), Instant::now());
            thread::sleep(Duration::from_secs(1));
            let (used, took) = (cpu_time(child.id()) - before, began.elapsed());
            // Twice what is right: periods are 100 ms, and other work on the machine takes its share.
            assert!(
                used > Duration::ZERO && used <= took * 2 * u32::try_from(milli).expect("small") / 1000,
                "{used:?} in {took:?}"
            );
            if let Some(nanos) = group.usage().cpu_ns {
                assert!(Duration::from_nanos(nanos) * 2 >= used, "{nanos} ns counted, {used:?} used");
            }
            group.kill().expect("it can be killed");
            child.wait().expect("it ends");
        };
        check(200);
        check(50);
    }
}

#[test]
fn every_share_of_a_core_is_one_the_kernel_takes() {
    for cgroups in offering("every_share_of_a_core_is_one_the_kernel_takes", |offers| offers.cpu) {
        for milli in [1, 9, 10, 11, 999, 64_000] {
            let limits = GroupLimits { cpus: Some(Cpus::from_milli(milli)), ..GroupLimits::default() };
            let group = cgroups.create("share", &limits).expect("it can be made");
            let read = |file| group.dirs().find_map(|dir| dir.read(file).ok());
            let quota =
                read("cpu.max").or_else(|| Some(format!("{} {}", read("cpu.cfs_quota_us")?.trim(), read("cpu.cfs_period_us")?)));
            let quota = quota.expect("written");
            let (quota, period) = quota.trim().split_once(' ').expect("two numbers");
            let (quota, period): (u64, u64) = (quota.parse().expect("a number"), period.parse().expect("a number"));
            assert_eq!(quota * 1000, period * milli, "{milli}");
        }
    }
}

/// User and system time of a process.
fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit_once(") ").expect("a name in brackets").1.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

#[test]
fn one_task_too_many_is_not_made() {
    for cgroups in offering("one_task_too_many_is_not_made", |offers| offers.pids) {
        let check = |pids: u64, made: bool| {
            let group =
                cgroups.create("pids", &GroupLimits { pids: Some(pids), ..GroupLimits::default() }).expect("it can be made");
            let (mut child, _output) = member(&group, "sleep 60 & sleep 60 & sleep 60 & exit 0");
            let status = child.wait().expect("it ends");
            assert_eq!(status.success(), made, "{pids}: {status}");
        };
        check(4, true);
        check(3, false);
    }
}

/// v1 refuses a share that is greater than the parent's, which the parent keeps anyway.
#[test]
fn more_cpu_than_the_parent_has_is_no_error() {
    for cgroups in offering("more_cpu_than_the_parent_has_is_no_error", |offers| offers.cpu) {
        let limits = |milli| GroupLimits { cpus: Some(Cpus::from_milli(milli)), ..GroupLimits::default() };
        let parent = cgroups.create("outer", &limits(100)).expect("it can be made");
        let inner = super::within(&cgroups, &parent);
        let group = inner.create("inner", &limits(1000)).expect("it can be made");
        let (child, _output) = member(&group, "while :; do :; done");
        thread::sleep(Duration::from_secs(1));
        let used = cpu_time(child.id());
        assert!(used < Duration::from_millis(500), "{used:?}");
    }
}
