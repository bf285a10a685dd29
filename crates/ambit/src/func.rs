//! A function of a module, looked up once.

use std::{fmt, marker::PhantomData};

use ambit_admit::FuncType;
use ambit_core::{RejectReason, Rejection, escape};
use ambit_engine::{Call, Function};
use ambit_runtime::Finished;

use crate::{block::block_on, error::Error, instance::Instance, module::Module, values::Values};

/// A function of a module, looked up and its types checked once, to be called as often as one likes. Cheap to clone.
///
/// Each [`TypedFunc::call`] has an instance of its own, made for it and gone after it: no call sees what another left.
pub struct TypedFunc<P, R> {
    module: Module,
    function: Function,
    types: PhantomData<fn(P) -> R>,
}

impl<P: Values, R: Values> TypedFunc<P, R> {
    pub(crate) fn find(module: &Module, name: &str) -> Result<Self, Rejection> {
        let function = Function::find(module.verified(), name)?;
        check::<P, R>(&function)?;
        Ok(Self { module: module.clone(), function, types: PhantomData })
    }

    /// Calls it in a fresh instance. A call that is over within one or two slices runs on this thread, the first time that
    /// the future is polled; a longer one goes on on the runtime's cores.
    ///
    /// If the future is dropped before the call is over, the call is cancelled.
    ///
    /// # Errors
    /// It was refused, or it ended otherwise than by returning.
    pub async fn call(&self, params: P) -> Result<R, Error> {
        let call = self.ready(params)?;
        self.read(self.module.perform(call).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`TypedFunc::call`].
    pub fn call_blocking(&self, params: P) -> Result<R, Error> {
        block_on(self.call(params))
    }

    /// Calls it in an instance that is kept.
    ///
    /// # Errors
    /// As [`Instance::call`]; or the instance is one of another module.
    pub async fn call_in(&self, instance: &mut Instance, params: P) -> Result<R, Error> {
        let call = self.ready(params)?;
        self.read(instance.perform(call).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`TypedFunc::call_in`].
    pub fn call_in_blocking(&self, instance: &mut Instance, params: P) -> Result<R, Error> {
        block_on(self.call_in(instance, params))
    }

    fn ready(&self, params: P) -> Result<Call, Rejection> {
        self.function.call(params.into_values())
    }

    fn read(&self, finished: Finished) -> Result<R, Error> {
        results(self.function.name(), finished)
    }
}

impl<P, R> TypedFunc<P, R> {
    /// Its name, as the module has it: escape it before it is shown.
    pub fn name(&self) -> &str {
        self.function.name()
    }

    /// Its module.
    pub fn module(&self) -> &Module {
        &self.module
    }
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        Self { module: self.module.clone(), function: self.function.clone(), types: PhantomData }
    }
}

impl<P, R> fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escape(self.function.name(), 128), self.function.ty())
    }
}

/// Whether the function is of these types.
fn check<P: Values, R: Values>(function: &Function) -> Result<(), Rejection> {
    let ty = function.ty();
    if ty.params == P::TYPES && ty.results == R::TYPES {
        return Ok(());
    }
    let called = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
    let name = escape(function.name(), 128);
    Err(Rejection::new(RejectReason::Policy, format!("`{name}` is {ty}, and was called as {called}")))
}

/// What a call returned, if it did.
pub(crate) fn results<R: Values>(name: &str, finished: Finished) -> Result<R, Error> {
    let returned = if finished.returned() { R::from_values(finished.results()) } else { None };
    returned.ok_or_else(|| ended(name, finished))
}

/// The error of a call that did not return.
pub(crate) fn ended(name: &str, finished: Finished) -> Error {
    Error::ended(format!("`{}`", escape(name, 128)), finished)
}
