//! What goes on at one moment.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Weak,
        atomic::Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};

use super::{Doom, Scheduler, State};
use crate::{
    seat::{Hold, Seat},
    stats::{RunState, TenantStats},
    task::Task,
};

impl Scheduler {
    /// Counts of runs by what they are doing, and of tenants.
    pub(crate) fn snapshot(&self) -> (BTreeMap<RunState, usize>, Vec<TenantStats>) {
        let (states, tenants, held) = self.with(|state| {
            let mut states: BTreeMap<RunState, usize> = RunState::ALL.iter().map(|&state| (state, 0)).collect();
            for seat in state.seats.values() {
                *states.entry(state.state_of(seat)).or_default() += 1;
            }
            let inline = self.inline.load(SeqCst);
            *states.entry(RunState::Running).or_default() += inline;
            let tenants = state.tenants.iter().filter_map(Weak::upgrade).collect::<Vec<_>>();
            let tenants = tenants.into_iter().map(|tenant| {
                let lane = tenant.lane;
                let stats = TenantStats {
                    name: Arc::clone(&tenant.config.name),
                    weight: tenant.config.weight,
                    admitted: tenant.running.load(SeqCst),
                    ready: state.queue.len_of(lane),
                    queued: state.waiting.get(&lane).map_or(0, VecDeque::len),
                    throttled: state.queue.is_throttled(lane),
                    ended: tenant.ended.load(Relaxed),
                    cpu: Duration::from_nanos(tenant.cpu_ns()),
                };
                (tenant, stats)
            });
            // The last handle of a tenant may be one of these, and dropping it takes the lock: they leave it first.
            let (held, tenants): (Vec<_>, Vec<_>) = tenants.unzip();
            (states, tenants, held)
        });
        drop(held);
        (states, tenants)
    }
}

impl State {
    pub(super) fn state_of(&self, seat: &Seat<Box<Task>, Doom>) -> RunState {
        let Some(task) = seat.task() else { return RunState::Running };
        let holds = seat.holds();
        if holds.contains(Hold::Unadmitted) {
            RunState::Queued
        } else if holds.contains(Hold::Paused) {
            RunState::Paused
        } else if holds.contains(Hold::Throttled) || self.queue.is_throttled(task.tenant.lane) && seat.is_queued() {
            RunState::Throttled
        } else if seat.is_queued() {
            RunState::Ready
        } else if task.is_compiling() {
            RunState::Compiling
        } else {
            RunState::Waiting
        }
    }
}
