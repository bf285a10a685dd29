//! Kept instances under the scheduler: room, refusals, cancellation.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::AdmitRules;
use ambit_core::{Bound, ByteSize, Count, Isolation, Outcome, PolicySpec, Profile, RejectReason, ResultValue};
use ambit_engine::Call;
use ambit_runtime::{Instance, InstanceRequest, LoadedModule, Runtime, RuntimeConfig, Streams};

const COUNTER: &str = r#"(module
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (global.get $n))
    (func (export "spin") (loop (br 0)))
    (func (export "trap") unreachable))"#;

struct Rig {
    runtime: Runtime,
    module: Arc<LoadedModule>,
    policy: Arc<ambit_core::Policy>,
}

impl Rig {
    fn new(text: &str, config: RuntimeConfig) -> Self {
        let mut spec = PolicySpec::default();
        spec.limits.set("memory", "1MiB").expect("a limit");
        let policy = Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::None).expect("enforceable");
        let module = ambit_admit::admit(wat::parse_str(text).expect("valid text"), &AdmitRules::from_policy(&policy));
        let runtime = Runtime::new(config).expect("threads");
        let module = runtime.load(&Arc::new(module.expect("admitted")), &policy).expect("compiles");
        Self { runtime, module, policy: Arc::new(policy) }
    }

    fn request(&self) -> InstanceRequest {
        InstanceRequest {
            module: Arc::clone(&self.module),
            policy: Arc::clone(&self.policy),
            streams: Streams::default(),
            name: "guest".into(),
            tenant: None,
        }
    }

    fn instance(&self) -> Instance {
        self.runtime.instantiate(self.request()).expect("accepted").wait().expect("made")
    }

    fn call(&self, name: &str) -> Call {
        Call::values(self.module.verified(), name, Vec::new()).expect("an export")
    }

    /// The outcome of a call, and the number it returned.
    fn outcome(&self, instance: &mut Instance, name: &str) -> (Outcome, Option<i32>) {
        let finished = instance.call(&self.runtime, self.call(name)).expect("accepted").wait();
        let number = finished.results().first().map(|value| match value {
            ResultValue::I32(number) => *number,
            other => panic!("{other:?}"),
        });
        (finished.outcome().clone(), number)
    }
}

/// One run at a time, and nobody waits.
fn one_at_a_time(queue: usize, queue_wait: Duration) -> RuntimeConfig {
    RuntimeConfig { concurrency: Bound::At(Count(1)), queue, queue_wait, ..RuntimeConfig::default() }
}

#[test]
fn an_instance_whose_call_is_not_taken_is_what_it_was() {
    let rig = Rig::new(COUNTER, one_at_a_time(0, Duration::from_secs(30)));
    let (mut counter, mut other) = (rig.instance(), rig.instance());
    assert_eq!(rig.outcome(&mut counter, "next").1, Some(1));
    let spin = other.call(&rig.runtime, rig.call("spin")).expect("accepted");
    let rejection = counter.call(&rig.runtime, rig.call("next")).expect_err("there is no room, and no queue");
    assert_eq!(rejection.reason, RejectReason::Overloaded);
    assert!(counter.is_alive());
    spin.running().expect("under way").cancel("the test");
    assert_eq!(spin.wait().outcome(), &Outcome::Cancelled { by: "the test".into() });
    assert_eq!(rig.outcome(&mut counter, "next").1, Some(2));
}

#[test]
fn an_instance_whose_call_waits_too_long_is_what_it_was() {
    let rig = Rig::new(COUNTER, one_at_a_time(10, Duration::from_millis(30)));
    let (mut counter, mut other) = (rig.instance(), rig.instance());
    assert_eq!(rig.outcome(&mut counter, "next").1, Some(1));
    let spin = other.call(&rig.runtime, rig.call("spin")).expect("accepted");
    let (outcome, _) = rig.outcome(&mut counter, "next");
    assert!(matches!(&outcome, Outcome::Rejected(rejection) if rejection.reason == RejectReason::Overloaded), "{outcome:?}");
    drop(spin);
    assert_eq!(rig.outcome(&mut counter, "next").1, Some(2));
}

#[test]
fn an_instance_that_is_over_takes_no_room() {
    let rig = Rig::new(COUNTER, RuntimeConfig { memory: Bound::At(ByteSize::mib(1)), ..RuntimeConfig::default() });
    let mut first = rig.instance();
    assert_eq!(rig.runtime.stats().reserved, 1 << 20);
    assert!(matches!(rig.outcome(&mut first, "trap").0, Outcome::Trapped { .. }));
    assert_eq!(rig.runtime.stats().reserved, 0);
    // It is still there, and there is room for another.
    let mut second = rig.instance();
    assert_eq!(rig.outcome(&mut second, "next").1, Some(1));
    assert!(!first.is_alive() && first.call(&rig.runtime, rig.call("next")).is_err());
}

#[test]
fn an_instance_that_nobody_waits_for_is_not_made() {
    let rig = Rig::new(r#"(module (func $f (loop (br 0))) (start $f))"#, RuntimeConfig::default());
    let making = rig.runtime.instantiate(rig.request()).expect("accepted");
    drop(making);
    let limit = Instant::now() + Duration::from_secs(10);
    while rig.runtime.stats().ended["cancelled"] == 0 {
        assert!(Instant::now() < limit, "it runs on");
        thread::sleep(Duration::from_millis(1));
    }
}
