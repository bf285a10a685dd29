//! Who gets how much of the CPU. The tolerances are wide: other tests run beside these.

use std::{thread, time::Duration};

use ambit_core::{Bound, Cpus};
use ambit_runtime::{RunState, Running, RuntimeConfig, Tenant, TenantConfig};

use crate::{World, policy, until};

const WINDOW: Duration = Duration::from_millis(600);

fn spin(world: &World, tenant: &Tenant, guests: usize) -> Vec<Running> {
    let start = || world.try_start("spin", &[], policy(&[("wall-time", "60s")]), Some(tenant)).expect("accepted");
    (0..guests).map(|_| start()).collect()
}

/// CPU time that tenants used in the window, in seconds.
fn used(world: &World, names: &[&str]) -> Vec<f64> {
    let cpu = || -> Vec<Duration> {
        let stats = world.runtime.stats();
        names.iter().map(|name| stats.tenants.iter().find(|tenant| &*tenant.name == *name).expect("known").cpu).collect()
    };
    let before = cpu();
    thread::sleep(WINDOW);
    cpu().iter().zip(before).map(|(after, before)| (*after - before).as_secs_f64()).collect()
}

#[test]
fn tenants_share_by_weight_however_many_guests_they_have() {
    let world = World::new(RuntimeConfig { cores: 2, ..RuntimeConfig::default() });
    let tenant = |name, weight| world.runtime.tenant(TenantConfig { weight, ..TenantConfig::new(name) }).expect("a weight");
    let (heavy, light) = (tenant("heavy", 300), tenant("light", 100));
    let _runs = [spin(&world, &heavy, 4), spin(&world, &light, 40)];
    until("both run", || world.runtime.stats().tenants.iter().filter(|tenant| tenant.cpu > Duration::ZERO).count() == 2);
    let used = used(&world, &["heavy", "light"]);
    let ratio = used[0] / used[1];
    assert!((2.5..3.6).contains(&ratio), "{ratio}");
}

#[test]
fn a_tenant_has_no_more_than_its_share_of_all_cores_together() {
    let world = World::new(RuntimeConfig { cores: 2, ..RuntimeConfig::default() });
    let cpus = Bound::At(Cpus::from_milli(250));
    let capped = world.runtime.tenant(TenantConfig { cpus, ..TenantConfig::new("capped") }).expect("a tenant");
    let _runs = spin(&world, &capped, 8);
    thread::sleep(Duration::from_millis(200));
    let share = used(&world, &["capped"])[0] / WINDOW.as_secs_f64();
    assert!((0.1..0.4).contains(&share), "{share} of a core instead of 0.25");
    until("it rests", || world.runtime.stats().runs[&RunState::Throttled] > 0);
}

#[test]
fn a_capped_tenant_is_still_ended_in_time() {
    let world = World::new(RuntimeConfig::default());
    let cpus = Bound::At(Cpus::from_milli(10));
    let capped = world.runtime.tenant(TenantConfig { cpus, ..TenantConfig::new("capped") }).expect("a tenant");
    let runs: Vec<_> =
        (0..5).map(|_| world.try_start("spin", &[], policy(&[("wall-time", "200ms")]), Some(&capped)).expect("accepted")).collect();
    for run in runs {
        assert_eq!(crate::shown(run.wait().outcome()), "limit-exceeded:wall-time");
    }
}

#[test]
fn weights_out_of_range_are_refused() {
    let world = World::new(RuntimeConfig::default());
    for weight in [0, 10_001] {
        let rejection = world.runtime.tenant(TenantConfig { weight, ..TenantConfig::new("x") }).expect_err("out of range");
        assert!(rejection.message.contains("between 1 and 10000"), "{rejection}");
    }
}

#[test]
fn a_tenant_that_is_gone_leaves_its_place() {
    let world = World::new(RuntimeConfig::default());
    for _ in 0..100 {
        let tenant = world.runtime.tenant(TenantConfig::new("passing")).expect("a tenant");
        let run = world.try_start("nothing", &[], policy(&[]), Some(&tenant)).expect("accepted");
        drop(tenant);
        assert_eq!(crate::shown(run.wait().outcome()), "exited:0");
    }
    until("only the runtime's own is left", || world.runtime.stats().tenants.len() == 1);
}

#[test]
fn tenants_that_cannot_be_are_refused() {
    let (world, elsewhere) = (World::new(RuntimeConfig::default()), World::new(RuntimeConfig::default()));
    let cpus = Bound::At(Cpus::from_milli(0));
    let rejection = world.runtime.tenant(TenantConfig { cpus, ..TenantConfig::new("none") }).expect_err("no CPU at all");
    assert!(rejection.message.contains("the least is 0.01"), "{rejection}");
    let foreign = elsewhere.runtime.tenant(TenantConfig::new("foreign")).expect("a tenant");
    let rejection = world.try_start("nothing", &[], policy(&[]), Some(&foreign)).expect_err("it has no place here");
    assert!(rejection.message.contains("another runtime"), "{rejection}");
}

#[test]
fn a_guest_keeps_its_share_over_all_its_calls() {
    let world = World::new(RuntimeConfig::default());
    let policy = policy(&[("cpus", "0.1"), ("wall-time", "60s")]);
    let mut instance = world.runtime.instantiate(world.instance(policy)).expect("accepted").wait().expect("made");
    let cpu = || world.runtime.stats().tenants[0].cpu;
    let (began, before) = (std::time::Instant::now(), cpu());
    while began.elapsed() < Duration::from_millis(1500) {
        let call = ambit_engine::Call::invoke(&world.module, "burn", &["3000000".into()]).expect("exported");
        instance.call(&world.runtime, call).expect("accepted").wait();
    }
    let share = (cpu() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    assert!(share < 0.2, "{share} of a core instead of 0.1");
}
