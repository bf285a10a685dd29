//! The embedder's host functions, linked to Wasmtime.

use std::sync::Arc;

use ambit_admit::ValType as Type;
use ambit_core::{ResultValue, escape};
use wasmtime::{Caller, Extern, FuncType, Linker, Memory, PoolConcurrencyLimitError, Val, ValType};

use super::{
    access,
    data::Data,
    enter::{from_val, to_val},
    link::stop,
    store::note_fuel,
};
use crate::{
    access::{AccessError, Exported},
    functions::{Access, Body, HostCall, HostError, HostFunctions, HostFuture, ImportName, MOST_DEPTH, Registered},
    host::Stop,
};

/// Links all of them. What a policy does not grant, admission has refused, and so does the beginning of a guest.
pub(super) fn link(linker: &mut Linker<Data>, functions: &HostFunctions) -> wasmtime::Result<()> {
    for function in functions.iter() {
        let list = |types: &[Type]| types.iter().map(val_type).collect::<wasmtime::Result<Vec<_>>>();
        let ty = FuncType::new(linker.engine(), list(&function.ty.params)?, list(&function.ty.results)?);
        let ImportName { module, name } = function.import.clone();
        let function = Arc::clone(function);
        match function.body.clone() {
            Body::Now(body) => linker.func_new(&module, &name, ty, move |caller, params, results| {
                let (mut inside, args) = enter(caller, params, Calls::Never);
                let answer = body(&mut HostCall::new(&mut inside), &args);
                leave(&function, inside, answer, results)
            })?,
            Body::Later(body) => linker.func_new_async(&module, &name, ty, move |caller, params, results| {
                let (function, body) = (Arc::clone(&function), Arc::clone(&body));
                Box::new(async move {
                    let (mut inside, args) = enter(caller, params, Calls::None);
                    // A guest that waits may be dropped, and its store with it: what it used is noted before.
                    note_fuel(&inside.caller.data().host.meter, || inside.caller.get_fuel());
                    let answer = body(HostCall::new(&mut inside), &args).await;
                    leave(&function, inside, answer, results)
                })
            })?,
        };
    }
    Ok(())
}

/// A guest inside a host call.
struct Inside<'a> {
    caller: Caller<'a, Data>,
    calls: Calls,
}

/// The calls that a host function makes into the guest that called it.
enum Calls {
    /// It cannot make any.
    Never,
    /// None is under way.
    None,
    /// One is under way, or was dropped half way.
    Under(String),
    /// One ended the run.
    Ended(wasmtime::Error),
}

fn enter<'a>(caller: Caller<'a, Data>, params: &[Val], calls: Calls) -> (Inside<'a>, Vec<ResultValue>) {
    caller.data().host.enter();
    (Inside { caller, calls }, params.iter().filter_map(from_val).collect())
}

/// What the guest is told, or why it does not go on.
fn leave(
    function: &Registered,
    inside: Inside<'_>,
    answer: Result<Vec<ResultValue>, HostError>,
    results: &mut [Val],
) -> wasmtime::Result<()> {
    match inside.calls {
        Calls::Never | Calls::None => {}
        Calls::Under(name) => {
            return Err(stop(Stop::Trap(format!("the host function {} gave up its call of `{name}` half way", function.import))));
        }
        Calls::Ended(error) => return Err(error),
    }
    let values = answer.map_err(|error| stop(Stop::Trap(format!("the host function {} failed: {error}", function.import))))?;
    function.check(&values).map_err(|wrong| stop(Stop::Failed(wrong)))?;
    for (result, value) in results.iter_mut().zip(values) {
        *result = to_val(value);
    }
    Ok(())
}

impl Inside<'_> {
    fn memory(&mut self) -> Result<Memory, AccessError> {
        super::link::memory(&mut self.caller).map_err(|_| AccessError::missing(Exported::Memory, "memory"))
    }

    async fn call_export(&mut self, name: &str, args: &[ResultValue]) -> Result<Vec<ResultValue>, HostError> {
        match &self.calls {
            Calls::None => {}
            Calls::Never => return Err(HostError::new("a host function that answers at once cannot call the guest")),
            Calls::Under(_) | Calls::Ended(_) => return Err(HostError::new("the run has ended")),
        }
        let shown = || escape(name, 128);
        let Some(Extern::Func(function)) = self.caller.get_export(name) else {
            return Err(HostError::new(format_args!("the guest exports no function `{}`", shown())));
        };
        let ty = function.ty(&self.caller);
        let given: Vec<Type> = args.iter().map(|&arg| Type::from(arg)).collect();
        let wanted = ty.params().map(|ty| access::number(&ty)).collect::<Result<Vec<_>, _>>();
        let wanted = wanted.and_then(|wanted| ty.results().try_for_each(|ty| access::number(&ty).map(drop)).map(|()| wanted));
        let wanted = wanted.map_err(|_| HostError::new(format_args!("`{}` takes or gives a reference", shown())))?;
        if given != wanted {
            return Err(HostError::new(format_args!("`{}` takes other arguments than it was given", shown())));
        }
        let depth = &mut self.caller.data_mut().depth;
        if *depth + 1 >= MOST_DEPTH {
            self.calls = Calls::Ended(stop(Stop::Depth));
            return Err(HostError::new("the guest is inside itself too often"));
        }
        *depth += 1;
        self.calls = Calls::Under(shown());
        let params: Vec<Val> = args.iter().map(|&arg| to_val(arg)).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        let called = function.call_async(&mut self.caller, &params, &mut results).await;
        self.caller.data_mut().depth -= 1;
        match called {
            Ok(()) => {
                self.calls = Calls::None;
                Ok(results.iter().filter_map(from_val).collect())
            }
            Err(error) => {
                // The guest did nothing wrong, and may not be begun anew as one may that finds the pool full at first.
                let full = error.is::<PoolConcurrencyLimitError>();
                let error =
                    if full { stop(Stop::Failed("no stack was left for a call from a host function".into())) } else { error };
                self.calls = Calls::Ended(error);
                Err(HostError::new("the guest ended"))
            }
        }
    }
}

impl Access for Inside<'_> {
    fn memory_size(&mut self) -> Result<u64, AccessError> {
        Ok(self.memory()?.data_size(&self.caller) as u64)
    }

    fn memory_read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
        access::read(self.memory()?, &self.caller, offset, len)
    }

    fn memory_write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        access::write(self.memory()?, &mut self.caller, offset, bytes)
    }

    fn call<'a>(&'a mut self, name: &'a str, args: &'a [ResultValue]) -> HostFuture<'a> {
        Box::pin(self.call_export(name, args))
    }
}

fn val_type(ty: &Type) -> wasmtime::Result<ValType> {
    Ok(match ty {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::V128 => ValType::V128,
        Type::Ref(_) => return Err(wasmtime::Error::msg("host functions have no references")),
    })
}
