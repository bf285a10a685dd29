//! A Wasmi guest: resumable calls on fuel, and waits driven outside wasm.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ambit_core::{LimitKey, TrapKind};
use ambit_engine::{
    Call, Ended, Guest, Meter,
    host::{Host, Stop, Wait},
};
use wasmi::{Error, Instance, Linker, Module, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, Store, Val};

use crate::link::{Stopped, with};

/// Fuel of one slice.
const SLICE: u64 = 200_000;

#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) host: Host,
    /// The wait that a host call left behind when it ended wasm.
    pub(crate) pending: Option<Wait>,
}

pub(crate) struct WasmiGuest {
    store: Store<Data>,
    instance: Option<Instance>,
    module: Module,
    linker: Arc<Linker<Data>>,
    meter: Arc<Meter>,
    call: Call,
    next: Next,
    /// Fuel given to the store so far.
    given: u64,
}

enum Next {
    Start,
    Refuel(ResumableCallOutOfFuel),
    Await(ResumableCallHostTrap, Wait),
    Over,
}

impl WasmiGuest {
    pub(crate) fn new(module: Module, linker: Arc<Linker<Data>>, data: Data, meter: Arc<Meter>, call: Call) -> Self {
        let store = Store::new(module.engine(), data);
        Self { store, instance: None, module, linker, meter, call, next: Next::Start, given: 0 }
    }

    /// Gives a slice's fuel, as far as the guest's own limit allows; `false` if that is used up.
    fn refuel(&mut self) -> bool {
        let allowed = self.meter.limits().fuel.ceiling();
        let left = self.store.get_fuel().expect("metering is on");
        let used = self.given - left;
        let more = SLICE.min(allowed - used);
        self.meter.note_fuel(used);
        self.given = used + more;
        self.store.set_fuel(more).expect("metering is on");
        more > 0
    }

    fn begin(&mut self) -> Result<ResumableCall, Error> {
        let instance = self.linker.instantiate_and_start(&mut self.store, &self.module)?;
        self.instance = Some(instance);
        let (name, _) = self.call.function().expect("no components");
        let function = instance.get_func(&self.store, name).expect("checked at admission");
        function.call_resumable(&mut self.store, &[], &mut [])
    }

    /// Goes on with a host call whose wait is over: a number for wasm, or why it does not go on.
    fn settle(&mut self, wait: Wait) -> Result<i32, Error> {
        let memory = self.instance.and_then(|instance| instance.get_memory(&self.store, "memory")).expect("it was there");
        let (bytes, data) = memory.data_and_store_mut(&mut self.store);
        with(bytes, data, wait.resume)
    }

    fn ended(&self, error: &Error) -> Ended {
        match error.downcast_ref::<Stopped>() {
            Some(Stopped(Stop::Exit(code))) => Ended::Exited(*code),
            _ => Ended::Trapped { trap: TrapKind::Other, message: error.to_string(), frames: Vec::new() },
        }
    }
}

impl Guest for WasmiGuest {
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            let step = match std::mem::replace(&mut self.next, Next::Over) {
                Next::Over => panic!("polled after its end"),
                Next::Start => {
                    self.refuel();
                    self.begin()
                }
                Next::Refuel(call) => {
                    if !self.refuel() {
                        let allowed = self.meter.limits().fuel.ceiling();
                        return Poll::Ready(Ended::limit(&self.meter, LimitKey::Fuel, Some(allowed)));
                    }
                    call.resume(&mut self.store, &mut [])
                }
                Next::Await(call, mut wait) => {
                    if Pin::new(&mut wait.until).poll(cx).is_pending() {
                        self.next = Next::Await(call, wait);
                        return Poll::Pending;
                    }
                    match self.settle(wait) {
                        Ok(number) => call.resume(&mut self.store, &[Val::I32(number)], &mut []),
                        Err(_) if self.store.data().pending.is_some() => {
                            let wait = self.store.data_mut().pending.take().expect("just seen");
                            self.next = Next::Await(call, wait);
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
            };
            match step {
                Ok(ResumableCall::Finished) => return Poll::Ready(Ended::Returned(Vec::new())),
                Ok(ResumableCall::OutOfFuel(call)) => {
                    self.next = Next::Refuel(call);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(ResumableCall::HostTrap(call)) => match self.store.data_mut().pending.take() {
                    Some(wait) => self.next = Next::Await(call, wait),
                    None => return Poll::Ready(self.ended(call.host_error())),
                },
                Err(error) => return Poll::Ready(self.ended(&error)),
            }
        }
    }
}
