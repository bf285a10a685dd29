//! Runs that are paused.

use std::{thread, time::Duration};

use ambit_runtime::{RunState, RuntimeConfig};

use crate::{World, policy, shown, until};

fn cpu(world: &World) -> Duration {
    world.runtime.stats().tenants[0].cpu
}

#[test]
fn a_paused_loop_uses_no_cpu_until_it_is_resumed() {
    let world = World::new(RuntimeConfig::default());
    let run = world.start("spin", &[], policy(&[("wall-time", "60s")]));
    until("it runs", || cpu(&world) > Duration::from_millis(5));
    run.pause();
    until("it is paused", || run.state() == Some(RunState::Paused));
    let before = cpu(&world);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(cpu(&world), before);
    run.resume();
    until("it goes on", || cpu(&world) > before + Duration::from_millis(5));
    run.cancel("test");
    assert_eq!(shown(run.wait().outcome()), "cancelled:test");
}

#[test]
fn a_paused_run_keeps_its_deadline_and_can_be_cancelled() {
    let world = World::new(RuntimeConfig::default());
    let late = world.start("spin", &[], policy(&[("wall-time", "100ms")]));
    let cancelled = world.start("spin", &[], policy(&[("wall-time", "60s")]));
    late.pause();
    cancelled.pause();
    cancelled.cancel("test");
    assert_eq!(shown(cancelled.wait().outcome()), "cancelled:test");
    assert_eq!(shown(late.wait().outcome()), "limit-exceeded:wall-time");
}

#[test]
fn what_a_paused_run_waited_for_is_not_lost() {
    let world = World::new(RuntimeConfig::default());
    let run = world.start("sleep", &["50"], policy(&[("wall-time", "60s")]));
    until("it sleeps", || run.state() == Some(RunState::Waiting));
    run.pause();
    thread::sleep(Duration::from_millis(150));
    assert_eq!(run.state(), Some(RunState::Paused), "its sleep is over, and it is not");
    run.resume();
    assert_eq!(shown(run.wait().outcome()), "exited:0");
}
