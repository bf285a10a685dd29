//! What goes wrong with host functions.

use std::fmt;

use ambit_core::escape;

/// Why a host function did not do what it was asked for: the guest traps (`host`), with this message.
///
/// Errors of others become one with [`HostError::new`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    message: String,
}

impl HostError {
    /// An error with this message. Where it comes from the guest, it need not be escaped: that is done before it is shown.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string() }
    }
}

impl From<crate::access::AccessError> for HostError {
    fn from(error: crate::access::AccessError) -> Self {
        Self::new(error)
    }
}

/// Why a host function was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The name is one of WASI's or of `env`.
    #[error("{0} is, or may become, a function of this host's own")]
    Known(ImportName),
    /// There is a function of that name already.
    #[error("there are two host functions {0}")]
    Twice(ImportName),
    /// It takes or gives a reference.
    #[error("the host function {import} has a value of type {ty}; only numbers and vectors can be passed")]
    Reference {
        /// The function.
        import: ImportName,
        /// The type.
        ty: String,
    },
    /// Its grant has no name.
    #[error("the grant of the host function {0} needs a name")]
    NoGrant(ImportName),
}

/// The name of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportName {
    /// The import module, such as `env`.
    pub module: String,
    /// The name in it.
    pub name: String,
}

impl fmt::Display for ImportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` `{}`", escape(&self.module, 64), escape(&self.name, 64))
    }
}
