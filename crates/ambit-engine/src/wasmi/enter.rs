//! Calls into an instance.

use ambit_core::{RejectReason, Rejection, ResultValue};
use wasmi::{Error, Func, Instance, Store, Val};

use super::{
    data::Data,
    drive,
    value::{from_val, to_val},
};
use crate::{
    call::{Exchange, Message, Target},
    ended::Ended,
};

/// Calls an exported function that takes and gives nothing.
pub(super) async fn procedure(instance: Instance, store: &mut Store<Data>, name: &str) -> Result<(), Error> {
    let function = function(instance, store, name)?;
    drive::call(store, function, &[], &mut []).await
}

/// Calls what is to be called, and says how it ended if it did not trap.
pub(super) async fn target(instance: Instance, store: &mut Store<Data>, target: &Target) -> Result<Ended, Error> {
    let (name, args, results, result_is_exit_code) = match target {
        Target::Function { name, args, results, result_is_exit_code } => (name, args, *results, *result_is_exit_code),
        Target::Exchange(message) => return exchange(instance, store, message).await,
        Target::ComponentRun | Target::Component { .. } => {
            return Ok(missing("a component's entry point was asked of a core module"));
        }
    };
    let Some(function) = instance.get_func(&*store, name) else { return Ok(missing("the entry point is no function")) };
    let params: Vec<Val> = args.iter().map(|&value| to_val(value)).collect();
    let results = invoke(function, store, &params, results).await?;
    let results: Vec<ResultValue> = results.iter().filter_map(from_val).collect();
    Ok(match (result_is_exit_code, results.first()) {
        (true, Some(ResultValue::I32(code))) if *code != 0 => Ended::Exited(*code),
        (true, _) => Ended::Returned(Vec::new()),
        (false, _) => Ended::Returned(results),
    })
}

/// Passes a message to the function that takes it, and gives back the reply.
async fn exchange(instance: Instance, store: &mut Store<Data>, message: &Message) -> Result<Ended, Error> {
    let Some(memory) = instance.get_memory(&*store, Exchange::MEMORY) else {
        return Ok(missing("there is no memory `memory`"));
    };
    let alloc = function(instance, store, Exchange::ALLOC)?;
    let takes = function(instance, store, message.name())?;
    let number = |value: u32| Val::I32(value.cast_signed());
    let address = match invoke(alloc, store, &[number(message.len())], 1).await?.first() {
        Some(Val::I32(address)) => address.cast_unsigned(),
        _ => return Ok(missing("`alloc` gives no address")),
    };
    if let Err(ended) = message.put(address, memory.data_mut(&mut *store)) {
        return Ok(ended);
    }
    let packed = match invoke(takes, store, &[number(address), number(message.len())], 1).await?.first() {
        Some(Val::I64(packed)) => packed.cast_unsigned(),
        _ => return Ok(missing("the function gives no reply")),
    };
    let reply = match message.take(packed, memory.data(&*store)) {
        Ok(reply) => reply,
        Err(ended) => return Ok(ended),
    };
    if message.frees() {
        let free = function(instance, store, Exchange::FREE)?;
        invoke(free, store, &[number(reply.address), number(reply.len)], 0).await?;
    }
    Ok(Ended::Replied(reply.bytes))
}

async fn invoke(function: Func, store: &mut Store<Data>, params: &[Val], results: usize) -> Result<Vec<Val>, Error> {
    let mut results = vec![Val::I32(0); results];
    drive::call(store, function, params, &mut results).await?;
    Ok(results)
}

fn function(instance: Instance, store: &Store<Data>, name: &str) -> Result<Func, Error> {
    instance.get_func(store, name).ok_or_else(|| Error::new(format!("`{name}` is gone")))
}

/// Nothing ran: what was to be called is not there.
pub(super) fn missing(message: &str) -> Ended {
    Ended::Refused(Rejection::new(RejectReason::NotFound, message))
}
