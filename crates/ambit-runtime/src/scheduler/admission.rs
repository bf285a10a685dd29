//! Who may begin: those that wait for room.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::Ordering::{Relaxed, SeqCst},
    },
};

use ambit_core::RunId;

use super::{Scheduler, State, Timer};
use crate::{gate::Permit, seat::Hold};

impl Scheduler {
    /// Room was made: admits whom it suits.
    pub(crate) fn admit(this: &Arc<Self>) {
        this.with(|state| this.admit_waiting(state));
    }

    /// Admits those behind the ones that have gone, if fewer wait than did before.
    pub(super) fn admit_after(self: &Arc<Self>, state: &mut State, waited: usize) {
        if self.gate.waiting.load(Relaxed) < waited {
            self.admit_waiting(state);
        }
    }

    /// Admits those who wait and fit, the tenant with the fewest runs for its weight first. Who finds no room in the runtime is
    /// passed by nobody; who only finds its own tenant full holds up nobody else.
    pub(super) fn admit_waiting(self: &Arc<Self>, state: &mut State) {
        loop {
            let mut heads: Vec<(u64, RunId)> = state
                .waiting
                .values()
                .filter_map(VecDeque::front)
                .filter_map(|&id| {
                    let tenant = &state.seats.get(&id)?.task()?.tenant;
                    let running = tenant.running.load(SeqCst);
                    let share = (running as u64).saturating_mul(1 << 20) / u64::from(tenant.config.weight.max(1));
                    (running < tenant.concurrency()).then_some((share, id))
                })
                .collect();
            heads.sort_unstable();
            let next = heads.first().map(|&(_, id)| id);
            let admitted = next.and_then(|id| {
                let task = state.seats.get_mut(&id)?.task_mut()?;
                task.permit = Permit::take(self, &task.tenant, task.asks);
                task.permit.is_some().then_some((id, task.tenant.lane, task.queue_until))
            });
            let Some((id, lane, until)) = admitted else {
                self.gate.short.store(next.is_some(), SeqCst);
                return;
            };
            state.timers.remove(&(until, Timer::Queue(id)));
            self.no_longer_waits(state, id, lane);
            if state.seats.get_mut(&id).is_some_and(|seat| seat.release(Hold::Unadmitted)) {
                state.push(id, lane);
            }
        }
    }

    pub(super) fn no_longer_waits(&self, state: &mut State, id: RunId, lane: usize) {
        let Some(line) = state.waiting.get_mut(&lane) else { return };
        let before = line.len();
        if line.front() == Some(&id) {
            line.pop_front();
        } else {
            line.retain(|&other| other != id);
        }
        self.gate.waiting.fetch_sub(before - line.len(), SeqCst);
        if line.is_empty() {
            state.waiting.remove(&lane);
        }
    }
}
