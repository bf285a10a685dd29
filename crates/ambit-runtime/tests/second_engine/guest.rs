//! A Wasmi guest: resumable calls on fuel, and waits driven outside wasm. It may be kept, and called again.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ambit_core::{LimitKey, ResultValue, TrapKind};
use ambit_engine::{
    Call, Ended, Guest, Kept, Meter,
    host::{Host, Stop, Wait},
};
use wasmi::{Error, Instance, Linker, Module, ResumableCall, ResumableCallHostTrap, ResumableCallOutOfFuel, Store, Val};

use crate::{
    link::{Stopped, with},
    value::{from_val, to_val},
};

/// Fuel of one slice.
const SLICE: u64 = 200_000;

#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) host: Host,
    /// The wait that a host call left behind when it ended wasm.
    pub(crate) pending: Option<Wait>,
}

pub(crate) struct WasmiGuest {
    pub(crate) store: Store<Data>,
    pub(crate) instance: Option<Instance>,
    pub(crate) module: Module,
    linker: Arc<Linker<Data>>,
    pub(crate) meter: Arc<Meter>,
    /// What to call; nothing but `_initialize` in the first run of a kept guest.
    pub(crate) call: Option<Call>,
    kept: bool,
    results: Vec<Val>,
    next: Next,
    /// Fuel given to the store so far.
    given: u64,
}

enum Next {
    Start,
    Refuel(ResumableCallOutOfFuel),
    Await(ResumableCallHostTrap, Wait),
    /// The last run of a kept guest has returned.
    Idle,
    Over,
}

impl WasmiGuest {
    pub(crate) fn new(module: Module, linker: Arc<Linker<Data>>, data: Data, meter: Arc<Meter>, call: Option<Call>) -> Self {
        let (store, kept, results) = (Store::new(module.engine(), data), call.is_none(), Vec::new());
        Self { store, instance: None, module, linker, meter, call, kept, results, next: Next::Start, given: 0 }
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
        let instance = match self.instance {
            Some(instance) => instance,
            None => self.linker.instantiate_and_start(&mut self.store, &self.module)?,
        };
        self.instance = Some(instance);
        let (name, args) = match &self.call {
            Some(call) => call.function().expect("neither components nor exchanges"),
            None if instance.get_func(&self.store, "_initialize").is_some() => ("_initialize", &[][..]),
            None => return Ok(ResumableCall::Finished),
        };
        let function = instance.get_func(&self.store, name).expect("checked at admission");
        let args: Vec<Val> = args.iter().map(|&arg| to_val(arg)).collect();
        self.results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call_resumable(&mut self.store, &args, &mut self.results)
    }

    fn returned(&mut self) -> Ended {
        self.next = if self.kept { Next::Idle } else { Next::Over };
        let results: Vec<ResultValue> = std::mem::take(&mut self.results).iter().map(from_val).collect();
        Ended::Returned(results)
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
                Next::Idle => {
                    self.meter.next_call();
                    self.given = 0;
                    self.store.set_fuel(0).expect("metering is on");
                    self.next = Next::Start;
                    continue;
                }
                Next::Start => {
                    self.refuel();
                    self.begin()
                }
                Next::Refuel(call) => {
                    if !self.refuel() {
                        let allowed = self.meter.limits().fuel.ceiling();
                        return Poll::Ready(Ended::limit(&self.meter, LimitKey::Fuel, Some(allowed)));
                    }
                    call.resume(&mut self.store, &mut self.results)
                }
                Next::Await(call, mut wait) => {
                    if Pin::new(&mut wait.until).poll(cx).is_pending() {
                        self.next = Next::Await(call, wait);
                        return Poll::Pending;
                    }
                    match self.settle(wait) {
                        Ok(number) => call.resume(&mut self.store, &[Val::I32(number)], &mut self.results),
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
                Ok(ResumableCall::Finished) => return Poll::Ready(self.returned()),
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
    fn kept(&mut self) -> Option<&mut dyn Kept> {
        matches!(self.next, Next::Idle).then_some(self)
    }
}
