//! A jailed worker that guests share.

use std::{sync::Arc, thread, time::Duration};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Isolation, LimitsSpec, Metering, Outcome, Policy, PolicySpec, Profile};
use ambit_jail::{Spawner, cgroup::Cgroups};
use ambit_manager::{
    Control, Entry, LaunchConfig, Launcher,
    tenant::{TenantLimits, TenantModule, TenantRun, TenantWorker},
};

use crate::{
    door::{guest, shown},
    skipped::skip,
};

const LOOPS: &str = r#"(module (func (export "run") (loop (br 0))))"#;
/// Fills gigabytes in one go, which nothing can interrupt from inside.
const FILLS: &str = r#"(module (memory 65000)
    (func (export "run") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0xfde80000)) (br 0))))"#;

/// Fills half a gigabyte.
const TAKES: &str = r#"(module (memory 8192)
    (func (export "run") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x1fffffff))))"#;

fn launcher() -> Arc<Launcher> {
    let ambit = Spawner::of(&crate::program::program()).expect("the program under test");
    Arc::new(Launcher::with(ambit, LaunchConfig::default()))
}

fn policy(limits: &[(&str, &str)]) -> Arc<Policy> {
    let mut spec = LimitsSpec::default();
    for (key, value) in limits {
        spec.set(key, value).expect("a limit");
    }
    let spec = PolicySpec { limits: spec, ..PolicySpec::default() };
    Arc::new(Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::Tenant).expect("enforceable"))
}

fn load(launcher: &Launcher, worker: &TenantWorker, bytes: Vec<u8>, policy: &Arc<Policy>) -> TenantModule {
    let module: Arc<Verified> = Arc::new(ambit_admit::admit(bytes, &AdmitRules::from_policy(policy)).expect("admitted"));
    let control = Control::new().expect("a descriptor");
    let code = launcher.compile(&module, policy, Metering::Epochs, &control, None).expect("compiled");
    worker.load(&module, policy, &code).expect("loaded")
}

fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid text")
}

fn run(function: Option<&str>) -> TenantRun {
    let entry = match function {
        Some(function) => Entry::Invoke { function: function.into(), args: Vec::new() },
        None => Entry::Command,
    };
    TenantRun { entry, name: "guest".into(), policy: None, keep_output: true }
}

#[test]
fn each_guest_ends_for_itself_and_the_worker_goes_on() {
    let launcher = launcher();
    let worker = TenantWorker::start(&launcher, TenantLimits::default()).expect("a worker");
    let loops = load(&launcher, &worker, text(LOOPS), &policy(&[("wall-time", "100ms")]));
    let hello = load(&launcher, &worker, guest("bin/hello.wasm"), &policy(&[]));
    // Many at once, of which nobody says anything more until they are over.
    let pending: Vec<_> = (0..8).map(|_| worker.run(&loops, &run(Some("run"))).expect("taken")).collect();
    for pending in pending {
        assert_eq!(shown(&pending.wait().outcome), "limit-exceeded:wall-time");
    }
    let end = worker.run(&hello, &run(None)).expect("taken").wait();
    assert_eq!((end.outcome, end.stdout.as_slice()), (Outcome::Exited { code: 0 }, b"hello, world\n".as_slice()));
    assert_eq!(worker.over(), None);
}

#[test]
fn one_that_is_cancelled_is_cancelled_alone() {
    let launcher = launcher();
    let worker = TenantWorker::start(&launcher, TenantLimits::default()).expect("a worker");
    let loops = load(&launcher, &worker, text(LOOPS), &policy(&[("wall-time", "30s")]));
    let (one, other) = (worker.run(&loops, &run(Some("run"))), worker.run(&loops, &run(Some("run"))));
    let (one, other) = (one.expect("taken"), other.expect("taken"));
    thread::sleep(Duration::from_millis(50));
    one.cancel("a test");
    assert_eq!(one.wait().outcome, Outcome::Cancelled { by: "a test".into() });
    assert_eq!(worker.over(), None);
    other.cancel("a test");
    assert_eq!(shown(&other.wait().outcome), "cancelled");
}

#[test]
fn one_that_does_not_stop_takes_the_worker_along() {
    let launcher = launcher();
    let worker = TenantWorker::start(&launcher, TenantLimits::default()).expect("a worker");
    let fills = load(&launcher, &worker, text(FILLS), &policy(&[("wall-time", "50ms"), ("memory", "4GiB")]));
    let loops = load(&launcher, &worker, text(LOOPS), &policy(&[("wall-time", "30s")]));
    let bystander = worker.run(&loops, &run(Some("run"))).expect("taken");
    let end = worker.run(&fills, &run(Some("run"))).expect("taken").wait();
    assert_eq!(shown(&end.outcome), "limit-exceeded:wall-time");
    let lost = shown(&bystander.wait().outcome);
    assert!(lost.starts_with("lost"), "{lost}");
    assert!(worker.over().is_some() && worker.run(&loops, &run(Some("run"))).is_err());
}

#[test]
fn a_run_may_have_a_policy_of_its_own_if_it_compiles_alike() {
    let launcher = launcher();
    let worker = TenantWorker::start(&launcher, TenantLimits::default()).expect("a worker");
    let loops = load(&launcher, &worker, text(LOOPS), &policy(&[("wall-time", "30s")]));
    let under = |limits| TenantRun { policy: Some(policy(limits)), ..run(Some("run")) };
    let end = worker.run(&loops, &under(&[("wall-time", "50ms")])).expect("taken").wait();
    assert!(matches!(end.outcome, Outcome::LimitExceeded { allowed: 50_000_000, .. }), "{:?}", end.outcome);
    // Fuel is counted by code that the compiler adds.
    let end = worker.run(&loops, &under(&[("fuel", "1000")])).expect("taken").wait();
    assert_eq!(shown(&end.outcome), "rejected:policy");
    assert_eq!(worker.over(), None);
}

#[test]
fn a_module_that_nobody_has_any_more_is_forgotten() {
    let launcher = launcher();
    let worker = TenantWorker::start(&launcher, TenantLimits::default()).expect("a worker");
    let policy = policy(&[]);
    // Large enough that its artifact is mapped, and not copied.
    let body = "(drop (i32.add (i32.load (local.get 0)) (i32.load (local.get 0))))".repeat(20);
    let functions = format!("(func (param i32) {body})").repeat(1000);
    let module = wat::parse_str(format!(r#"(module (memory 1) (func (export "run")) {functions})"#)).expect("valid text");
    let module: Arc<Verified> = Arc::new(ambit_admit::admit(module, &AdmitRules::from_policy(&policy)).expect("admitted"));
    let control = Control::new().expect("a descriptor");
    let code = launcher.compile(&module, &policy, Metering::Epochs, &control, None).expect("compiled");
    let mapped = || {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", worker.pid())).expect("a process of ours");
        maps.lines().filter(|line| line.contains("ambit-artifact")).count()
    };
    let kept = worker.load(&module, &policy, &code).expect("loaded");
    let one = mapped();
    assert!(one > 0, "the artifact is not mapped");
    for _ in 0..20 {
        let again = worker.load(&module, &policy, &code).expect("loaded");
        let end = worker.run(&again, &run(Some("run"))).expect("taken").wait();
        assert_eq!(end.outcome, Outcome::Exited { code: 0 });
    }
    // It does what it is told one after the other.
    assert_eq!(worker.run(&kept, &run(Some("run"))).expect("taken").wait().outcome, Outcome::Exited { code: 0 });
    assert_eq!(mapped(), one);
}

#[test]
fn a_worker_whose_group_has_no_memory_is_lost_with_all_its_guests() {
    let offers = Cgroups::discover().offers().clone();
    if !offers.memory {
        let why = offers.why.unwrap_or_default();
        let why = format!("no group can be made here that bounds memory: {why}");
        return skip("a_worker_whose_group_has_no_memory_is_lost_with_all_its_guests", &why);
    }
    let launcher = launcher();
    let ends_in = |memory| {
        let worker = TenantWorker::start(&launcher, TenantLimits { memory, cpus: None }).expect("a worker");
        let takes = load(&launcher, &worker, text(TAKES), &policy(&[("memory", "1GiB")]));
        let loops = load(&launcher, &worker, text(LOOPS), &policy(&[("wall-time", "2s")]));
        let bystander = worker.run(&loops, &run(Some("run"))).expect("taken");
        let end = worker.run(&takes, &run(Some("run"))).expect("taken").wait();
        [shown(&end.outcome), shown(&bystander.wait().outcome)]
    };
    // Each is within its own budget, so that nobody can tell whose fault it was.
    let lost = "lost:the worker was ended by SIGKILL, since its control group had no memory left";
    assert_eq!(ends_in(Some(256 << 20)), [lost; 2]);
    assert_eq!(ends_in(Some(1 << 30)), ["exited:0", "limit-exceeded:wall-time"]);
}
