//! WASI preview 1 and `env`, linked to Wasmi: the same functions as for every engine.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use wasmi::{Caller, Engine, Error, Extern, Linker, Memory, errors::HostError};

use super::data::{Data, Pending};
use crate::{
    functions::HostFunctions,
    host::{self, Errno, Fail, GuestMemory, Progress, Stop, p1},
};

/// Ends the interpreter for now: what is left to be done is in the store.
#[derive(Debug)]
pub(super) struct Suspended;

/// Ends it for good.
#[derive(Debug)]
pub(super) struct Stopped(pub(super) Stop);

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host call waits")
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HostError for Suspended {}
impl HostError for Stopped {}

/// A linker with every function that a core module may import. What a policy does not allow, admission has refused.
pub(super) fn core(engine: &Engine, functions: &HostFunctions) -> Result<Linker<Data>, Error> {
    let mut linker = Linker::new(engine);
    env(&mut linker)?;
    preview1(&mut linker)?;
    super::functions::link(&mut linker, functions)?;
    Ok(linker)
}

pub(super) fn stop(reason: Stop) -> Error {
    Error::host(Stopped(reason))
}

pub(super) fn no_memory() -> Error {
    stop(Stop::Trap("a host function needs the guest's memory, but the module exports no memory `memory`".into()))
}

/// Ends the interpreter until `pending` is done.
pub(super) fn suspend(data: &mut Data, pending: Pending) -> Error {
    data.pending = Some(pending);
    Error::host(Suspended)
}

/// Makes a host call, and puts off its panic if it panics.
pub(super) fn enter<'a, R>(
    mut caller: Caller<'a, Data>,
    call: impl FnOnce(&mut Caller<'a, Data>) -> Result<R, Error>,
) -> Result<R, Error> {
    caller.data().host.enter();
    // Nothing of the guest is looked at after a panic: its store goes with it.
    match catch_unwind(AssertUnwindSafe(|| call(&mut caller))) {
        Ok(result) => result,
        Err(panic) => Err(suspend(caller.data_mut(), Pending::Panic(panic))),
    }
}

/// The guest's memory. A core module has one instance, so its export never changes.
pub(super) fn memory(caller: &mut Caller<'_, Data>) -> Result<Memory, Error> {
    if let Some(memory) = caller.data().memory {
        return Ok(memory);
    }
    let memory = caller.get_export("memory").and_then(Extern::into_memory).ok_or_else(no_memory)?;
    caller.data_mut().memory = Some(memory);
    Ok(memory)
}

/// Runs a piece of a host call with the guest's memory at hand.
fn with<R>(
    caller: &mut Caller<'_, Data>,
    run: impl FnOnce(&mut host::Host, &mut GuestMemory<'_>) -> Result<R, Fail>,
) -> Result<Result<R, Errno>, Error> {
    let memory = memory(caller)?;
    let (bytes, data) = memory.data_and_store_mut(caller);
    match run(&mut data.host, &mut GuestMemory::new(bytes)) {
        Ok(value) => Ok(Ok(value)),
        Err(Fail::Errno(errno)) => Ok(Err(errno)),
        Err(Fail::Stop(reason)) => Err(stop(reason)),
    }
}

fn errno(result: Result<(), Errno>) -> i32 {
    result.map_or_else(Errno::raw, |()| 0)
}

fn env(linker: &mut Linker<Data>) -> Result<(), Error> {
    linker.func_wrap("env", "log", |caller: Caller<'_, Data>, ptr: i32, len: i32| -> Result<(), Error> {
        enter(caller, |caller| with(caller, |host, memory| Ok(host::env_log(host, memory, ptr, len)?)).map(|_| ()))
    })?;
    linker.func_wrap("env", "time", |caller: Caller<'_, Data>| -> Result<i64, Error> {
        enter(caller, |caller| Ok(host::env_time(&mut caller.data_mut().host)))
    })?;
    linker.func_wrap("env", "random", |caller: Caller<'_, Data>| -> Result<i32, Error> {
        enter(caller, |caller| Ok(host::env_random(&mut caller.data_mut().host)))
    })?;
    Ok(())
}

fn preview1(linker: &mut Linker<Data>) -> Result<(), Error> {
    const MODULE: &str = "wasi_snapshot_preview1";

    macro_rules! function {
        (now $name:ident($($arg:ident: $ty:ty),*)) => {
            linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, Data> $(, $arg: $ty)*| -> Result<i32, Error> {
                enter(caller, |caller| with(caller, |host, memory| p1::$name(host, memory $(, $arg)*)).map(errno))
            })?;
        };
        (wait $name:ident($($arg:ident: $ty:ty),*)) => {
            linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, Data> $(, $arg: $ty)*| -> Result<i32, Error> {
                enter(caller, |caller| match with(caller, |host, memory| p1::$name(host, memory $(, $arg)*))? {
                    Ok(Progress::Done) => Ok(0),
                    Ok(Progress::Wait(wait)) => Err(suspend(caller.data_mut(), Pending::Wait(wait))),
                    Err(errno) => Ok(errno.raw()),
                })
            })?;
        };
    }
    macro_rules! functions {
        ($($how:ident $name:ident($($arg:ident: $ty:ty),*);)*) => { $( function!($how $name($($arg: $ty),*)); )* };
    }
    crate::for_each_p1_function!(functions);

    linker.func_wrap(MODULE, "proc_exit", |caller: Caller<'_, Data>, code: i32| -> Result<(), Error> {
        enter(caller, |_| Err(stop(Stop::Exit(code))))
    })?;
    Ok(())
}
