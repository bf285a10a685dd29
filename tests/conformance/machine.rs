//! An engine, as a script uses it.

use std::fmt;

use ambit_admit::AdmitRules;
use ambit_core::{FeatureSet, TrapKind};
use wast::{WastInvoke, core::WastRetCore, token::Id};

use crate::admission::Taken;

/// What a script acts on: a store, the instances in it, and what is linked.
pub(crate) trait Machine: Sized {
    /// A compiled module.
    type Module: Clone;
    /// A value in the store.
    type Value: fmt::Debug;

    /// With `spectest`, and exactly these features.
    fn new(features: FeatureSet, text: &str) -> Self;

    fn compile(&self, bytes: &[u8]) -> Result<Self::Module, String>;

    /// That a valid module is admitted, which the engine has compiled.
    fn takes(bytes: &[u8], module: &Self::Module, rules: &AdmitRules) -> Result<Taken, String>;

    /// Keeps a module for `definition`.
    fn define(&mut self, name: Option<Id<'_>>, module: Self::Module);

    fn definition(&self, name: Option<Id<'_>>) -> Result<Self::Module, String>;

    /// Instantiates a module that nothing else will refer to.
    fn try_instantiate(&mut self, module: &Self::Module) -> Result<(), Failed>;

    /// Instantiates a module that the directives after it mean.
    fn instantiate(&mut self, module: &Self::Module, name: Option<Id<'_>>) -> Result<(), String>;

    fn register(&mut self, name: &str, instance: Option<Id<'_>>) -> Result<(), String>;

    fn get(&mut self, instance: Option<Id<'_>>, name: &str) -> Result<Vec<Self::Value>, String>;

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Ended<Self::Value>, String>;

    /// Whether a value is what is expected.
    fn matches(&mut self, value: &Self::Value, pattern: &WastRetCore<'_>) -> Result<bool, String>;

    /// Forgets the exception that a call ended with; whether there was one.
    fn take_exception(&mut self) -> bool;
}

/// How a call or an instantiation ended.
pub(crate) enum Ended<V> {
    Returned(Vec<V>),
    Failed(Failed),
}

/// Why something did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    Trapped(TrapKind),
    /// The stack is exhausted.
    Exhausted,
    /// By an exception that nothing caught.
    Threw,
    /// Otherwise; it did not run, or the engine is at fault.
    Otherwise(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Trapped(kind) => write!(f, "the trap `{kind}`"),
            Failed::Exhausted => f.write_str("an exhausted stack"),
            Failed::Threw => f.write_str("an exception"),
            Failed::Otherwise(what) => f.write_str(what),
        }
    }
}

/// The name of an instance or module, to be kept.
pub(crate) fn owned(name: Option<Id<'_>>) -> Option<String> {
    name.map(|name| name.name().to_owned())
}
