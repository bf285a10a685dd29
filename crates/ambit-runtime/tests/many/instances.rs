//! Instances that are kept between calls.

use std::time::Duration;

use ambit_core::{Bound, ByteSize, Count, Outcome, RejectReason, ResultValue};
use ambit_engine::Call;
use ambit_runtime::{Finished, Instance, RuntimeConfig};

use crate::{World, policy, shown, until};

fn make(world: &World, limits: &[(&str, &str)]) -> Instance {
    world.runtime.instantiate(world.instance(policy(limits))).expect("accepted").wait().expect("made")
}

fn call(world: &World, instance: &mut Instance, function: &str, args: &[&str]) -> Finished {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let call = Call::invoke(&world.module, function, &args).expect("exported");
    instance.call(&world.runtime, call).expect("accepted").wait()
}

#[test]
fn state_is_kept_from_call_to_call_and_from_nobody_else() {
    let world = World::new(RuntimeConfig::default());
    let (mut one, mut other) = (make(&world, &[]), make(&world, &[]));
    assert_eq!(call(&world, &mut one, "add", &["3"]).results(), [ResultValue::I32(3)]);
    assert_eq!(call(&world, &mut one, "add", &["4"]).results(), [ResultValue::I32(7)]);
    assert_eq!(call(&world, &mut other, "add", &["1"]).results(), [ResultValue::I32(1)]);
    let look = one.look().expect("alive");
    assert_eq!(look.global_get("count"), Ok(ResultValue::I32(7)));
    look.global_set("count", ResultValue::I32(40)).expect("mutable");
    assert_eq!(call(&world, &mut one, "add", &["2"]).results(), [ResultValue::I32(42)]);
    assert_eq!(world.runtime.stats().instances, 2);
    drop((one, other));
    assert_eq!(world.runtime.stats().instances, 0);
}

#[test]
fn a_call_that_waits_is_waited_for_elsewhere() {
    let world = World::new(RuntimeConfig::default());
    let mut instance = make(&world, &[]);
    assert_eq!(shown(call(&world, &mut instance, "sleep", &["20"]).outcome()), "exited:0");
    assert!(instance.is_alive());
}

#[test]
fn one_that_trapped_or_ran_out_of_time_is_over() {
    let world = World::new(RuntimeConfig::default());
    for (function, limits, outcome) in [
        ("trap", &[][..], "trapped:unreachable"),
        ("spin", &[("wall-time", "30ms")], "limit-exceeded:wall-time"),
        ("spin", &[("cpu-time", "30ms")], "limit-exceeded:cpu-time"),
    ] {
        let mut instance = make(&world, limits);
        assert_eq!(shown(call(&world, &mut instance, function, &[]).outcome()), outcome);
        assert!(!instance.is_alive() && instance.look().is_err());
        let again = Call::invoke(&world.module, "nothing", &[]).expect("exported");
        let rejection = instance.call(&world.runtime, again).expect_err("it is over");
        assert_eq!(rejection.reason, RejectReason::NotFound, "{rejection}");
    }
}

#[test]
fn time_is_each_calls_own_and_memory_is_the_instances() {
    let world = World::new(RuntimeConfig::default());
    let mut instance = make(&world, &[("wall-time", "400ms"), ("memory", "128KiB")]);
    for _ in 0..5 {
        assert_eq!(shown(call(&world, &mut instance, "sleep", &["150"]).outcome()), "exited:0");
    }
    assert_eq!(call(&world, &mut instance, "grow", &["1"]).results(), [ResultValue::I32(1)]);
    assert_eq!(call(&world, &mut instance, "grow", &["1"]).results(), [ResultValue::I32(-1)], "the second page was the last");
}

#[test]
fn a_call_whose_future_is_dropped_is_cancelled_and_the_instance_over() {
    let world = World::new(RuntimeConfig::default());
    let mut instance = make(&world, &[("wall-time", "60s")]);
    let spin = Call::invoke(&world.module, "spin", &[]).expect("exported");
    drop(instance.call(&world.runtime, spin).expect("accepted"));
    assert!(!instance.is_alive());
    until("its run has ended", || world.runtime.stats().ended["cancelled"] == 1);
}

#[test]
fn it_has_its_memory_reserved_between_calls() {
    let world = World::new(RuntimeConfig { memory: Bound::At(ByteSize::mib(100)), ..RuntimeConfig::default() });
    let mut instance = make(&world, &[("memory", "60MiB")]);
    assert_eq!(world.runtime.stats().reserved, 60 << 20);
    call(&world, &mut instance, "nothing", &[]);
    assert_eq!(world.runtime.stats().reserved, 60 << 20);
    call(&world, &mut instance, "trap", &[]);
    assert_eq!(world.runtime.stats().reserved, 0, "it is over, though it is still there");
    drop(instance);
    assert_eq!(world.runtime.stats().reserved, 0);
}

/// One run at a time.
fn one_at_a_time(queue: usize, queue_wait: Duration) -> World {
    World::new(RuntimeConfig { concurrency: Bound::At(Count(1)), queue, queue_wait, ..RuntimeConfig::default() })
}

#[test]
fn one_whose_call_is_not_taken_is_what_it_was() {
    let world = one_at_a_time(0, Duration::from_secs(30));
    let (mut one, mut other) = (make(&world, &[]), make(&world, &[]));
    call(&world, &mut one, "add", &["1"]);
    let ready = |function, args: &[String]| Call::invoke(&world.module, function, args).expect("exported");
    let spin = other.call(&world.runtime, ready("spin", &[])).expect("accepted");
    let rejection = one.call(&world.runtime, ready("add", &["1".into()])).expect_err("there is no room, and no queue");
    assert_eq!(rejection.reason, RejectReason::Overloaded);
    assert!(one.is_alive());
    spin.running().expect("under way").cancel("test");
    assert_eq!(shown(spin.wait().outcome()), "cancelled:test");
    assert_eq!(call(&world, &mut one, "add", &["1"]).results(), [ResultValue::I32(2)]);
}

#[test]
fn one_whose_call_waits_in_vain_is_what_it_was() {
    let world = one_at_a_time(10, Duration::from_millis(30));
    let (mut one, mut other) = (make(&world, &[]), make(&world, &[]));
    call(&world, &mut one, "add", &["1"]);
    let spin = other.call(&world.runtime, Call::invoke(&world.module, "spin", &[]).expect("exported")).expect("accepted");
    assert_eq!(shown(call(&world, &mut one, "add", &["1"]).outcome()), "rejected:overloaded");
    drop(spin);
    assert_eq!(call(&world, &mut one, "add", &["1"]).results(), [ResultValue::I32(2)]);
}

#[test]
fn one_that_nobody_waits_for_is_not_made() {
    let world = World::new(RuntimeConfig::default());
    let rules = ambit_admit::AdmitRules::from_policy(&policy(&[]));
    let text = "(module (func $start (loop (br 0))) (start $start))";
    let module = std::sync::Arc::new(ambit_admit::admit(wat::parse_str(text).expect("valid"), &rules).expect("admitted"));
    let request = ambit_runtime::InstanceRequest {
        module: world.runtime.load(&module, &policy(&[])).expect("compiled"),
        ..world.instance(policy(&[]))
    };
    drop(world.runtime.instantiate(request).expect("accepted"));
    until("its run has ended", || world.runtime.stats().ended["cancelled"] == 1);
}

#[test]
fn one_of_another_runtime_is_refused() {
    let (world, elsewhere) = (World::new(RuntimeConfig::default()), World::new(RuntimeConfig::default()));
    let mut instance = make(&world, &[]);
    let nothing = Call::invoke(&world.module, "nothing", &[]).expect("exported");
    let rejection = instance.call(&elsewhere.runtime, nothing).expect_err("it is not its own");
    assert_eq!(rejection.reason, RejectReason::Policy);
    assert!(instance.is_alive());
}

#[test]
fn a_start_function_that_traps_makes_no_instance() {
    let world = World::new(RuntimeConfig::default());
    let text = "(module (func $start unreachable) (start $start))";
    let rules = ambit_admit::AdmitRules::from_policy(&policy(&[]));
    let module = std::sync::Arc::new(ambit_admit::admit(wat::parse_str(text).expect("valid"), &rules).expect("admitted"));
    let request = ambit_runtime::InstanceRequest {
        module: world.runtime.load(&module, &policy(&[])).expect("compiled"),
        ..world.instance(policy(&[]))
    };
    let failed = world.runtime.instantiate(request).expect("accepted").wait().expect_err("it traps");
    assert!(matches!(failed.outcome(), Outcome::Trapped { .. }));
    assert_eq!(world.runtime.stats().reserved, 0);
}

#[test]
fn one_for_whose_call_there_is_no_room_is_what_it_was() {
    let config = RuntimeConfig { concurrency: Bound::At(ambit_core::Count(1)), ..RuntimeConfig::default() };
    let world = World::new(RuntimeConfig { queue_wait: std::time::Duration::from_millis(50), ..config });
    let mut instance = make(&world, &[]);
    assert_eq!(call(&world, &mut instance, "add", &["3"]).results(), [ResultValue::I32(3)]);
    let sleeper = world.start("sleep", &["20000"], policy(&[("wall-time", "60s")]));
    assert_eq!(shown(call(&world, &mut instance, "add", &["1"]).outcome()), "rejected:overloaded");
    assert!(instance.is_alive(), "nothing ran");
    sleeper.cancel("test");
    sleeper.wait();
    assert_eq!(call(&world, &mut instance, "add", &["4"]).results(), [ResultValue::I32(7)]);
}
