//! The thread that listens to a worker.

use std::{os::fd::AsFd, time::Instant};

use ambit_core::{Isolation, Outcome};
use ambit_jail::wire::{FromWorker, WireError};
use rustix::event::{PollFd, PollFlags};

use super::{Repeated, Shared, TenantEnd, ended};
use crate::launch::{
    Process, TURN,
    believe::{self, Believed, WorkerSays},
    death, lost, nanos, still_talking, timeout,
};

/// Listens to a worker until it is over, and ends it if a guest of it does not stop when it must.
pub(super) fn listen(mut process: Process, shared: &Shared) {
    let outcome = loop {
        let turn = Instant::now() + TURN;
        match hear(&mut process, shared, turn) {
            Ok(()) => {}
            Err(outcome) => break outcome,
        }
        let (until, overdue) = {
            let state = shared.state();
            if state.stop {
                break Outcome::Cancelled { by: "shutdown".into() };
            }
            let due = state.runs.values().filter_map(|waiting| waiting.due.as_ref().map(|due| due.at)).min();
            (due, due.is_some_and(|due| due <= Instant::now()))
        };
        if overdue {
            break lost("the worker was ended, since another guest of it did not stop".into());
        }
        let mut watched = [
            PollFd::from_borrowed_fd(process.channel.socket(), PollFlags::IN),
            PollFd::from_borrowed_fd(shared.wake.as_fd(), PollFlags::IN),
        ];
        // Woken for nothing, it looks around and waits again.
        let _ = rustix::event::poll(&mut watched, timeout(still_talking(turn).or(until)).as_ref());
        let _ = rustix::io::read(&shared.wake, &mut [0; 8]);
    };
    process.end();
    let mut state = shared.state();
    let now = Instant::now();
    for (_, waiting) in state.runs.drain() {
        let own = waiting.due.filter(|due| due.at <= now).map(|due| match due.outcome {
            Outcome::LimitExceeded { limit, allowed, .. } => {
                Outcome::LimitExceeded { limit, allowed, used: Some(nanos(now - waiting.since)) }
            }
            outcome => outcome,
        });
        // Nobody may be waiting any more.
        let _ = waiting.end.send(ended(own.unwrap_or_else(|| outcome.clone())));
    }
    state.over = Some(outcome);
    state.loading.clear();
    state.repeats.clear();
}

/// Hears what the worker says, until it says no more for now or its turn is over; or how it ended.
fn hear(process: &mut Process, shared: &Shared, turn: Instant) -> Result<(), Outcome> {
    while Instant::now() < turn {
        let said = match process.channel.try_receive::<FromWorker>() {
            Ok(None) => return Ok(()),
            Ok(Some((said, _))) => said,
            Err(error) => return Err(gone(process, &error)),
        };
        let mut state = shared.state();
        match believe::worker(said, Isolation::Tenant) {
            WorkerSays::Ended(end) => {
                // What nobody waits for is a lie, or of a run that was given up.
                if let Some(waiting) = state.runs.remove(&end.run()) {
                    drop(state);
                    let Believed { outcome, results, value, mut usage, violations, stdout, stderr } =
                        end.believe(&waiting.policy, Isolation::Tenant, || waiting.returns);
                    usage.wall_ns = Some(nanos(waiting.since.elapsed()));
                    // Who cancelled it is known here and not there, and if nobody did it was not cancelled.
                    let outcome = match (outcome, waiting.due.map(|due| due.outcome)) {
                        (Outcome::Cancelled { .. }, Some(by @ Outcome::Cancelled { .. })) => by,
                        (Outcome::Cancelled { .. }, _) => {
                            lost("the worker says that somebody cancelled the run, and nobody did".into())
                        }
                        (outcome, _) => outcome,
                    };
                    let end = TenantEnd { outcome, results, value, usage, violations, stdout, stderr };
                    let _ = waiting.end.send(end);
                }
            }
            WorkerSays::Repeated(repeats) => {
                let (run, over) = (repeats.run, repeats.over);
                if let Some(repeating) = state.repeats.get_mut(&run) {
                    let (took, ended, failure) = repeats.believe(&repeating.policy, Isolation::Tenant, repeating.left);
                    repeating.left -= took.len() as u64;
                    let _ = repeating.tell.send(Repeated { took, ended, failure });
                }
                if over {
                    state.repeats.remove(&run);
                }
            }
            WorkerSays::Loaded { module, refused } => {
                if let Some(loading) = state.loading.remove(&module) {
                    let _ = loading.send(refused);
                }
            }
            // No run here asks for its messages.
            WorkerSays::Log(_) => {}
            WorkerSays::Failed(reason) => return Err(lost(format!("the worker gave up: {reason}"))),
            WorkerSays::Entered { .. } | WorkerSays::NotEntered(_) => {
                return Err(lost("the worker says what nobody has asked".into()));
            }
        }
    }
    Ok(())
}

fn gone(process: &mut Process, error: &WireError) -> Outcome {
    match death(process, None, error) {
        // Which of its guests it was nobody can tell.
        Ok(death) => lost(death.describe("worker")),
        Err(rejection) => Outcome::Rejected(rejection),
    }
}
