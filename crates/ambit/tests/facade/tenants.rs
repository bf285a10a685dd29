//! Those who share a runtime.

use ambit::{Bound, Count, RejectReason, RunState, TenantConfig, Units};

use crate::{KINDS, builder, load_in, rejected, runtime, until};

#[test]
fn modules_run_as_their_tenants() {
    let runtime = runtime();
    let module = load_in(&runtime, KINDS);
    let tenant = runtime.tenant(TenantConfig { weight: 300, ..TenantConfig::new("customer") }).expect("a tenant");
    let theirs = module.with_tenant(&tenant);
    for _ in 0..3 {
        theirs.call_blocking::<_, ()>("nothing", ()).expect("it returns");
    }
    let mut kept = theirs.instantiate_blocking().expect("made");
    kept.call_blocking::<_, ()>("nothing", ()).expect("it returns");
    module.call_blocking::<_, ()>("nothing", ()).expect("it returns");
    let stats = runtime.stats();
    let ended = |name: &str| stats.tenants.iter().find(|tenant| &*tenant.name == name).expect("known").ended;
    assert_eq!((ended("customer"), ended("default")), (5, 1), "the making of an instance is one");
}

#[test]
fn a_tenant_has_its_own_room() {
    let runtime = builder().timeout(60.secs()).queue(2, 30.secs()).build().expect("a runtime");
    let module = load_in(&runtime, r#"(module (func (export "_start") (loop (br 0))) (func (export "f")))"#);
    let config = TenantConfig { concurrency: Bound::At(Count(1)), ..TenantConfig::new("small") };
    let theirs = module.with_tenant(&runtime.tenant(config).expect("a tenant"));
    let first = theirs.launch().start().expect("accepted");
    let second = theirs.launch().start().expect("it waits");
    module.call_blocking::<_, ()>("f", ()).expect("others do not wait for it");
    assert!(second.state() == Some(RunState::Queued));
    first.cancel("test");
    first.wait();
    until("the second runs", || runtime.stats().tenants.iter().any(|tenant| tenant.admitted == 1 && tenant.queued == 0));
    second.cancel("test");
    second.wait();
}

#[test]
fn weights_have_a_range() {
    for weight in [0, 10_001] {
        let result = runtime().tenant(TenantConfig { weight, ..TenantConfig::new("customer") });
        let message = rejected(result, RejectReason::Policy);
        assert!(message.contains("between 1 and 10000"), "{message}");
    }
}
