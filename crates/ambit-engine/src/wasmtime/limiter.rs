//! The memory budget, as Wasmtime asks for it.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::meter::{Excess, Meter};

/// Charges every growth to the guest's [`Meter`]: one budget over all memories, tables and the GC heap.
pub(super) struct Limiter {
    meter: Arc<Meter>,
    /// What was last granted, to be taken back if the growth then fails: Wasmtime says that it failed, not by how much.
    granted: Grant,
    /// What the meter last refused.
    refused: Option<Excess>,
}

#[derive(Clone, Copy)]
enum Grant {
    Nothing,
    Memory(u64),
    Table(u64),
}

/// A refused growth that must end the run at once.
#[derive(Debug, thiserror::Error)]
#[error("the policy ends the run at a refused growth")]
struct EndAtRefusal;

impl Limiter {
    pub(super) fn new(meter: Arc<Meter>) -> Self {
        Self { meter, granted: Grant::Nothing, refused: None }
    }

    /// Forgets what was refused, so that [`Limiter::refused`] tells of what is asked for next.
    pub(super) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// What the meter last refused.
    pub(super) fn refused(&self) -> Option<Excess> {
        self.refused
    }

    fn grow(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
        ceiling: u64,
        charge: impl FnOnce(&Meter, u64) -> Result<(), Excess>,
        granted: fn(u64) -> Grant,
    ) -> wasmtime::Result<bool> {
        self.granted = Grant::Nothing;
        if maximum.is_some_and(|maximum| desired > maximum && (maximum as u64) < ceiling) {
            // Beyond the guest's own maximum: it fails anyway, and no limit of ours is to blame. A maximum of the pool's is
            // never below the limit, or the guest would not be in the pool.
            return Ok(false);
        }
        let delta = (desired as u64).saturating_sub(current as u64);
        match charge(&self.meter, delta) {
            Ok(()) => {
                self.granted = granted(delta);
                Ok(true)
            }
            Err(excess) => {
                self.refused = Some(excess);
                if self.meter.fatal().is_some() { Err(wasmtime::Error::new(EndAtRefusal)) } else { Ok(false) }
            }
        }
    }

    /// Takes back what was last granted, if that is what failed: Wasmtime also tells of growths that it never asked for, since
    /// their size cannot be computed, and what was granted before one of those is in use.
    fn take_back(&mut self, error: &wasmtime::Error) {
        if never_asked(error) {
            return;
        }
        match std::mem::replace(&mut self.granted, Grant::Nothing) {
            Grant::Nothing => {}
            Grant::Memory(bytes) => self.meter.release_memory(bytes),
            Grant::Table(elements) => self.meter.release_table(elements),
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, maximum, self.meter.limits().memory.ceiling(), Meter::grow_memory, Grant::Memory)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if matches!(self.granted, Grant::Memory(_)) {
            self.take_back(&error);
        }
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, maximum, self.meter.limits().table_elements.ceiling(), Meter::grow_table, Grant::Table)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if matches!(self.granted, Grant::Table(_)) {
            self.take_back(&error);
        }
        Ok(())
    }

    // The counts are checked by name before instantiation; these are the second lock on the same door, and the first for
    // what a component makes as it goes.
    fn instances(&self) -> usize {
        count(self.meter.limits().instances.ceiling())
    }

    fn tables(&self) -> usize {
        count(self.meter.limits().tables.ceiling())
    }

    fn memories(&self) -> usize {
        count(self.meter.limits().memories.ceiling())
    }
}

fn count(ceiling: u64) -> usize {
    usize::try_from(ceiling).unwrap_or(usize::MAX)
}

/// Whether a growth failed before anybody was asked. The engine has no type for it; the test of row X2 fails if it changes its
/// words.
fn never_asked(error: &wasmtime::Error) -> bool {
    let text = error.to_string();
    text.contains("overflow calculating new table size") || text.contains("memory growth exceeds memory type's limits")
}
