//! Functions of components: values of the component model in and out.

use std::{fmt, sync::Arc};

use ambit_admit::{ComponentFunction, component_call};
use ambit_core::{ComponentFuncType, ComponentValue, Dialect, escape, escape_shown};
use ambit_engine::Call;
use serde::{Serialize, de::DeserializeOwned};

use crate::{block::block_on, error::Error, func::ended, module::Module};

/// A function that a component exports, looked up once, to be called as often as one likes. Cheap to clone.
///
/// Each call has an instance of its own, made for it and gone after it. What it takes and returns is charged to the limit
/// `host-buffers`, 16 MiB by default.
///
/// ```no_run
/// # use ambit::{ComponentValue, Runtime};
/// # let (runtime, path) = (Runtime::new()?, "greet.wasm");
/// let module = runtime.load_file_blocking(path)?;
/// let greet = module.component_func("greet")?;
/// // By serde: a tuple of the arguments, or a struct with their names.
/// let text: String = greet.call_as_blocking(&("Ada", 2))?;
/// // By values whose types are known only now.
/// let value = greet.call_blocking(&[ComponentValue::String("Ada".into()), ComponentValue::U8(2)])?;
/// // As people write it.
/// assert_eq!(module.call_wave_blocking(r#"greet("Ada", 2)"#)?, value.map(|value| value.to_string()));
/// # Ok::<(), ambit::Error>(())
/// ```
#[derive(Clone)]
pub struct ComponentFunc {
    module: Module,
    function: Arc<ComponentFunction>,
}

impl Module {
    /// A function that this component exports, to be called often: one of its own, or one of an interface, which may be named before
    /// it if several have such a function: `acme:shop/cart@1.0.0#add`.
    ///
    /// # Errors
    /// This is no component, there is no such function, or it takes or returns what means something within the component only: a
    /// resource, a stream, a future.
    pub fn component_func(&self, name: &str) -> Result<ComponentFunc, Error> {
        let function = Arc::new(ComponentFunction::find(self.verified(), name)?);
        Ok(ComponentFunc { module: self.clone(), function })
    }

    /// Calls a component's function as people write it, in [WAVE](https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave):
    /// `greet("Ada", {times: 2})`. What it returns is written likewise; `None` if it returns nothing.
    ///
    /// # Errors
    /// As [`Module::component_func`] and [`ComponentFunc::call`]; or it is no such text.
    pub async fn call_wave(&self, call: &str) -> Result<Option<String>, Error> {
        let (function, args) = component_call(self.verified(), call, &[])?;
        let function = ComponentFunc { module: self.clone(), function: Arc::new(function) };
        Ok(function.perform(args).await?.map(|value| value.to_string()))
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call_wave`].
    pub fn call_wave_blocking(&self, call: &str) -> Result<Option<String>, Error> {
        block_on(self.call_wave(call))
    }
}

impl ComponentFunc {
    /// Calls it in a fresh instance. What it returns is `None` if it returns nothing.
    ///
    /// If the future is dropped before the call is over, the call is cancelled.
    ///
    /// # Errors
    /// The arguments are not of its types; it was refused, or it ended otherwise than by returning.
    pub async fn call(&self, args: &[ComponentValue]) -> Result<Option<ComponentValue>, Error> {
        self.perform(args.to_vec()).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`ComponentFunc::call`].
    pub fn call_blocking(&self, args: &[ComponentValue]) -> Result<Option<ComponentValue>, Error> {
        block_on(self.call(args))
    }

    /// Calls it with values of Rust's types, and reads what it returns as one, by serde: `args` are a tuple or list of all its
    /// arguments, or a struct with their names; `()` if it takes none.
    ///
    /// Records are structs or maps, variants and enums are enums, flags are lists of names, results are `Result`, and names are
    /// those of the component: `#[serde(rename_all = "kebab-case")]`. What it takes may also be given as JSON has it, and so may be
    /// read what it returns; then NaN and infinities, which are no numbers in JSON, are `null`. Of an option within an option only
    /// the inner one is seen.
    ///
    /// # Errors
    /// As [`ComponentFunc::call`], with the place of the value that does not fit; or what it returns is not what was asked for.
    pub async fn call_as<I: Serialize + ?Sized, T: DeserializeOwned>(&self, args: &I) -> Result<T, Error> {
        let data = ciborium::Value::serialized(args).map_err(|source| Error::Encode {
            function: escape(self.name(), 128),
            format: "arguments",
            source: source.into(),
        })?;
        let params = &self.ty().params;
        let args = ComponentValue::args_from_data(&data, params).map_err(|mismatch| self.function.misfit(&mismatch))?;
        let returned = self.perform(args).await?;
        let data = returned.map_or(Ok(ciborium::Value::Null), |value| ciborium::Value::serialized(&value.data(Dialect::Serde)));
        data.and_then(|data| data.deserialized()).map_err(|source| Error::Returned {
            function: escape(self.name(), 128),
            ty: self.ty().result.as_ref().map_or_else(|| "nothing".into(), |ty| escape_shown(ty, 160)),
            source: source.into(),
        })
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`ComponentFunc::call_as`].
    pub fn call_as_blocking<I: Serialize + ?Sized, T: DeserializeOwned>(&self, args: &I) -> Result<T, Error> {
        block_on(self.call_as(args))
    }

    async fn perform(&self, args: Vec<ComponentValue>) -> Result<Option<ComponentValue>, Error> {
        let call = Call::component(Arc::clone(&self.function), args)?;
        let finished = self.module.perform(call).await?;
        finished.into_value().map_err(|finished| ended(self.name(), finished))
    }

    /// Its name, as the component has it: escape it before it is shown.
    pub fn name(&self) -> &str {
        self.function.name()
    }

    /// The interface that it is part of, if it is.
    pub fn interface(&self) -> Option<&str> {
        self.function.interface()
    }

    /// What it takes and returns.
    pub fn ty(&self) -> &ComponentFuncType {
        self.function.ty()
    }

    /// Its component.
    pub fn module(&self) -> &Module {
        &self.module
    }
}

impl fmt::Debug for ComponentFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escape(self.name(), 128), escape_shown(self.ty(), 400))
    }
}
