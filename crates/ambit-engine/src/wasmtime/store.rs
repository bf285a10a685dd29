//! A store for one guest, and its bounds.

use std::sync::Arc;

use wasmtime::{Store, UpdateDeadline};

use super::{data::Data, engine, program::Linked};
use crate::{ended::Ended, meter::Meter};

/// How often compiled code writes back what fuel it has used: what is seen of a running guest, and what is known of one
/// that was ended from outside, is at most this much too low. About a slice.
const FUEL_INTERVAL: u64 = 1_000_000;

/// A store within the guest's limits.
pub(super) fn new(linked: &Linked, data: Data, meter: &Arc<Meter>) -> Result<Store<Data>, Ended> {
    bounded(linked, data, meter).map_err(|error| Ended::Failed(engine::message(&error)))
}

fn bounded(linked: &Linked, data: Data, meter: &Arc<Meter>) -> wasmtime::Result<Store<Data>> {
    let mut store = Store::new(&linked.slot.engine, data);
    store.limiter(|data| &mut data.limiter);
    refill(&mut store, linked, meter)?;
    let fuelled = meter.limits().fuel.finite().is_some();
    if fuelled {
        store.fuel_async_yield_interval(Some(FUEL_INTERVAL))?;
    }
    if linked.settings.epochs {
        if fuelled {
            let meter = Arc::clone(meter);
            store.epoch_deadline_callback(move |store| {
                note_fuel(&meter, || store.get_fuel());
                Ok(UpdateDeadline::Yield(1))
            });
        } else {
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        }
    }
    Ok(store)
}

/// A call's fuel and slice, counted from now.
pub(super) fn refill(store: &mut Store<Data>, linked: &Linked, meter: &Meter) -> wasmtime::Result<()> {
    if let Some(fuel) = meter.limits().fuel.finite() {
        store.set_fuel(fuel)?;
    }
    if linked.settings.epochs {
        store.set_epoch_deadline(1);
    }
    Ok(())
}

/// Notes the fuel used, if the guest is metered; asking a store that is not makes an error with a backtrace.
pub(super) fn note_fuel(meter: &Meter, left: impl FnOnce() -> wasmtime::Result<u64>) {
    if let Some(allowed) = meter.limits().fuel.finite()
        && let Ok(left) = left()
    {
        meter.note_fuel(allowed - left);
    }
}
