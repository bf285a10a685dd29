//! A guest whose instance is kept between calls.

use std::sync::Arc;

use ambit_core::ResultValue;
use wasmtime::{Instance, Store};

use super::{
    access,
    begin::{First, Made, Parts},
    data::Data,
    enter::target,
    exit,
    program::Linked,
    store::{note_fuel, refill},
};
use crate::{
    access::{AccessError, Exported},
    call::Call,
    ended::Ended,
    guest::{Idle, Run, lives_on},
    kept::{Kept, TableElement},
    meter::Meter,
};

/// An instance between calls.
pub(super) struct Between {
    store: Store<Data>,
    instance: Instance,
    linked: Arc<Linked>,
    meter: Arc<Meter>,
    next: Option<Call>,
}

impl Idle for Between {
    fn take_call(&mut self) -> Option<Call> {
        self.next.take()
    }

    fn has_ended(&self) -> bool {
        self.meter.fatal().is_some()
    }

    fn run(self: Box<Self>, call: Call) -> Run<Self> {
        Box::pin(run(self, call))
    }
}

/// Makes the instance.
pub(super) async fn start(parts: Parts) -> (Ended, Option<Box<Between>>) {
    let (linked, meter) = (Arc::clone(&parts.main), Arc::clone(&parts.meter));
    let (ended, made) = parts.begin(First::Keep).await;
    (ended, made.map(|Made { store, instance }| Box::new(Between { store, instance, linked, meter, next: None })))
}

/// Runs a call.
async fn run(mut idle: Box<Between>, call: Call) -> (Ended, Option<Box<Between>>) {
    if let Some(ended) = idle.linked.refuses(&call) {
        return (ended, Some(idle));
    }
    let Between { store, instance, linked, meter, .. } = &mut *idle;
    meter.next_call();
    let result = match refill(store, linked, meter) {
        Ok(()) => target(*instance, store, &call.target).await,
        Err(error) => Err(error),
    };
    note_fuel(meter, || store.get_fuel());
    let ended = result.unwrap_or_else(|error| exit::ended(&error, meter));
    let alive = lives_on(&ended) && meter.fatal().is_none();
    (ended, alive.then_some(idle))
}

impl Kept for Between {
    fn call(&mut self, call: Call) {
        self.next = Some(call);
    }

    fn memories(&mut self) -> Vec<String> {
        self.linked.exported(Exported::Memory)
    }

    fn memory_size(&mut self, name: &str) -> Result<u64, AccessError> {
        access::memory(self.instance, &mut self.store, name).map(|memory| memory.data_size(&self.store) as u64)
    }

    fn memory_grow(&mut self, name: &str, pages: u64) -> Result<u64, AccessError> {
        let memory = access::memory(self.instance, &mut self.store, name)?;
        access::grow(memory, &mut self.store, pages)
    }

    fn memory_read(&mut self, name: &str, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
        let memory = access::memory(self.instance, &mut self.store, name)?;
        access::read(memory, &self.store, offset, len)
    }

    fn memory_write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        let memory = access::memory(self.instance, &mut self.store, name)?;
        access::write(memory, &mut self.store, offset, bytes)
    }

    fn globals(&mut self) -> Vec<String> {
        self.linked.exported(Exported::Global)
    }

    fn global_get(&mut self, name: &str) -> Result<ResultValue, AccessError> {
        access::global_get(self.instance, &mut self.store, name)
    }

    fn global_set(&mut self, name: &str, value: ResultValue) -> Result<(), AccessError> {
        access::global_set(self.instance, &mut self.store, name, value)
    }

    fn tables(&mut self) -> Vec<String> {
        self.linked.exported(Exported::Table)
    }

    fn table_size(&mut self, name: &str) -> Result<u64, AccessError> {
        access::table(self.instance, &mut self.store, name).map(|table| table.size(&self.store))
    }

    fn table_get(&mut self, name: &str, index: u64) -> Result<TableElement, AccessError> {
        let table = access::table(self.instance, &mut self.store, name)?;
        access::table_get(table, &mut self.store, index)
    }

    fn table_set_null(&mut self, name: &str, index: u64) -> Result<(), AccessError> {
        let table = access::table(self.instance, &mut self.store, name)?;
        access::table_set_null(table, &mut self.store, index)
    }
}
