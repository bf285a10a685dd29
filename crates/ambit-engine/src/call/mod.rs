//! What to call in a module.

mod exchange;
mod function;
mod text;

use std::sync::Arc;

use ambit_admit::{ComponentFunction, Entry, ExternType, FuncType, ModuleKind, Verified, component_call};
use ambit_core::{ComponentValue, Digest, RejectReason, Rejection, ResultValue, escape};

pub use exchange::{Exchange, Message, Reply};
pub use function::Function;

/// What to call in a module, already checked against its exports: it can be called in programs and guests of that module
/// only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The module it was checked against.
    module: Digest,
    /// Call `_initialize` first, unless the instance is kept and so has been initialized.
    pub(crate) initialize: bool,
    pub(crate) target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A core function, by name, with arguments of its types; how many results it has.
    Function { name: Arc<str>, args: Vec<ResultValue>, results: usize, result_is_exit_code: bool },
    /// An exchange of bytes.
    Exchange(Message),
    /// `run` of the exported interface `wasi:cli/run`.
    ComponentRun,
    /// A component's function, with arguments of its types.
    Component { function: Arc<ComponentFunction>, args: Vec<ComponentValue> },
}

impl Call {
    /// Runs the module as a program: `_start`; or `main`, whose result is then the exit code; or `wasi:cli/run`.
    ///
    /// # Errors
    /// The module exports none of them.
    pub fn command(module: &Verified) -> Result<Self, Rejection> {
        let Some(entry) = module.entries().iter().find(|entry| **entry != Entry::Initialize) else {
            return Err(not_found(match module.kind() {
                ModuleKind::Core => format!("the module exports neither `_start` nor `main`; {}", callable(module)),
                ModuleKind::Component => {
                    format!("the component does not export `wasi:cli/run@0.2`, so it is no program; {}", callable(module))
                }
            }));
        };
        let (initialize, target) = match entry {
            Entry::Start | Entry::Initialize => {
                let name = Arc::from("_start");
                (false, Target::Function { name, args: Vec::new(), results: 0, result_is_exit_code: false })
            }
            Entry::Main => {
                let ty = find(module, "main").ok_or_else(|| not_found("`main` is no function"))?;
                // C's main: no arguments are laid out in memory for it, so argc is 0.
                let args = vec![ResultValue::I32(0); ty.params.len()];
                let results = ty.results.len();
                (
                    initializes(module),
                    Target::Function { name: Arc::from("main"), args, results, result_is_exit_code: results == 1 },
                )
            }
            Entry::Run(_) => (false, Target::ComponentRun),
        };
        Ok(Self { module: module.digest(), initialize, target })
    }

    /// Calls one exported function with arguments given as text, after `_initialize` if there is one. A component's function is
    /// called as [`component_call`] reads it: arguments are WAVE, and may stand in parentheses after the name.
    ///
    /// # Errors
    /// There is no such function, its types are none that can be given as text, or the arguments do not fit them.
    pub fn invoke(module: &Verified, name: &str, args: &[String]) -> Result<Self, Rejection> {
        if module.kind() == ModuleKind::Component {
            let (function, args) = component_call(module, name, args)?;
            let target = Target::Component { function: Arc::new(function), args };
            return Ok(Self { module: module.digest(), initialize: false, target });
        }
        let function = Function::find(module, name)?;
        function.call(text::parse(name, &function.ty().params, args)?)
    }

    /// Calls one exported function with these arguments, after `_initialize` if there is one. To call one function often,
    /// keep the [`Function`].
    ///
    /// # Errors
    /// As [`Function::find`] and [`Function::call`].
    pub fn values(module: &Verified, name: impl AsRef<str> + Into<Arc<str>>, args: Vec<ResultValue>) -> Result<Self, Rejection> {
        Function::find(module, name)?.call(args)
    }

    /// Calls a function of a component.
    ///
    /// # Errors
    /// The arguments are not of its types.
    pub fn component(function: Arc<ComponentFunction>, args: Vec<ComponentValue>) -> Result<Self, Rejection> {
        function.check(&args)?;
        Ok(Self { module: function.module(), initialize: false, target: Target::Component { function, args } })
    }

    /// Passes bytes to one exported function, and takes back a reply of at most `most_output` bytes, after `_initialize` if
    /// there is one: by the convention that [`Exchange`] documents. To exchange often, keep that.
    ///
    /// # Errors
    /// As [`Exchange::find`] and [`Exchange::call`].
    pub fn exchange(
        module: &Verified,
        name: impl AsRef<str> + Into<Arc<str>>,
        input: Vec<u8>,
        most_output: u64,
    ) -> Result<Self, Rejection> {
        Exchange::find(module, name)?.call(input, most_output)
    }
}

impl Call {
    /// The module it was checked against.
    pub fn module(&self) -> Digest {
        self.module
    }

    /// The core function to call and its arguments; `None` for an exchange or a component.
    pub fn function(&self) -> Option<(&str, &[ResultValue])> {
        match &self.target {
            Target::Function { name, args, .. } => Some((name, args)),
            Target::Exchange(_) | Target::ComponentRun | Target::Component { .. } => None,
        }
    }

    /// The bytes to exchange, if that is what the call does.
    pub fn message(&self) -> Option<&Message> {
        match &self.target {
            Target::Exchange(message) => Some(message),
            Target::Function { .. } | Target::ComponentRun | Target::Component { .. } => None,
        }
    }

    /// Whether `_initialize` is to be called first.
    pub fn initializes(&self) -> bool {
        self.initialize
    }
}

/// The type of an exported core function.
fn find<'a>(module: &'a Verified, name: &str) -> Option<&'a FuncType> {
    match &module.export(name)?.ty {
        ExternType::Func(ty) => Some(ty),
        _ => None,
    }
}

/// Whether the module is one that must be initialized before anything else is called.
fn initializes(module: &Verified) -> bool {
    module.entries().contains(&Entry::Initialize)
}

/// What could be called instead.
fn callable(module: &Verified) -> String {
    let is = |ty: &ExternType| matches!(ty, ExternType::Func(_) | ExternType::ComponentFunc(_));
    let functions = module.exports().iter().filter(|export| is(&export.ty));
    let names: Vec<String> = functions.take(8).map(|export| escape(&export.name, 64)).collect();
    if names.is_empty() {
        "it exports no functions at all".into()
    } else {
        format!("name a function with --invoke: {}", names.join(", "))
    }
}

fn not_found(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectReason::NotFound, message)
}

fn policy(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectReason::Policy, message)
}
