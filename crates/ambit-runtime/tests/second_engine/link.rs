//! WASI preview 1, linked to Wasmi: the same functions as for every engine.

use std::fmt;

use ambit_engine::host::{Errno, Fail, GuestMemory, Host, Progress, Stop, p1};
use wasmi::{Caller, Error, Extern, Linker, Memory};

use crate::guest::Data;

/// Ends wasm for now: the wait is in the store.
#[derive(Debug)]
pub(crate) struct Waiting;

/// Ends wasm for good.
#[derive(Debug)]
pub(crate) struct Stopped(pub(crate) Stop);

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host call waits")
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl wasmi::errors::HostError for Waiting {}
impl wasmi::errors::HostError for Stopped {}

fn memory(caller: &Caller<'_, Data>) -> Result<Memory, Error> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => Err(Error::host(Stopped(Stop::Trap("no memory".into())))),
    }
}

/// Runs a piece of a host call: an error number, or why wasm does not go on.
pub(crate) fn with(
    bytes: &mut [u8],
    data: &mut Data,
    run: impl FnOnce(&mut Host, &mut GuestMemory<'_>) -> Result<Progress, Fail>,
) -> Result<i32, Error> {
    match run(&mut data.host, &mut GuestMemory::new(bytes)) {
        Ok(Progress::Done) => Ok(0),
        Ok(Progress::Wait(wait)) => {
            data.pending = Some(wait);
            Err(Error::host(Waiting))
        }
        Err(Fail::Errno(errno)) => Ok(Errno::raw(errno)),
        Err(Fail::Stop(stop)) => Err(Error::host(Stopped(stop))),
    }
}

fn call(
    mut caller: Caller<'_, Data>,
    run: impl FnOnce(&mut Host, &mut GuestMemory<'_>) -> Result<Progress, Fail>,
) -> Result<i32, Error> {
    let memory = memory(&caller)?;
    let (bytes, data) = memory.data_and_store_mut(&mut caller);
    data.host.enter();
    with(bytes, data, run)
}

pub(crate) fn preview1(linker: &mut Linker<Data>) -> Result<(), Error> {
    const MODULE: &str = "wasi_snapshot_preview1";
    macro_rules! function {
        (now $name:ident($($arg:ident: $ty:ty),*)) => {
            linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, Data> $(, $arg: $ty)*| {
                call(caller, |host, memory| p1::$name(host, memory $(, $arg)*).map(|()| Progress::Done))
            })?;
        };
        (wait $name:ident($($arg:ident: $ty:ty),*)) => {
            linker.func_wrap(MODULE, stringify!($name), |caller: Caller<'_, Data> $(, $arg: $ty)*| {
                call(caller, |host, memory| p1::$name(host, memory $(, $arg)*))
            })?;
        };
    }
    macro_rules! functions {
        ($($how:ident $name:ident($($arg:ident: $ty:ty),*);)*) => { $( function!($how $name($($arg: $ty),*)); )* };
    }
    ambit_engine::for_each_p1_function!(functions);
    linker.func_wrap(MODULE, "proc_exit", |_: Caller<'_, Data>, code: i32| -> Result<(), Error> {
        Err(Error::host(Stopped(Stop::Exit(code))))
    })?;
    Ok(())
}
