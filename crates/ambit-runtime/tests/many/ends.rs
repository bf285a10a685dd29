//! Exactly one end, whatever happens at the same instant.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use ambit_core::{Event, RunId};
use ambit_runtime::{Heard, RuntimeConfig};

use crate::{World, policy, shown};

/// Row life-008 of the catalogue of attacks; `tests/model` has the same under a model checker.
#[test]
fn life_008_cancel_and_deadline_and_exit_at_one_instant() {
    let ends: Arc<Mutex<HashMap<RunId, u32>>> = Arc::default();
    let counts = Arc::clone(&ends);
    let listener = Arc::new(move |event: &Event| {
        if let Event::Ended { run, .. } = event {
            *counts.lock().expect("no panic").entry(*run).or_default() += 1;
        }
    });
    let world = World::new(RuntimeConfig { cores: 2, listener: Some(listener), ..RuntimeConfig::default() });
    // Compiled once before, so that runs begin at once.
    world.start("nothing", &[], policy(&[])).wait();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for i in 0..600_u64 {
        let run = world.start("sleep", &["3"], policy(&[("wall-time", "3ms")]));
        let control = run.control();
        let racer = thread::spawn(move || {
            thread::sleep(Duration::from_micros(2_500 + (i % 20) * 50));
            control.cancel("test");
            control.cancel("again");
        });
        if i % 3 == 0 {
            run.pause();
            run.resume();
        }
        *seen.entry(shown(run.wait().outcome())).or_default() += 1;
        racer.join().expect("no panic");
    }
    let ends = ends.lock().expect("no panic");
    assert_eq!(ends.len(), 601);
    assert!(ends.values().all(|&count| count == 1), "each has one end: {ends:?}");
    assert!(seen.len() > 1, "it was a race: {seen:?}");
}

#[test]
fn a_runtime_that_goes_ends_what_it_runs() {
    let world = World::new(RuntimeConfig { cores: 2, ..RuntimeConfig::default() });
    let runs: Vec<_> = ["spin", "sleep"]
        .into_iter()
        .cycle()
        .take(20)
        .map(|function| {
            let args: &[&str] = if function == "sleep" { &["100000"] } else { &[] };
            world.start(function, args, policy(&[("wall-time", "10m")]))
        })
        .collect();
    drop(world);
    for run in runs {
        assert_eq!(shown(run.wait().outcome()), "cancelled:shutdown");
    }
}

#[test]
fn a_stream_of_events_has_each_start_and_end_in_order() {
    let world = World::new(RuntimeConfig::default());
    let mut events = world.runtime.events();
    let run = world.start("nothing", &[], policy(&[]));
    let id = run.id();
    run.wait();
    drop(world);
    let mut heard = Vec::new();
    while let Some(Heard::Event(event)) = events.next_blocking() {
        heard.push(match event {
            Event::Started { run, .. } => ("started", run),
            Event::Compiled { run } => ("compiled", run),
            Event::Ended { run, .. } => ("ended", run),
        });
    }
    assert_eq!(heard, [("started", id), ("compiled", id), ("ended", id)]);
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    let listener = Arc::new(|event: &Event| assert!(!matches!(event, Event::Ended { .. }), "on purpose"));
    let world = World::new(RuntimeConfig { listener: Some(listener), ..RuntimeConfig::default() });
    for _ in 0..3 {
        assert_eq!(shown(world.start("nothing", &[], policy(&[])).wait().outcome()), "exited:0");
    }
}
