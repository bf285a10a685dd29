//! Interfaces that an embedder offers to components.

mod wit;

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc};

use ambit_core::{ComponentFuncType, ComponentType, ComponentValue, Dialect};
use ambit_engine::{ComponentFuture, HostError, HostFunctions};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;

/// An interface of one's own that components may import, behind a grant.
///
/// Its functions are declared in [WIT](https://component-model.bytecodealliance.org/design/wit.html), and given as Rust's: each
/// takes its arguments as a tuple and returns a future, both by serde as [`ComponentFunc::call_as`](crate::ComponentFunc::call_as)
/// has them. While one waits, other guests run; when its run ends, at its deadline for example, the future is dropped. What the guest
/// gives is charged to its limit `host-buffers`.
///
/// ```
/// use ambit::{Interface, Runtime};
///
/// let prices = Interface::from_wit(
///     "package acme:shop@1.0.0;
///      interface prices {
///          record item { name: string, pieces: u32 }
///          price: func(of: item) -> result<u64, string>;
///      }",
/// )?
/// .func("price", async |(of,): (Item,)| {
///     Ok(if of.name == "tea" { Ok(450 * u64::from(of.pieces)) } else { Err(format!("no {}", of.name)) })
/// });
/// let runtime = Runtime::builder().interface("prices", prices).grant("functions", "prices").build()?;
///
/// #[derive(serde::Deserialize)]
/// struct Item {
///     name: String,
///     pieces: u32,
/// }
/// # Ok::<(), ambit::Error>(())
/// ```
#[must_use = "a runtime is built with it"]
pub struct Interface {
    name: String,
    types: BTreeMap<String, Arc<ComponentFuncType>>,
    functions: BTreeMap<String, Arc<Given>>,
    /// What was given that is not declared.
    unknown: Option<String>,
}

/// A function as it is called.
type Given = dyn Fn(Vec<ComponentValue>) -> ComponentFuture + Send + Sync;

impl Interface {
    /// The interface that a package declares, which must be its only one.
    ///
    /// # Errors
    /// The text is no such package, it uses others, or a function takes or returns what means something within a component only:
    /// a resource, a stream, a future.
    pub fn from_wit(text: &str) -> Result<Self, Error> {
        let (name, types) = wit::interface(text).map_err(Error::Interface)?;
        Ok(Self { name, types, functions: BTreeMap::new(), unknown: None })
    }

    /// Gives one of its functions. An error of it, rather than a `result` that its type has, traps the guest, as `host`.
    pub fn func<P, R, F>(self, name: &str, function: impl Fn(P) -> F + Send + Sync + 'static) -> Self
    where
        P: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, HostError>> + Send + 'static,
    {
        let result = self.types.get(name).and_then(|ty| ty.result.clone());
        self.values_func(name, move |args| {
            let args = read(&args);
            let future = args.map(&function);
            let result = result.clone();
            async move { write(&future?.await?, result.as_ref()) }
        })
    }

    /// Gives one of its functions, with the values of its own types.
    pub fn values_func<F>(mut self, name: &str, function: impl Fn(Vec<ComponentValue>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<ComponentValue>, HostError>> + Send + 'static,
    {
        if self.types.contains_key(name) {
            self.functions.insert(name.to_owned(), Arc::new(move |args| Box::pin(function(args))));
        } else {
            self.unknown.get_or_insert_with(|| name.to_owned());
        }
        self
    }

    /// Its name, with its version, as components import it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds its functions to those of a host.
    pub(crate) fn add_to(self, grant: &str, functions: &mut HostFunctions) -> Result<(), Error> {
        let Self { name: interface, types, functions: mut given, unknown } = self;
        if let Some(unknown) = unknown {
            return Err(Error::Interface(format!("the interface `{interface}` declares no function `{unknown}`")));
        }
        for (name, ty) in types {
            let Some(function) = given.remove(&name) else {
                return Err(Error::Interface(format!(
                    "the function `{name}` of the interface `{interface}` is declared and not given"
                )));
            };
            functions.add_component((&interface, &name), ty, grant, move |args| function(args))?;
        }
        Ok(())
    }
}

/// Arguments as Rust's values: a tuple of them, or nothing.
fn read<P: DeserializeOwned>(args: &[ComponentValue]) -> Result<P, HostError> {
    let data = match args {
        [] => Ok(ciborium::Value::Null),
        args => args
            .iter()
            .map(|arg| ciborium::Value::serialized(&arg.data(Dialect::Serde)))
            .collect::<Result<_, _>>()
            .map(ciborium::Value::Array),
    };
    data.and_then(|data| data.deserialized()).map_err(|error| HostError::new(format_args!("it takes other arguments: {error}")))
}

fn write(value: &impl Serialize, ty: Option<&ComponentType>) -> Result<Option<ComponentValue>, HostError> {
    let Some(ty) = ty else { return Ok(None) };
    let data = ciborium::Value::serialized(value).map_err(|error| HostError::new(format_args!("it returns no data: {error}")))?;
    let value = ComponentValue::from_data(&data, ty);
    value.map(Some).map_err(|mismatch| HostError::new(format_args!("it returns another type: {mismatch}")))
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<String> = self.types.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        f.debug_struct("Interface").field("name", &self.name).field("functions", &functions).finish()
    }
}
