//! Clocks of components, and waiting for them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynPollable, Pollable,
    bindings::clocks::{
        monotonic_clock,
        wall_clock::{self, Datetime},
    },
    subscribe,
};

use super::View;
use crate::host::{GuestClock, yield_once};

const SECOND: u64 = 1_000_000_000;

fn datetime(nanos: u64) -> Datetime {
    Datetime { seconds: nanos / SECOND, nanoseconds: u32::try_from(nanos % SECOND).expect("less than a second") }
}

impl wall_clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<Datetime> {
        Ok(datetime(self.host.clock.realtime()))
    }

    fn resolution(&mut self) -> wasmtime::Result<Datetime> {
        Ok(datetime(self.host.clock.resolution()))
    }
}

impl monotonic_clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        Ok(self.host.clock.monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        Ok(self.host.clock.resolution())
    }

    fn subscribe_instant(&mut self, when: monotonic_clock::Instant) -> wasmtime::Result<Resource<DynPollable>> {
        let clock = &mut self.host.clock;
        let now = if clock.is_fixed() { clock.stands() } else { clock.monotonic() };
        self.sleep(when.saturating_sub(now))
    }

    fn subscribe_duration(&mut self, length: monotonic_clock::Duration) -> wasmtime::Result<Resource<DynPollable>> {
        self.sleep(length)
    }
}

impl View<'_> {
    fn sleep(&mut self, nanos: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let clock = &self.host.clock;
        let sleep = if clock.is_fixed() {
            let due = clock.stands().saturating_add(nanos).min(u64::MAX / 4);
            Sleep::Fixed { clock: clock.clone(), due, sleepers: self.sleepers.clone() }
        } else if nanos == 0 {
            Sleep::Over
        } else {
            // What cannot be told is centuries away.
            Instant::now().checked_add(Duration::from_nanos(nanos)).map_or(Sleep::Endless, Sleep::Until)
        };
        let sleep = self.table.push(sleep)?;
        subscribe(self.table, sleep)
    }
}

/// Something that is ready at a time.
enum Sleep {
    Until(Instant),
    /// At once, but other guests get a turn.
    Over,
    Endless,
    /// On a clock that only readings and sleeps move.
    Fixed {
        clock: GuestClock,
        due: u64,
        sleepers: Sleepers,
    },
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        match self {
            Sleep::Until(due) => tokio::time::sleep_until(*due).await,
            Sleep::Over => yield_once().await,
            Sleep::Endless => std::future::pending().await,
            Sleep::Fixed { clock, due, sleepers } => sleepers.clone().sleep(clock, *due).await,
        }
    }
}

/// Who sleeps on the fixed clock at this moment, by when it is due. Time does not pass by itself: once everything that a guest
/// waits for has been asked and nothing is ready, the clock jumps to the first that is due, and to no other.
#[derive(Debug, Clone, Default)]
pub(super) struct Sleepers(Arc<Mutex<BTreeMap<u64, usize>>>);

impl Sleepers {
    fn list(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(self, clock: &mut GuestClock, due: u64) {
        while clock.stands() < due {
            let asleep = Asleep::new(&self, due);
            // Everything else that is waited for together with this is asked before it goes on.
            yield_once().await;
            let first = self.list().keys().next().copied().unwrap_or(due);
            drop(asleep);
            clock.skip(first.saturating_sub(clock.stands()));
        }
    }
}

/// One that sleeps, until it is dropped.
struct Asleep<'a> {
    sleepers: &'a Sleepers,
    due: u64,
}

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a Sleepers, due: u64) -> Self {
        *sleepers.list().entry(due).or_default() += 1;
        Self { sleepers, due }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        let mut list = self.sleepers.list();
        if let Some(count) = list.get_mut(&self.due) {
            *count -= 1;
            if *count == 0 {
                list.remove(&self.due);
            }
        }
    }
}
