//! A panic in a jailed process ends it: what it was doing is lost, and its parent says so.

use std::{any::Any, panic, process, time::Duration};

use ambit_core::escape;
use ambit_jail::{
    Purpose,
    wire::{FromCompiler, FromWorker, Sender},
};

/// Tells the parent of the first panic, then aborts: a process that has lost its footing does not go on.
pub(crate) fn tell_and_abort(purpose: Purpose, sender: Sender) {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let text = format!("panicked{place}: {}", escape(said(info.payload()), 256));
        let at_once = Duration::from_millis(100);
        let _ = match purpose {
            Purpose::Compiler => sender.send(&FromCompiler::Failed(text), &[], at_once),
            Purpose::Process | Purpose::Tenant => sender.send(&FromWorker::Failed(text), &[], at_once),
        };
        process::abort();
    }));
}

fn said(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
