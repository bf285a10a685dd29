//! Bytes in, bytes out: the calls that an exchange is made of.

use wasmtime::{Instance, Store};

use super::{data::Data, enter::missing};
use crate::{
    call::{Exchange, Message},
    ended::Ended,
};

/// Passes a message to the function that takes it, and gives back the reply.
pub(super) async fn exchange(instance: Instance, store: &mut Store<Data>, message: &Message) -> wasmtime::Result<Ended> {
    let Some(memory) = instance.get_memory(&mut *store, Exchange::MEMORY) else {
        return Ok(missing("there is no memory `memory`"));
    };
    let alloc = instance.get_typed_func::<u32, u32>(&mut *store, Exchange::ALLOC)?;
    let function = instance.get_typed_func::<(u32, u32), u64>(&mut *store, message.name())?;
    let address = alloc.call_async(&mut *store, message.len()).await?;
    if let Err(ended) = message.put(address, memory.data_mut(&mut *store)) {
        return Ok(ended);
    }
    let packed = function.call_async(&mut *store, (address, message.len())).await?;
    let reply = match message.take(packed, memory.data(&*store)) {
        Ok(reply) => reply,
        Err(ended) => return Ok(ended),
    };
    if message.frees() {
        let free = instance.get_typed_func::<(u32, u32), ()>(&mut *store, Exchange::FREE)?;
        free.call_async(&mut *store, (reply.address, reply.len)).await?;
    }
    Ok(Ended::Replied(reply.bytes))
}
