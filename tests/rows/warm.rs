//! Workers that are in their jails before anybody wants them.

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::AdmitRules;
use ambit_core::{Isolation, LimitsSpec, Metering, Outcome, Policy, PolicySpec, Profile, RunId};
use ambit_jail::Spawner;
use ambit_manager::{Control, Entry, LaunchConfig, LaunchRequest, Launcher, Streams, WarmWorkers};

use crate::door::{guest, shown};

fn policy(limits: &[(&str, &str)]) -> Arc<Policy> {
    let mut spec = LimitsSpec::default();
    for (key, value) in limits {
        spec.set(key, value).expect("a limit");
    }
    let spec = PolicySpec { limits: spec, ..PolicySpec::default() };
    Arc::new(Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::Process).expect("enforceable"))
}

fn start(policy: &Arc<Policy>) -> (Arc<Launcher>, WarmWorkers) {
    let ambit = Spawner::of(&crate::program::program()).expect("the program under test");
    let launcher = Arc::new(Launcher::with(ambit, LaunchConfig::default()));
    let warm = WarmWorkers::start(Arc::clone(&launcher), Arc::clone(policy), 2).expect("a thread");
    (launcher, warm)
}

/// Waits until so many are ready.
fn until_ready(warm: &WarmWorkers, count: usize) {
    let patience = Instant::now() + Duration::from_secs(60);
    while warm.ready() < count {
        assert_eq!(warm.trouble(), None);
        assert!(Instant::now() < patience, "{} workers are ready", warm.ready());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a module on workers that are ready, and gives how each run ended.
fn run(bytes: Vec<u8>, entry: &Entry, policy: &Arc<Policy>, times: u64) -> Vec<Outcome> {
    let (launcher, warm) = start(policy);
    let module = Arc::new(ambit_admit::admit(bytes, &AdmitRules::from_policy(policy)).expect("admitted"));
    let control = Control::new().expect("a descriptor");
    let code = Arc::new(launcher.compile(&module, policy, Metering::Kernel, &control, None).expect("compiled"));
    let mut pids = Vec::new();
    let outcomes = (0..times).map(|number| {
        until_ready(&warm, 2);
        pids.extend(warm.pids());
        let request = LaunchRequest {
            run: RunId(number),
            module: Arc::clone(&module),
            entry: entry.clone(),
            name: "guest".into(),
            streams: Streams::default(),
            since: Instant::now(),
        };
        let prepared = warm.prepare(policy, &code).expect("a worker");
        launcher.run(prepared, request, &control, &mut |_| {}).outcome
    });
    let outcomes = outcomes.collect();
    pids.extend(warm.pids());
    drop(warm);
    // Reaped, and not only dead: a process that nobody has waited for still has a number.
    for pid in pids {
        assert!(!fs::exists(format!("/proc/{pid}")).expect("/proc"), "process {pid} is left");
    }
    outcomes
}

#[test]
fn each_run_gets_one_of_its_own_and_none_is_left() {
    let outcomes = run(guest("bin/hello.wasm"), &Entry::Command, &policy(&[]), 20);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Exited { code: 0 }), "{outcomes:?}");
}

#[test]
fn limits_hold_in_one_as_in_any_other() {
    let loops = wat::parse_str(r#"(module (func (export "run") (loop (br 0))))"#).expect("valid text");
    let invoke = Entry::Invoke { function: "run".into(), args: Vec::new() };
    let outcomes = run(loops, &invoke, &policy(&[("wall-time", "200ms")]), 3);
    assert_eq!(outcomes.iter().map(shown).collect::<Vec<_>>(), ["limit-exceeded:wall-time"; 3]);
}

#[test]
fn they_have_rehearsed_unless_their_policy_leaves_no_room_for_that() {
    let (_launcher, warm) = start(&policy(&[]));
    until_ready(&warm, 2);
    assert_eq!(warm.unrehearsed(), None);

    // Ready all the same: a guest may need less.
    let (_launcher, warm) = start(&policy(&[("fuel", "1")]));
    until_ready(&warm, 2);
    let why = warm.unrehearsed().expect("no program runs on one unit of fuel").to_string();
    assert!(why.contains("fuel"), "{why}");
}
