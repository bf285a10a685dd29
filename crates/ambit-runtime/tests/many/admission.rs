//! How many run at once, how much memory they reserve, and who waits.

use std::time::Duration;

use ambit_core::{Bound, ByteSize, Count, RejectReason};
use ambit_runtime::{RunRequest, RunState, RuntimeConfig, TenantConfig};

use crate::{World, policy, shown, until};

fn one_at_a_time() -> RuntimeConfig {
    RuntimeConfig { concurrency: Bound::At(Count(1)), ..RuntimeConfig::default() }
}

#[test]
fn runs_beyond_the_concurrency_wait_and_then_run() {
    let world = World::new(one_at_a_time());
    let first = world.start("sleep", &["10000"], policy(&[]));
    let second = world.start("nothing", &[], policy(&[]));
    until("it waits", || second.state() == Some(RunState::Queued));
    first.cancel("test");
    assert_eq!(shown(first.wait().outcome()), "cancelled:test");
    assert_eq!(shown(second.wait().outcome()), "exited:0");
}

#[test]
fn one_that_waits_can_be_cancelled_and_has_its_deadline() {
    let world = World::new(one_at_a_time());
    let first = world.start("sleep", &["10000"], policy(&[]));
    let cancelled = world.start("nothing", &[], policy(&[]));
    let late = world.start("nothing", &[], policy(&[("wall-time", "50ms")]));
    cancelled.cancel("test");
    assert_eq!(shown(cancelled.wait().outcome()), "cancelled:test");
    assert_eq!(shown(late.wait().outcome()), "limit-exceeded:wall-time");
    assert!(first.state().is_some(), "nobody ended the first");
}

#[test]
fn a_full_queue_and_a_long_wait_are_refusals() {
    let world = World::new(RuntimeConfig { queue: 1, queue_wait: Duration::from_millis(50), ..one_at_a_time() });
    let first = world.start("sleep", &["10000"], policy(&[]));
    let waits = world.start("nothing", &[], policy(&[]));
    let rejection = world.try_start("nothing", &[], policy(&[]), None).expect_err("the queue is full");
    assert_eq!(rejection.reason, RejectReason::Overloaded, "{rejection}");
    assert_eq!(shown(waits.wait().outcome()), "rejected:overloaded");
    let next = world.start("nothing", &[], policy(&[]));
    first.cancel("test");
    assert_eq!(shown(next.wait().outcome()), "exited:0", "there is room again");
}

#[test]
fn memory_is_reserved_before_and_released_once() {
    let world = World::new(RuntimeConfig { memory: Bound::At(ByteSize::mib(100)), ..RuntimeConfig::default() });
    let ask = |memory| policy(&[("memory", memory)]);
    let first = world.start("sleep", &["10000"], ask("60MiB"));
    assert_eq!(world.runtime.stats().reserved, 60 << 20);
    let second = world.start("sleep", &["10000"], ask("60MiB"));
    until("it waits for room", || second.state() == Some(RunState::Queued));
    assert_eq!(world.runtime.stats().reserved, 60 << 20);
    first.cancel("test");
    first.wait();
    until("it runs", || second.state() == Some(RunState::Waiting));
    assert_eq!(world.runtime.stats().reserved, 60 << 20);
    second.cancel("test");
    second.wait();
    assert_eq!(world.runtime.stats().reserved, 0);
    let never = world.try_start("nothing", &[], ask("101MiB"), None).expect_err("there is never room");
    assert_eq!(never.reason, RejectReason::Policy);
    assert!(never.message.contains("101MiB") && never.message.contains("100MiB"), "{never}");
    let unbounded = world.try_start("nothing", &[], ask("unlimited"), None);
    assert!(unbounded.is_err(), "what is not bounded cannot be reserved");
}

#[test]
fn a_tenant_has_its_own_concurrency_and_is_not_passed_by_its_own() {
    let world = World::new(RuntimeConfig::default());
    let config = TenantConfig { concurrency: Bound::At(Count(1)), ..TenantConfig::new("narrow") };
    let narrow = world.runtime.tenant(config).expect("a tenant");
    let start = |function: &str, args: &[&str]| world.try_start(function, args, policy(&[]), Some(&narrow)).expect("accepted");
    let first = start("sleep", &["10000"]);
    let second = start("nothing", &[]);
    until("it waits", || second.state() == Some(RunState::Queued));
    let other = world.start("nothing", &[], policy(&[]));
    assert_eq!(shown(other.wait().outcome()), "exited:0", "others are not held up");
    first.cancel("test");
    first.wait();
    assert_eq!(shown(second.wait().outcome()), "exited:0");
}

#[test]
fn a_storm_of_runs_leaves_nothing_reserved() {
    let world = World::new(RuntimeConfig {
        cores: 2,
        concurrency: Bound::At(Count(3)),
        memory: Bound::At(ByteSize::mib(256)),
        ..RuntimeConfig::default()
    });
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let world = &world;
            scope.spawn(move || {
                for i in 0..200_u32 {
                    let function = ["nothing", "trap", "spin"][((i + thread) % 3) as usize];
                    let run = world.start(function, &[], policy(&[("wall-time", "2ms"), ("memory", "64MiB")]));
                    if i % 5 == 0 {
                        run.cancel("test");
                    }
                    run.wait();
                }
            });
        }
    });
    let stats = world.runtime.stats();
    assert_eq!(stats.reserved, 0);
    assert_eq!(stats.ended.values().sum::<u64>(), 800);
    assert!(stats.runs.values().all(|&count| count == 0), "{stats:?}");
}

#[test]
fn those_that_wait_are_ended_in_time_although_no_core_has_anything_to_do() {
    let world = World::new(RuntimeConfig { queue_wait: Duration::from_millis(100), ..one_at_a_time() });
    let first = world.start("sleep", &["20000"], policy(&[("wall-time", "60s")]));
    until("the core sleeps", || first.state() == Some(RunState::Waiting));
    let (late, unlucky) = (world.start("nothing", &[], policy(&[("wall-time", "50ms")])), world.start("nothing", &[], policy(&[])));
    assert_eq!(shown(late.wait().outcome()), "limit-exceeded:wall-time");
    assert_eq!(shown(unlucky.wait().outcome()), "rejected:overloaded");
    assert_eq!(first.state(), Some(RunState::Waiting), "long before the first is over");
}

#[test]
fn a_tenant_that_fills_its_own_queue_holds_up_nobody_else() {
    let world = World::new(RuntimeConfig { queue: 4, ..RuntimeConfig::default() });
    let config = TenantConfig { concurrency: Bound::At(Count(1)), ..TenantConfig::new("full") };
    let full = world.runtime.tenant(config).expect("a tenant");
    let start = || world.try_start("sleep", &["20000"], policy(&[("wall-time", "60s")]), Some(&full));
    let _runs: Vec<_> = (0..5).map(|_| start().expect("accepted")).collect();
    assert_eq!(start().expect_err("its queue is full").reason, RejectReason::Overloaded);
    world.start("nothing", &[], policy(&[])).wait();
    let inline = world.runtime.stats().inline;
    for _ in 0..10 {
        let finished = world.runtime.run(world.request("nothing", &[], policy(&[]), None)).expect("accepted");
        assert_eq!(shown(finished.outcome()), "exited:0");
    }
    assert!(world.runtime.stats().inline > inline, "short calls still run where they are made");
}

#[test]
fn a_large_run_is_not_passed_by_small_ones_for_ever() {
    let world = World::new(RuntimeConfig { memory: Bound::At(ByteSize::mib(100)), ..RuntimeConfig::default() });
    let [small, large] = ["small", "large"].map(|name| world.runtime.tenant(TenantConfig::new(name)).expect("a tenant"));
    let ask = |memory| policy(&[("memory", memory)]);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    world.try_start("sleep", &["20"], ask("25MiB"), Some(&small)).expect("accepted").wait();
                }
            });
        }
        std::thread::sleep(Duration::from_millis(50));
        let run = world.try_start("nothing", &[], ask("90MiB"), Some(&large)).expect("accepted");
        assert_eq!(shown(run.wait().outcome()), "exited:0");
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_deadline_that_has_passed_already_is_kept_wherever_the_run_would_begin() {
    let world = World::new(RuntimeConfig::default());
    world.start("nothing", &[], policy(&[])).wait();
    let since = Some(std::time::Instant::now() - Duration::from_secs(10));
    let request = || RunRequest { since, ..world.request("nothing", &[], policy(&[("wall-time", "1s")]), None) };
    assert_eq!(shown(world.runtime.run(request()).expect("accepted").outcome()), "limit-exceeded:wall-time");
    assert_eq!(shown(world.runtime.start(request()).expect("accepted").wait().outcome()), "limit-exceeded:wall-time");
}

#[test]
fn when_the_last_that_waits_is_cancelled_short_calls_run_where_they_are_made_again() {
    let world = World::new(RuntimeConfig { concurrency: Bound::At(Count(2)), ..RuntimeConfig::default() });
    world.start("nothing", &[], policy(&[])).wait();
    let runs: Vec<_> = (0..3).map(|_| world.start("sleep", &["20000"], policy(&[("wall-time", "60s")]))).collect();
    until("the third waits", || runs[2].state() == Some(RunState::Queued));
    for run in runs.into_iter().rev() {
        run.cancel("test");
        run.wait();
    }
    let inline = world.runtime.stats().inline;
    let finished = world.runtime.run(world.request("nothing", &[], policy(&[]), None)).expect("accepted");
    assert_eq!((shown(finished.outcome()), world.runtime.stats().inline), ("exited:0".into(), inline + 1));
}
