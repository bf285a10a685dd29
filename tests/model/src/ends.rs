//! Cancel, deadline, exit and pause at one instant give exactly one outcome.

use std::collections::VecDeque;

use loom::{
    sync::{Arc, Mutex},
    thread,
};

use crate::seat::{Hold, Put, Seat};

/// A guest that ends of itself in its last slice.
#[derive(Debug)]
struct Guest {
    slices: u32,
}

/// What the scheduler guards by its lock, reduced to one run: its seat, the queue, and those that a core is to end.
struct World {
    seat: Option<Seat<Guest, &'static str>>,
    queue: VecDeque<()>,
    doomed: VecDeque<&'static str>,
    ends: Vec<&'static str>,
}

type Shared = Arc<Mutex<World>>;

impl World {
    fn new(slices: u32) -> Shared {
        let mut seat = Seat::new(Guest { slices });
        assert!(seat.queue());
        let (queue, doomed) = (VecDeque::from([()]), VecDeque::new());
        Arc::new(Mutex::new(Self { seat: Some(seat), queue, doomed, ends: Vec::new() }))
    }

    /// As the scheduler does for a deadline or a cancellation.
    fn end(&mut self, why: &'static str) {
        if let Some((_guest, why)) = self.seat.as_mut().and_then(|seat| seat.end(why)) {
            self.seat = None;
            self.doomed.push_back(why);
        }
    }
}

/// What a core does until there is nothing left to do.
fn core(world: &Shared) {
    loop {
        let mut state = world.lock().expect("no panic");
        if let Some(why) = state.doomed.pop_front() {
            drop(state);
            // Its guest is dropped outside the lock.
            world.lock().expect("no panic").ends.push(why);
            continue;
        }
        let Some(()) = state.queue.pop_front() else { return };
        let Some(mut guest) = state.seat.as_mut().and_then(Seat::take) else { continue };
        drop(state);
        // A slice, outside the lock. The guest wants to go on, so it wakes itself.
        guest.slices -= 1;
        if guest.slices == 0 {
            let mut state = world.lock().expect("no panic");
            state.seat = None;
            state.ends.push("exit");
            continue;
        }
        let mut state = world.lock().expect("no panic");
        let seat = state.seat.as_mut().expect("only the core that has a run takes its seat away");
        assert!(!seat.wake(), "it is away");
        match seat.put(guest) {
            Put::Seated { queue: true } => state.queue.push_back(()),
            Put::Seated { queue: false } => {}
            Put::Doomed(_guest, why) => {
                state.seat = None;
                state.ends.push(why);
            }
        }
    }
}

/// Runs `others` beside a core, then the core once more for what they left behind.
fn beside_a_core(slices: u32, others: &[fn(&Shared)]) -> Shared {
    let world = World::new(slices);
    let threads: Vec<_> = others
        .iter()
        .map(|&other| {
            let world = Arc::clone(&world);
            thread::spawn(move || other(&world))
        })
        .collect();
    core(&world);
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    core(&world);
    world
}

fn pause(world: &Shared) {
    if let Some(seat) = &mut world.lock().expect("no panic").seat {
        seat.hold(Hold::Paused);
    }
}

fn resume(world: &Shared) {
    let mut state = world.lock().expect("no panic");
    if state.seat.as_mut().is_some_and(|seat| seat.release(Hold::Paused)) {
        state.queue.push_back(());
    }
}

#[test]
fn cancel_and_deadline_and_exit_at_one_instant_give_one_end() {
    loom::model(|| {
        let world = beside_a_core(
            2,
            &[|world| world.lock().expect("no panic").end("cancel"), |world| world.lock().expect("no panic").end("deadline")],
        );
        let state = world.lock().expect("no panic");
        assert_eq!(state.ends.len(), 1, "{:?}", state.ends);
        assert!(state.seat.is_none());
    });
}

#[test]
fn a_run_that_is_paused_and_resumed_is_not_forgotten_and_runs_once() {
    loom::model(|| {
        let world = beside_a_core(
            2,
            &[|world| {
                pause(world);
                resume(world);
            }],
        );
        assert_eq!(world.lock().expect("no panic").ends, ["exit"]);
    });
}

#[test]
fn a_paused_run_can_still_be_ended() {
    loom::model(|| {
        let world = beside_a_core(2, &[pause, |world| world.lock().expect("no panic").end("deadline")]);
        let state = world.lock().expect("no panic");
        assert_eq!(state.ends.len(), 1, "{:?}", state.ends);
    });
}

#[test]
fn two_cores_never_have_the_same_run() {
    loom::model(|| {
        let world = beside_a_core(2, &[core, |world| world.lock().expect("no panic").end("cancel")]);
        assert_eq!(world.lock().expect("no panic").ends.len(), 1);
    });
}
