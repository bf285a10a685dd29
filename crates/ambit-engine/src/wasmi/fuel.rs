//! Slices and fuel: a guest is given fuel in small amounts, and between two of them gives the thread back if its slice is over.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use ambit_core::Bound;
use wasmi::{Error, Store, TrapCode};

use super::data::Data;
use crate::{host::yield_once, meter::Meter, settings::Settings};

/// Fuel that is given at once: a fraction of a millisecond.
const QUANTUM: u64 = 100_000;

/// A guest's slices.
pub(super) struct Slices {
    meter: Arc<Meter>,
    /// Ticks of the engine.
    ticks: Arc<AtomicU64>,
    /// Those that there were when the slice began.
    began: u64,
    /// Whether it is metered at all.
    fuelled: bool,
    /// Whether slices end by ticks; if not, by every quantum.
    ticked: bool,
    /// Fuel given to this call so far.
    given: u64,
}

impl Slices {
    pub(super) fn new(settings: &Settings, meter: Arc<Meter>, ticks: Arc<AtomicU64>) -> Self {
        Self {
            meter,
            began: ticks.load(Relaxed),
            ticks,
            fuelled: settings.epochs || settings.fuel,
            ticked: settings.epochs,
            given: 0,
        }
    }

    /// A slice begins now.
    pub(super) fn begin(&mut self) {
        self.began = self.ticks.load(Relaxed);
    }

    fn is_over(&self) -> bool {
        !self.ticked || self.ticks.load(Relaxed) != self.began
    }
}

/// A call's fuel and slice, counted from now.
pub(super) fn refill(store: &mut Store<Data>) -> Result<(), Error> {
    let slices = &mut store.data_mut().slices;
    slices.begin();
    if !slices.fuelled {
        return Ok(());
    }
    let first = QUANTUM.min(slices.meter.limits().fuel.ceiling());
    slices.given = first;
    store.set_fuel(first)
}

/// Goes on once fuel has run out: after the others, if the slice is over. `required` is what the next step takes.
///
/// # Errors
/// The guest's own limit does not allow it.
pub(super) async fn go_on(store: &mut Store<Data>, required: u64) -> Result<(), Error> {
    let used = used(store)?;
    let slices = &mut store.data_mut().slices;
    let allowed = slices.meter.limits().fuel.ceiling().saturating_sub(used);
    let more = QUANTUM.max(required).min(allowed);
    if more < required || more == 0 {
        return Err(TrapCode::OutOfFuel.into());
    }
    slices.given = used.saturating_add(more);
    store.set_fuel(more)?;
    note(store);
    let slices = &mut store.data_mut().slices;
    if slices.is_over() {
        yield_once().await;
        store.data_mut().slices.begin();
    }
    Ok(())
}

/// Fuel that this call has used.
fn used(store: &Store<Data>) -> Result<u64, Error> {
    Ok(store.data().slices.given.saturating_sub(store.get_fuel()?))
}

/// Notes the fuel used, if the guest has a limit of it.
pub(super) fn note(store: &Store<Data>) {
    let meter = &store.data().slices.meter;
    if meter.limits().fuel != Bound::Unlimited
        && let Ok(used) = used(store)
    {
        meter.note_fuel(used);
    }
}
