//! The embedder's host functions, linked to Wasmi.

use std::sync::Arc;

use ambit_admit::ValType as Type;
use ambit_core::{ResultValue, escape};
use wasmi::{AsContext, AsContextMut, Caller, Error, Extern, FuncType, Linker, Memory, Store, Val, ValType};

use super::{
    access,
    data::{Data, Pending},
    drive,
    link::{self, enter, stop, suspend},
    value::{from_val, number, to_val, val_type},
};
use crate::{
    access::{AccessError, Exported},
    functions::{Access, Body, HostCall, HostError, HostFunctions, HostFuture, ImportName, MOST_DEPTH, Registered},
    host::Stop,
};

/// Links all of them. What a policy does not grant, admission has refused, and so does the beginning of a guest.
pub(super) fn link(linker: &mut Linker<Data>, functions: &HostFunctions) -> Result<(), Error> {
    for function in functions.iter() {
        let list = |types: &[Type]| -> Result<Vec<ValType>, Error> {
            let types = types.iter().map(val_type).collect::<Option<Vec<_>>>();
            types.ok_or_else(|| Error::new("host functions have no references"))
        };
        let ty = FuncType::new(list(&function.ty.params)?, list(&function.ty.results)?);
        let ImportName { module, name } = &function.import;
        let function = Arc::clone(function);
        linker.func_new(module, name, ty, move |caller: Caller<'_, Data>, params, results| {
            let args: Vec<ResultValue> = params.iter().filter_map(from_val).collect();
            enter(caller, |caller| match &function.body {
                Body::Now(body) => {
                    let answer = body(&mut HostCall::new(&mut Inside(caller)), &args);
                    for (result, value) in results.iter_mut().zip(told(&function, answer)?) {
                        *result = value;
                    }
                    Ok(())
                }
                Body::Later(_) => Err(suspend(caller.data_mut(), Pending::Function(Arc::clone(&function), args))),
            })
        })?;
    }
    Ok(())
}

/// Calls a function that may wait, while the interpreter does not run.
pub(super) async fn later(store: &mut Store<Data>, function: &Registered, args: &[ResultValue]) -> Result<Vec<Val>, Error> {
    let Body::Later(body) = &function.body else {
        return Err(stop(Stop::Failed("a host function that answers at once was put off".into())));
    };
    let mut outside = Outside { store, calls: Calls::None };
    let answer = body(HostCall::new(&mut outside), args).await;
    match outside.calls {
        Calls::None => told(function, answer),
        Calls::Under(name) => {
            Err(stop(Stop::Trap(format!("the host function {} gave up its call of `{name}` half way", function.import))))
        }
        Calls::Ended(error) => Err(error),
    }
}

/// What the guest is told, or why it does not go on.
fn told(function: &Registered, answer: Result<Vec<ResultValue>, HostError>) -> Result<Vec<Val>, Error> {
    let values = answer.map_err(|error| stop(Stop::Trap(format!("the host function {} failed: {error}", function.import))))?;
    function.check(&values).map_err(|wrong| stop(Stop::Failed(wrong)))?;
    Ok(values.into_iter().map(to_val).collect())
}

/// A guest inside a host call that answers at once.
struct Inside<'a, 'c>(&'a mut Caller<'c, Data>);

impl Access for Inside<'_, '_> {
    fn memory_size(&mut self) -> Result<u64, AccessError> {
        Ok(inside(self.0)?.data_size(self.0.as_context()) as u64)
    }

    fn memory_read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
        access::read(inside(self.0)?, self.0.as_context(), offset, len)
    }

    fn memory_write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        access::write(inside(self.0)?, self.0.as_context_mut(), offset, bytes)
    }

    fn call<'a>(&'a mut self, _: &'a str, _: &'a [ResultValue]) -> HostFuture<'a> {
        Box::pin(async { Err(HostError::new("a host function that answers at once cannot call the guest")) })
    }
}

fn inside(caller: &mut Caller<'_, Data>) -> Result<Memory, AccessError> {
    link::memory(caller).map_err(|_| AccessError::missing(Exported::Memory, "memory"))
}

/// A guest whose host call is made outside of the interpreter.
struct Outside<'a> {
    store: &'a mut Store<Data>,
    calls: Calls,
}

/// The calls that a host function makes into the guest that called it.
enum Calls {
    /// None is under way.
    None,
    /// One is under way, or was dropped half way.
    Under(String),
    /// One ended the run.
    Ended(Error),
}

impl Outside<'_> {
    fn export(&self, name: &str) -> Option<Extern> {
        self.store.data().instance?.get_export(self.store.as_context(), name)
    }

    fn memory(&self) -> Result<Memory, AccessError> {
        let memory = self.export("memory").and_then(Extern::into_memory);
        memory.ok_or_else(|| AccessError::missing(Exported::Memory, "memory"))
    }

    async fn call_export(&mut self, name: &str, args: &[ResultValue]) -> Result<Vec<ResultValue>, HostError> {
        if !matches!(self.calls, Calls::None) {
            return Err(HostError::new("the run has ended"));
        }
        let shown = || escape(name, 128);
        let Some(function) = self.export(name).and_then(Extern::into_func) else {
            return Err(HostError::new(format_args!("the guest exports no function `{}`", shown())));
        };
        let ty = function.ty(self.store.as_context());
        let given: Vec<Type> = args.iter().map(|&arg| Type::from(arg)).collect();
        let wanted: Option<Vec<Type>> = ty.params().iter().map(|&ty| number(ty)).collect();
        let wanted = wanted.filter(|_| ty.results().iter().all(|&ty| number(ty).is_some()));
        let wanted = wanted.ok_or_else(|| HostError::new(format_args!("`{}` takes or gives a reference", shown())))?;
        if given != wanted {
            return Err(HostError::new(format_args!("`{}` takes other arguments than it was given", shown())));
        }
        let depth = &mut self.store.data_mut().depth;
        if *depth + 1 >= MOST_DEPTH {
            self.calls = Calls::Ended(stop(Stop::Depth));
            return Err(HostError::new("the guest is inside itself too often"));
        }
        *depth += 1;
        self.calls = Calls::Under(shown());
        let params: Vec<Val> = args.iter().map(|&arg| to_val(arg)).collect();
        let mut results: Vec<Val> = ty.results().iter().map(|&ty| Val::default_for_ty(ty)).collect();
        let called = drive::call(self.store, function, &params, &mut results).await;
        self.store.data_mut().depth -= 1;
        match called {
            Ok(()) => {
                self.calls = Calls::None;
                Ok(results.iter().filter_map(from_val).collect())
            }
            Err(error) => {
                self.calls = Calls::Ended(error);
                Err(HostError::new("the guest ended"))
            }
        }
    }
}

impl Access for Outside<'_> {
    fn memory_size(&mut self) -> Result<u64, AccessError> {
        Ok(self.memory()?.data_size(self.store.as_context()) as u64)
    }

    fn memory_read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
        access::read(self.memory()?, self.store.as_context(), offset, len)
    }

    fn memory_write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        access::write(self.memory()?, self.store.as_context_mut(), offset, bytes)
    }

    fn call<'a>(&'a mut self, name: &'a str, args: &'a [ResultValue]) -> HostFuture<'a> {
        Box::pin(self.call_export(name, args))
    }
}
