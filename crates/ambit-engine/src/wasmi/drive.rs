//! A call into a guest: by the interpreter as far as it gets, and outside of it where the guest waits.

use std::panic::resume_unwind;

use wasmi::{Error, Func, ResumableCall, Store, Val};

use super::{
    data::{Data, Pending},
    fuel, functions, link,
};
use crate::host::{Errno, Fail, GuestMemory, Progress};

/// Calls a function, slice by slice.
pub(super) async fn call(store: &mut Store<Data>, function: Func, args: &[Val], results: &mut [Val]) -> Result<(), Error> {
    let mut step = function.call_resumable(&mut *store, args, results)?;
    loop {
        step = match step {
            ResumableCall::Finished => return Ok(()),
            ResumableCall::OutOfFuel(call) => {
                fuel::go_on(store, call.required_fuel()).await?;
                call.resume(&mut *store, results)?
            }
            ResumableCall::HostTrap(call) => match store.data_mut().pending.take() {
                None => return Err(call.into_host_error()),
                Some(pending) => {
                    // A guest that waits may be dropped, and its store with it: what it used is noted before.
                    fuel::note(store);
                    let answer = settle(store, pending).await?;
                    store.data_mut().slices.begin();
                    call.resume(&mut *store, &answer, results)?
                }
            },
        };
    }
}

/// Does what is left of a host call, and gives back what the guest is told.
async fn settle(store: &mut Store<Data>, pending: Pending) -> Result<Vec<Val>, Error> {
    let mut wait = match pending {
        Pending::Wait(wait) => wait,
        Pending::Panic(panic) => resume_unwind(panic),
        Pending::Function(function, args) => return functions::later(store, &function, &args).await,
    };
    loop {
        wait.until.await;
        let memory = store.data().memory.ok_or_else(link::no_memory)?;
        let (bytes, data) = memory.data_and_store_mut(&mut *store);
        wait = match (wait.resume)(&mut data.host, &mut GuestMemory::new(bytes)) {
            Ok(Progress::Done) => return Ok(vec![Val::I32(0)]),
            Ok(Progress::Wait(next)) => next,
            Err(Fail::Errno(errno)) => return Ok(vec![Val::I32(Errno::raw(errno))]),
            Err(Fail::Stop(reason)) => return Err(link::stop(reason)),
        };
    }
}
