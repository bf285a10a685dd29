//! Why reading stopped.

use std::fmt;

use ambit_core::{RejectReason, Rejection, escape};

/// Reading stopped. One word wide, because every operator's visit returns it.
#[derive(Debug)]
pub(crate) struct Halt(Box<Cause>);

/// What stopped it.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The validator says no: the bytes are invalid, or need a feature it was not given.
    Invalid(wasmparser::Error, Option<Whose>),
    /// A limit of ours: final, whatever the features.
    Refused(Rejection),
}

/// The item that is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The module or component as a whole.
    Module,
    /// A component section.
    Component,
    /// A function, by its index in its module.
    Function(u32),
    /// A type, by its index in its section.
    Type(u32),
    /// An import, by its index in its section.
    Import(u32),
    /// An export, by its index in its section.
    Export(u32),
}

impl Halt {
    pub(crate) fn into_cause(self) -> Cause {
        *self.0
    }

    #[cold]
    pub(crate) fn refused(rejection: Rejection) -> Self {
        Self(Box::new(Cause::Refused(rejection)))
    }

    /// Names the item, unless one is named already.
    #[cold]
    pub(crate) fn within(mut self, whose: Whose) -> Self {
        if let Cause::Invalid(_, place @ None) = &mut *self.0 {
            *place = Some(whose);
        }
        self
    }
}

impl From<wasmparser::Error> for Halt {
    #[cold]
    fn from(error: wasmparser::Error) -> Self {
        Self(Box::new(Cause::Invalid(error, None)))
    }
}

/// The rejection of bytes that the validator refuses.
pub(crate) fn invalid(error: &wasmparser::Error, whose: Option<Whose>) -> Rejection {
    // The validator quotes names from the module, and puts context on lines of its own.
    let what = escape(error.message().replace('\n', ": "), 512);
    let place = whose.map(|whose| format!("{whose}, ")).unwrap_or_default();
    Rejection::new(RejectReason::InvalidModule, format!("the module is invalid: {place}at byte {:#x}: {what}", error.offset()))
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Module => f.write_str("the module"),
            Whose::Component => f.write_str("the component"),
            Whose::Function(index) => write!(f, "function {index}"),
            Whose::Type(index) => write!(f, "type {index}"),
            Whose::Import(index) => write!(f, "import {index}"),
            Whose::Export(index) => write!(f, "export {index}"),
        }
    }
}
