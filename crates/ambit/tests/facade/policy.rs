//! Policies of one's own, and what a module has by them.

use ambit::{GrantKey, LimitKey, PolicyBuilder, PolicySpec, RejectReason, Units};

use crate::{KINDS, exceeded, guest, load, load_in, rejected, runtime};

#[test]
fn a_policy_moves_on_from_another() {
    let base = PolicyBuilder::new("default").memory(16.mib()).args(["a"]).env("A", "1").build().expect("a policy");
    let next = base.adjust().limit("output", "1KiB").args(["b"]).env("A", "2").grant("clock", "real").build().expect("a policy");
    assert_eq!(next.limits.get(LimitKey::Memory).finite(), Some(16 << 20));
    assert_eq!(next.limits.get(LimitKey::Output).finite(), Some(1024));
    assert_eq!(next.grants.args, ["a", "b"]);
    assert_eq!(next.grants.env, [("A".to_owned(), "2".to_owned())]);
    assert_eq!(base.grants.args, ["a"], "which is what it was");
    assert!(next.grants.given().any(|key| key == GrantKey::Clock));
}

#[test]
fn a_policy_stays_within_its_profile() {
    let minimal = PolicyBuilder::new("minimal").build().expect("a policy");
    let message = rejected(minimal.adjust().memory(5.mib()).build(), RejectReason::Policy);
    assert!(message.contains("at most 4MiB"), "{message}");
    let smaller = minimal.adjust().memory(1.mib()).build().expect("it may be less");
    smaller.adjust().memory(4.mib()).build().expect("up to the ceiling again");
}

#[test]
fn a_spec_from_elsewhere_is_taken() {
    let mut spec = PolicySpec::default();
    spec.limits.set("memory", "2MiB").expect("a limit");
    spec.grants.get_or_insert_default().args = vec!["from".into(), "elsewhere".into()];
    let policy = PolicyBuilder::default().args(["more"]).memory(1.mib()).narrow(spec).build().expect("a policy");
    assert_eq!(policy.limits.get(LimitKey::Memory).finite(), Some(2 << 20), "what comes later counts");
    assert_eq!(policy.grants.args, ["from", "elsewhere", "more"]);
}

#[test]
fn what_is_named_and_cannot_be_enforced_is_refused_also_later() {
    let message = rejected(PolicyBuilder::default().limit("net-bytes", "1MiB").build(), RejectReason::Unenforceable);
    assert!(message.contains("net-bytes"), "{message}");
    let policy = PolicyBuilder::default().build().expect("a policy");
    rejected(policy.adjust().limit("compile-memory", "64MiB").build(), RejectReason::Unenforceable);
}

#[test]
fn a_module_under_another_policy_is_the_same_module() {
    let runtime = runtime();
    let module = load_in(&runtime, KINDS);
    let hasty = runtime.policy().adjust().timeout(20.millis()).build().expect("a policy");
    let misses = runtime.stats().cache.misses;
    let other = module.with_policy_blocking(&hasty).expect("loaded");
    assert_eq!(runtime.stats().cache.misses, misses, "nothing is compiled for a deadline");
    assert_eq!(exceeded(other.call_blocking::<_, ()>("spin", ())), LimitKey::WallTime);
    assert_eq!((other.digest(), other.policy().limits.get(LimitKey::WallTime).finite()), (module.digest(), Some(20_000_000)));
    let metered = runtime.policy().adjust().fuel(1000).build().expect("a policy");
    let other = module.with_policy_blocking(&metered).expect("loaded");
    assert_eq!(runtime.stats().cache.misses, misses + 1, "metering is compiled in");
    assert_eq!(exceeded(other.call_blocking::<_, ()>("spin", ())), LimitKey::Fuel);
}

#[test]
fn a_policy_that_would_not_have_admitted_a_module_does_not() {
    let module = load(KINDS);
    let check = |limit: &str, value: &str, words: &str| {
        let policy = module.policy().adjust().limit(limit, value).build().expect("a policy");
        let message = rejected(module.with_policy_blocking(&policy), RejectReason::InvalidModule);
        assert!(message.contains(words), "{message}");
    };
    check("module-size", "100", "the limit `module-size` is 100 B");
    check("functions", "3", "functions");
    let minimal = PolicyBuilder::new("minimal").build().expect("a policy");
    let wasi = runtime().load_blocking(guest("hello")).expect("admitted");
    let message = rejected(wasi.with_policy_blocking(&minimal), RejectReason::ImportDenied);
    assert!(message.contains("the policy does not allow it"), "{message}");
}

#[test]
fn a_policy_that_is_adjusted_keeps_its_profile() {
    let runtime = crate::builder().profile("minimal").build().expect("made");
    let error = runtime.policy().adjust().profile("development").build().expect_err("it would be wider");
    assert!(error.to_string().contains("keeps the profile"), "{error}");
}
