//! A guest whose instance is kept between calls.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

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
    contract::Guest,
    ended::Ended,
    kept::{Kept, TableElement},
    meter::Meter,
};

/// A guest whose instance is kept. While a run is under way the store is inside its future, so that dropping the guest
/// drops both.
///
/// ```text
/// Busy ──returned, or refused before anything ran──► Idle ──call, poll──► Busy
///   └────trapped, exited, limit, failed──► Over
/// ```
pub(super) struct KeptGuest {
    state: State,
}

enum State {
    Busy(Run),
    Idle(Box<Idle>),
    Over,
}

type Run = Pin<Box<dyn Future<Output = (Ended, Option<Box<Idle>>)> + Send>>;

/// An instance between calls.
struct Idle {
    store: Store<Data>,
    instance: Instance,
    linked: Arc<Linked>,
    meter: Arc<Meter>,
    next: Option<Call>,
}

impl KeptGuest {
    pub(super) fn new(parts: Parts) -> Self {
        Self { state: State::Busy(Box::pin(start(parts))) }
    }
}

impl Guest for KeptGuest {
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if let State::Idle(idle) = &mut self.state {
            let Some(call) = idle.next.take() else {
                return Poll::Ready(Ended::Failed("a kept guest was polled without a call".into()));
            };
            if let State::Idle(idle) = mem::replace(&mut self.state, State::Over) {
                self.state = State::Busy(Box::pin(run(idle, call)));
            }
        }
        let State::Busy(run) = &mut self.state else {
            return Poll::Ready(Ended::Failed("a guest was polled after its end".into()));
        };
        let (ended, idle) = std::task::ready!(run.as_mut().poll(cx));
        self.state = idle.map_or(State::Over, State::Idle);
        Poll::Ready(ended)
    }

    fn kept(&mut self) -> Option<&mut dyn Kept> {
        match &mut self.state {
            // A growth that the host asked for may have passed a limit that ends runs.
            State::Idle(idle) if idle.meter.fatal().is_none() => Some(&mut **idle),
            _ => None,
        }
    }
}

/// Makes the instance.
async fn start(parts: Parts) -> (Ended, Option<Box<Idle>>) {
    let (linked, meter) = (Arc::clone(&parts.main), Arc::clone(&parts.meter));
    let (ended, made) = parts.begin(First::Keep).await;
    (ended, made.map(|Made { store, instance }| Box::new(Idle { store, instance, linked, meter, next: None })))
}

/// Runs a call.
async fn run(mut idle: Box<Idle>, call: Call) -> (Ended, Option<Box<Idle>>) {
    if let Some(ended) = idle.linked.refuses(&call) {
        return (ended, Some(idle));
    }
    let Idle { store, instance, linked, meter, .. } = &mut *idle;
    meter.next_call();
    let result = match refill(store, linked, meter) {
        Ok(()) => target(*instance, store, &call.target).await,
        Err(error) => Err(error),
    };
    note_fuel(meter, || store.get_fuel());
    let ended = result.unwrap_or_else(|error| exit::ended(&error, meter));
    let alive = matches!(ended, Ended::Returned(_) | Ended::Replied(_) | Ended::Refused(_)) && meter.fatal().is_none();
    (ended, alive.then_some(idle))
}

impl Kept for Idle {
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
