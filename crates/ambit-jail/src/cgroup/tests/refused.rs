//! What cannot be is an error that says what, where and why, and leaves nothing behind.

use ambit_core::{Cpus, Layer};

use super::{
    super::{CgroupVersion, Cgroups, GroupLimits, hierarchies::Hierarchies, limits::Resource},
    is_left, offering,
};

const NOTHING: GroupLimits = GroupLimits { cpus: None, memory: None, pids: None };

#[test]
fn a_host_without_groups_offers_nothing_and_says_why() {
    let cgroups = Cgroups::with(Hierarchies::default());
    let offers = cgroups.offers();
    assert_eq!((offers.cpu, offers.memory, offers.pids, offers.kill, offers.freeze), (false, false, false, false, false));
    assert_eq!(offers.version, CgroupVersion::None);
    assert!(offers.why.expect("said").contains("mounted"));
    let check = |limits: GroupLimits, words: &str| {
        let error = cgroups.create("x", &limits).expect_err("there is nothing");
        assert_eq!(error.layer, Some(Layer::Cgroup));
        assert!(error.to_string().contains(words), "{error}");
    };
    check(
        GroupLimits { memory: Some(1 << 20), ..NOTHING },
        "cannot make a control group `x`: memory cannot be bounded: no hierarchy",
    );
    check(GroupLimits { cpus: Some(Cpus::from_milli(1)), ..NOTHING }, "cpu cannot be bounded");
    check(NOTHING, "no hierarchy");
    assert_eq!(cgroups.sweep(), 0);
}

#[test]
fn names_are_checked_and_used_once() {
    for cgroups in offering("names_are_checked_and_used_once", |offers| offers.kill) {
        for name in ["", "a/b", "..\n", "a b", "ä", &"x".repeat(65)] {
            let error = cgroups.create(name, &NOTHING).expect_err(name);
            assert!(error.to_string().contains("letters"), "{error}");
        }
        let group = cgroups.create("..", &NOTHING).expect("a part of a name");
        let error = cgroups.create("..", &NOTHING).expect_err("taken");
        assert!(error.to_string().contains(group.name()) && error.to_string().contains("exists"), "{error}");
    }
}

#[test]
fn a_value_the_kernel_refuses_leaves_no_group() {
    for cgroups in offering("a_value_the_kernel_refuses_leaves_no_group", |offers| offers.pids && offers.memory) {
        let limits = GroupLimits { pids: Some(u64::MAX), memory: Some(1 << 20), ..NOTHING };
        let error = cgroups.create("refused", &limits).expect_err("more tasks than there can be");
        assert!(error.to_string().contains("pids.max"), "{error}");
        assert!(!is_left(&cgroups, &cgroups.maker.expect("known").group("refused")));
    }
}

#[test]
fn a_bound_the_group_was_not_made_for_is_refused() {
    for cgroups in offering("a_bound_the_group_was_not_made_for_is_refused", |offers| offers.pids && offers.memory) {
        let group = cgroups.create("narrow", &GroupLimits { pids: Some(8), ..NOTHING }).expect("it can be made");
        let set = group.set(&GroupLimits { memory: Some(1 << 20), ..NOTHING });
        let v2 = cgroups.proven().v2.as_ref().is_some_and(|v2| v2.enabled.contains(&Resource::Memory));
        assert_eq!(set.is_ok(), v2, "{set:?}");
        assert!(set.is_ok() || set.expect_err("refused").to_string().contains("bound memory by"));
    }
}
