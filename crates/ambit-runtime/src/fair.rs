//! Whose turn it is: weighted fair queuing between tenants, round-robin within each.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use ambit_core::{Bound, Cpus, RunId};

use crate::bucket::Bucket;

/// Virtual time is CPU time in nanoseconds times this, divided by the weight.
const SCALE: u64 = 1024;
/// How many slices' worth of CPU time a tenant may owe that it had when nobody else wanted it.
const MOST_DEBT: u64 = 4;

/// Those who may run, by tenant.
///
/// Each tenant has a virtual time that advances with the CPU time its guests use, the slower the greater its weight; the
/// tenant with the least goes next. Who was idle starts a slice before the others, so that it runs soon, and no earlier, so
/// that it cannot save up time.
#[derive(Debug)]
pub(crate) struct FairQueue {
    lanes: Vec<Option<Lane>>,
    /// Lanes with somebody to run, by virtual time.
    order: BTreeSet<(u64, usize)>,
    /// The virtual time of who was picked last; never goes back.
    floor: u64,
    /// What a pick is charged before it is known what it took, in nanoseconds.
    slice: u64,
    /// How many may go next: those of throttled tenants not among them.
    runnable: usize,
}

/// One tenant's place in the queue.
#[derive(Debug)]
struct Lane {
    weight: u64,
    virtual_time: u64,
    bucket: Bucket,
    /// It has used up its share of the cores.
    throttled: bool,
    ready: VecDeque<RunId>,
}

impl FairQueue {
    pub(crate) fn new(slice: Duration) -> Self {
        let slice = u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { lanes: Vec::new(), order: BTreeSet::new(), floor: 0, slice, runnable: 0 }
    }

    /// How many may go next: those of throttled tenants not among them.
    pub(crate) fn runnable(&self) -> usize {
        self.runnable
    }

    /// How many of one tenant wait for their turn.
    pub(crate) fn len_of(&self, lane: usize) -> usize {
        self.lanes.get(lane).and_then(Option::as_ref).map_or(0, |lane| lane.ready.len())
    }

    /// A place for a tenant of this weight and share.
    pub(crate) fn add(&mut self, weight: u32, cpus: Bound<Cpus>, now: Instant) -> usize {
        let lane = Lane {
            weight: u64::from(weight.max(1)),
            virtual_time: self.floor,
            bucket: Bucket::of_tenant(cpus, now),
            throttled: false,
            ready: VecDeque::new(),
        };
        let free = self.lanes.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.lanes.push(None);
            self.lanes.len() - 1
        });
        self.lanes[index] = Some(lane);
        index
    }

    /// Gives a tenant's place up. Nobody of it may be left.
    pub(crate) fn remove(&mut self, lane: usize) {
        if let Some(slot) = self.lanes.get_mut(lane)
            && let Some(gone) = slot.take()
        {
            self.order.remove(&(gone.virtual_time, lane));
            self.runnable -= if gone.throttled { 0 } else { gone.ready.len() };
        }
    }

    /// Puts somebody at the end of its tenant's queue.
    pub(crate) fn push(&mut self, lane: usize, id: RunId) {
        let Some(Some(slot)) = self.lanes.get_mut(lane) else { return };
        slot.ready.push_back(id);
        if slot.throttled {
            return;
        }
        self.runnable += 1;
        if slot.ready.len() == 1 {
            let credit = self.slice.saturating_mul(SCALE) / slot.weight;
            slot.virtual_time = slot.virtual_time.max(self.floor.saturating_sub(credit));
            self.order.insert((slot.virtual_time, lane));
        }
    }

    /// Who goes next. Its tenant is charged a whole slice until [`FairQueue::settle`].
    pub(crate) fn pop(&mut self) -> Option<(usize, RunId)> {
        let (virtual_time, index) = self.order.pop_first()?;
        self.floor = self.floor.max(virtual_time);
        let lane = self.lanes.get_mut(index)?.as_mut()?;
        let id = lane.ready.pop_front()?;
        self.runnable -= 1;
        lane.virtual_time = virtual_time.saturating_add(self.slice.saturating_mul(SCALE) / lane.weight);
        if !lane.ready.is_empty() {
            self.order.insert((lane.virtual_time, index));
        }
        Some((index, id))
    }

    /// Charges what a slice that [`FairQueue::pop`] gave really took. Gives back when the tenant may go on, if that is not now.
    pub(crate) fn settle(&mut self, lane: usize, used: Duration, now: Instant) -> Option<Instant> {
        self.charge(lane, used, self.slice, now)
    }

    /// Charges CPU time that was used without having been picked: while nobody else wanted it, or in ending runs. What it cost
    /// is a debt of some slices at most, since nobody else lost more by it.
    pub(crate) fn charge_more(&mut self, lane: usize, used: Duration, now: Instant) -> Option<Instant> {
        let most = self.lanes.get(lane)?.as_ref().map(|lane| {
            let debt = self.slice.saturating_mul(MOST_DEBT).saturating_mul(SCALE) / lane.weight;
            lane.virtual_time.max(self.floor.saturating_add(debt))
        })?;
        let again = self.charge(lane, used, 0, now);
        let slot = self.lanes.get_mut(lane)?.as_mut()?;
        if slot.virtual_time > most {
            let waiting = self.order.remove(&(slot.virtual_time, lane));
            slot.virtual_time = most;
            if waiting {
                self.order.insert((most, lane));
            }
        }
        again
    }

    fn charge(&mut self, index: usize, used: Duration, charged: u64, now: Instant) -> Option<Instant> {
        let lane = self.lanes.get_mut(index)?.as_mut()?;
        let used_ns = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        let waiting = self.order.remove(&(lane.virtual_time, index));
        let without = lane.virtual_time.saturating_sub(charged.saturating_mul(SCALE) / lane.weight);
        lane.virtual_time = without.saturating_add(used_ns.saturating_mul(SCALE) / lane.weight);
        let again = lane.bucket.charge(used, now);
        if again.is_some() && !lane.throttled {
            lane.throttled = true;
            self.runnable -= lane.ready.len();
        } else if waiting {
            self.order.insert((lane.virtual_time, index));
        }
        again
    }

    /// Lets a throttled tenant run again, if its share has refilled by now; otherwise gives back when.
    pub(crate) fn refill(&mut self, index: usize, now: Instant) -> Option<Instant> {
        let lane = self.lanes.get_mut(index)?.as_mut()?;
        if !lane.throttled {
            return None;
        }
        if let Some(again) = lane.bucket.charge(Duration::ZERO, now) {
            return Some(again);
        }
        lane.throttled = false;
        self.runnable += lane.ready.len();
        if !lane.ready.is_empty() {
            let credit = self.slice.saturating_mul(SCALE) / lane.weight;
            lane.virtual_time = lane.virtual_time.max(self.floor.saturating_sub(credit));
            self.order.insert((lane.virtual_time, index));
        }
        None
    }

    /// Whether a tenant has used up its share.
    pub(crate) fn is_throttled(&self, lane: usize) -> bool {
        self.lanes.get(lane).and_then(Option::as_ref).is_some_and(|lane| lane.throttled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Duration = Duration::from_millis(1);

    /// Runs slices on one core until `until`, and gives back what each tenant's guests got. Guest `i` of a tenant uses
    /// `use_of(i)` of each slice and wants to go on at once.
    fn simulate(
        queue: &mut FairQueue,
        tenants: &[(usize, u64)],
        until: Duration,
        use_of: impl Fn(u64) -> Duration,
    ) -> Vec<Duration> {
        let start = Instant::now();
        let mut now = start;
        let mut used = vec![Duration::ZERO; tenants.len()];
        let owner = |id: RunId| tenants.iter().position(|&(lane, _)| id.0 / 1000 == lane as u64).expect("known");
        let mut refills: Vec<(Instant, usize)> = Vec::new();
        for &(lane, guests) in tenants {
            (0..guests).for_each(|guest| queue.push(lane, RunId(lane as u64 * 1000 + guest)));
        }
        while now < start + until {
            refills.retain(|&(again, lane)| again > now || queue.refill(lane, now).is_some());
            let Some((_, id)) = queue.pop() else {
                now = refills.iter().map(|&(again, _)| again).min().expect("somebody is throttled");
                continue;
            };
            let tenant = owner(id);
            let slice = use_of(id.0 % 1000);
            now += slice;
            used[tenant] += slice;
            if let Some(again) = queue.settle(tenants[tenant].0, slice, now) {
                refills.push((again, tenants[tenant].0));
            }
            queue.push(tenants[tenant].0, id);
        }
        used
    }

    fn ratio(a: Duration, b: Duration) -> f64 {
        a.as_secs_f64() / b.as_secs_f64()
    }

    #[test]
    fn weights_are_kept() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let (a, b) = (queue.add(3, Bound::Unlimited, now), queue.add(1, Bound::Unlimited, now));
        let used = simulate(&mut queue, &[(a, 50), (b, 50)], Duration::from_secs(2), |_| SLICE);
        assert!((ratio(used[0], used[1]) - 3.0).abs() < 0.05, "{used:?}");
        let used = simulate(&mut queue, &[(a, 0), (b, 0)], Duration::from_secs(2), |guest| {
            SLICE / u32::try_from(1 + guest % 7).expect("small")
        });
        assert!((ratio(used[0], used[1]) - 3.0).abs() < 0.05, "however long their slices are: {used:?}");
    }

    #[test]
    fn a_tenant_with_one_guest_gets_as_much_as_one_with_many() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let (a, b) = (queue.add(1, Bound::Unlimited, now), queue.add(1, Bound::Unlimited, now));
        let used = simulate(&mut queue, &[(a, 1), (b, 500)], Duration::from_secs(2), |_| SLICE);
        assert!((ratio(used[0], used[1]) - 1.0).abs() < 0.01, "{used:?}");
    }

    #[test]
    fn a_cap_is_kept_and_the_rest_goes_to_others() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let (a, b) = (queue.add(100, Bound::At(Cpus::from_milli(250)), now), queue.add(1, Bound::Unlimited, now));
        let used = simulate(&mut queue, &[(a, 10), (b, 10)], Duration::from_secs(4), |_| SLICE);
        let share = used[0].as_secs_f64() / 4.0;
        assert!((0.24..0.27).contains(&share), "{share}");
        assert!((used[0] + used[1]).as_secs_f64() > 3.99, "{used:?}");
    }

    #[test]
    fn who_was_idle_runs_soon_and_saves_nothing_up() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let (busy, idle) = (queue.add(1, Bound::Unlimited, now), queue.add(1, Bound::Unlimited, now));
        simulate(&mut queue, &[(busy, 10)], Duration::from_secs(10), |_| SLICE);
        queue.push(idle, RunId(7));
        assert_eq!(queue.pop(), Some((idle, RunId(7))), "next, before ten that were there first");
        queue.settle(idle, SLICE, now);
        queue.push(idle, RunId(7));
        let turns = (0..100).filter(|_| {
            let (lane, id) = queue.pop().expect("many are ready");
            queue.settle(lane, SLICE, now);
            queue.push(lane, id);
            lane == idle
        });
        let turns = turns.count();
        assert!((49..=52).contains(&turns), "ten seconds of rest are worth a slice, not ten seconds: {turns}");
    }

    #[test]
    fn a_tenant_that_is_not_throttled_is_not_refilled_twice() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let lane = queue.add(1, Bound::At(Cpus::from_milli(100)), now);
        queue.push(lane, RunId(1));
        queue.push(lane, RunId(2));
        assert!(queue.pop().is_some());
        let again = queue.settle(lane, Duration::from_millis(50), now).expect("it has used up its share");
        assert_eq!((queue.runnable(), queue.pop()), (0, None));
        assert_eq!(queue.refill(lane, again), None);
        assert_eq!(queue.refill(lane, again), None, "a second timer changes nothing");
        assert_eq!(queue.runnable(), 1);
        assert!(queue.charge_more(lane, Duration::from_millis(500), again).is_some());
        assert_eq!((queue.runnable(), queue.pop()), (0, None), "throttled again, and in no other place of the order");
    }

    #[test]
    fn what_was_used_while_nobody_else_wanted_it_is_a_debt_of_few_slices() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let (busy, alone) = (queue.add(1, Bound::Unlimited, now), queue.add(1, Bound::Unlimited, now));
        queue.charge_more(alone, Duration::from_secs(10), now);
        queue.push(busy, RunId(1));
        queue.push(alone, RunId(2));
        let turns_of_others = (0..20_000)
            .take_while(|_| {
                let (lane, id) = queue.pop().expect("both are ready");
                queue.settle(lane, SLICE, now);
                queue.push(lane, id);
                lane == busy
            })
            .count();
        assert!((1..=8).contains(&turns_of_others), "not ten thousand: {turns_of_others}");
    }

    #[test]
    fn places_are_used_again() {
        let mut queue = FairQueue::new(SLICE);
        let now = Instant::now();
        let first = queue.add(1, Bound::Unlimited, now);
        queue.push(first, RunId(1));
        queue.remove(first);
        assert_eq!((queue.runnable(), queue.pop()), (0, None));
        assert_eq!(queue.add(1, Bound::Unlimited, now), first);
    }
}
