//! WASI preview 1 and `env`, linked to Wasmtime.

use wasmtime::{Caller, Engine, Extern, Linker, Memory};

use super::{data::Data, store::note_fuel};
use crate::{
    functions::HostFunctions,
    host::{self, Errno, Fail, GuestMemory, Progress, Stop, p1},
};

/// A linker with every function that a core module may import. What a policy does not allow, admission has refused.
pub(super) fn core(engine: &Engine, functions: &HostFunctions) -> wasmtime::Result<Linker<Data>> {
    let mut linker = Linker::new(engine);
    env(&mut linker)?;
    preview1(&mut linker)?;
    super::functions::link(&mut linker, functions)?;
    Ok(linker)
}

/// The guest's memory. A core module has one instance, so its export never changes.
pub(super) fn memory(caller: &mut Caller<'_, Data>) -> wasmtime::Result<Memory> {
    if let Some(memory) = caller.data().memory {
        return Ok(memory);
    }
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => {
            caller.data_mut().memory = Some(memory);
            Ok(memory)
        }
        _ => Err(stop(Stop::Trap("a host function needs the guest's memory, but the module exports no memory `memory`".into()))),
    }
}

/// Runs a piece of a host call with the guest's memory at hand.
fn with<R>(
    caller: &mut Caller<'_, Data>,
    run: impl FnOnce(&mut host::Host, &mut GuestMemory<'_>) -> Result<R, Fail>,
) -> wasmtime::Result<Result<R, Errno>> {
    let memory = memory(caller)?;
    let (bytes, data) = memory.data_and_store_mut(caller);
    match run(&mut data.host, &mut GuestMemory::new(bytes)) {
        Ok(value) => Ok(Ok(value)),
        Err(Fail::Errno(errno)) => Ok(Err(errno)),
        Err(Fail::Stop(reason)) => Err(stop(reason)),
    }
}

pub(super) fn stop(reason: Stop) -> wasmtime::Error {
    wasmtime::Error::new(reason)
}

fn errno(result: Result<(), Errno>) -> i32 {
    result.map_or_else(Errno::raw, |()| 0)
}

/// Waits as often as a host call asks, outside the guest's memory.
async fn drive(mut caller: Caller<'_, Data>, mut step: Result<Progress, Errno>) -> wasmtime::Result<i32> {
    loop {
        match step {
            Err(errno) => return Ok(errno.raw()),
            Ok(Progress::Done) => return Ok(0),
            Ok(Progress::Wait(wait)) => {
                // A guest that waits may be dropped, and its store with it: what it used is noted before.
                note_fuel(&caller.data().host.meter, || caller.get_fuel());
                wait.until.await;
                step = with(&mut caller, |host, memory| (wait.resume)(host, memory))?;
            }
        }
    }
}

fn env(linker: &mut Linker<Data>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "log", |mut caller: Caller<'_, Data>, ptr: i32, len: i32| {
        caller.data().host.enter();
        with(&mut caller, |host, memory| Ok(host::env_log(host, memory, ptr, len)?)).map(|_| ())
    })?;
    linker.func_wrap("env", "time", |mut caller: Caller<'_, Data>| {
        caller.data().host.enter();
        host::env_time(&mut caller.data_mut().host)
    })?;
    linker.func_wrap("env", "random", |mut caller: Caller<'_, Data>| {
        caller.data().host.enter();
        host::env_random(&mut caller.data_mut().host)
    })?;
    Ok(())
}

fn preview1(linker: &mut Linker<Data>) -> wasmtime::Result<()> {
    const MODULE: &str = "wasi_snapshot_preview1";

    macro_rules! function {
        (now $name:ident($($arg:ident: $ty:ty),*)) => {
            linker.func_wrap(MODULE, stringify!($name), |mut caller: Caller<'_, Data> $(, $arg: $ty)*| {
                caller.data().host.enter();
                with(&mut caller, |host, memory| p1::$name(host, memory $(, $arg)*)).map(errno)
            })?;
        };
        (wait $name:ident($($arg:ident: $ty:ty),*)) => {
            linker.func_wrap_async(MODULE, stringify!($name), |mut caller: Caller<'_, Data>, ($($arg,)*): ($($ty,)*)| {
                Box::new(async move {
                    caller.data().host.enter();
                    let step = with(&mut caller, |host, memory| p1::$name(host, memory $(, $arg)*))?;
                    drive(caller, step).await
                })
            })?;
        };
    }
    macro_rules! functions {
        ($($how:ident $name:ident($($arg:ident: $ty:ty),*);)*) => { $( function!($how $name($($arg: $ty),*)); )* };
    }
    crate::for_each_p1_function!(functions);

    linker.func_wrap(MODULE, "proc_exit", |caller: Caller<'_, Data>, code: i32| -> wasmtime::Result<()> {
        caller.data().host.enter();
        Err(stop(Stop::Exit(code)))
    })?;
    Ok(())
}
