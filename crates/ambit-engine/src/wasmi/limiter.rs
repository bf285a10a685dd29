//! The memory budget, as Wasmi asks for it.

use std::sync::Arc;

use wasmi::{
    ResourceLimiter,
    errors::{MemoryError, TableError},
};
use wasmi_core::LimiterError;

use crate::meter::{Excess, Meter};

/// Charges every growth to the guest's [`Meter`]: one budget over all memories and tables.
pub(super) struct Limiter {
    meter: Arc<Meter>,
    /// What was last granted, to be taken back if the growth then fails: Wasmi says that it failed, not by how much. It says so of
    /// nothing that it has not asked for.
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
        charge: impl FnOnce(&Meter, u64) -> Result<(), Excess>,
        granted: fn(u64) -> Grant,
    ) -> Result<bool, LimiterError> {
        self.granted = Grant::Nothing;
        if maximum.is_some_and(|maximum| desired > maximum) {
            // Beyond the guest's own maximum: it fails anyway, and no limit of ours is to blame.
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
                // The one traps, by the other the guest is told -1.
                let ends = self.meter.fatal().is_some();
                if ends { Err(LimiterError::ResourceLimiterDeniedAllocation) } else { Ok(false) }
            }
        }
    }

    fn take_back(&mut self) {
        match std::mem::replace(&mut self.granted, Grant::Nothing) {
            Grant::Nothing => {}
            Grant::Memory(bytes) => self.meter.release_memory(bytes),
            Grant::Table(elements) => self.meter.release_table(elements),
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
        self.grow(current, desired, maximum, Meter::grow_memory, Grant::Memory)
    }

    fn memory_grow_failed(&mut self, _: &MemoryError) -> Result<(), LimiterError> {
        self.take_back();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
        self.grow(current, desired, maximum, Meter::grow_table, Grant::Table)
    }

    fn table_grow_failed(&mut self, _: &TableError) -> Result<(), LimiterError> {
        self.take_back();
        Ok(())
    }

    // The counts are checked by name before instantiation; these are the second lock on the same door.
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
