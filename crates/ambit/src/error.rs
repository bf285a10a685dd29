//! What goes wrong.

use std::{io, path::PathBuf};

use ambit_core::{Outcome, Rejection, Report};
use ambit_engine::{AccessError, RegisterError};
use ambit_runtime::Finished;

use crate::words::describe;

/// What goes wrong. `Display` says what, where and what would help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The runtime, or a thread for it, could not be made.
    #[error("cannot set up the runtime")]
    Setup(#[source] io::Error),
    /// A module's file could not be read.
    #[error("cannot read the module `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Refused before anything ran: a module that is not admitted, a policy that cannot be kept, a function that does not
    /// exist or is of other types, no room.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It ran, and ended otherwise than by returning.
    #[error("{what} {}", describe(.finished.outcome()))]
    Ended {
        /// What ran: a function's name in backquotes, or `the program`, `the instance`.
        what: String,
        /// The whole account.
        finished: Box<Finished>,
    },
    /// An instance that is over was called or looked into: a call of it did not return, or it was terminated.
    #[error("the instance is over: a call of it did not return, or it was terminated; make it anew with `reset`")]
    Over,
    /// A memory, global or table of an instance could not be looked at or changed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// An interface of the embedder's cannot be provided: its text is no WIT, or its functions are not those it declares.
    #[error("cannot provide the interface: {0}")]
    Interface(String),
    /// A function of the embedder's cannot be added.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// What was to be passed could not be written in its format.
    #[error("cannot write the input of `{function}` as {format}")]
    Encode {
        /// The function it was for.
        function: String,
        /// The format.
        format: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What a component's function returned is of another type than was asked for.
    #[error("cannot read what `{function}` returned, which is of type {ty}")]
    Returned {
        /// The function.
        function: String,
        /// The type that it returns, as in WIT.
        ty: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The guest's reply is not what it was to be.
    #[error("cannot read the {len} bytes that `{function}` replied as {format}")]
    Decode {
        /// The function that replied.
        function: String,
        /// The format.
        format: &'static str,
        /// Bytes of the reply.
        len: usize,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// How it ended, if it ran.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Error::Ended { finished, .. } => Some(finished.outcome()),
            _ => None,
        }
    }

    /// The full account, if it ran.
    pub fn report(&self) -> Option<Report> {
        match self {
            Error::Ended { finished, .. } => Some(finished.report()),
            _ => None,
        }
    }

    /// Why it was refused, if it was.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Error::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// The error of a run that was to return and did not. One that was refused after it had waited is a rejection like any
    /// other.
    pub(crate) fn ended(what: impl Into<String>, finished: Finished) -> Self {
        match finished.outcome() {
            Outcome::Rejected(rejection) => Error::Rejected(rejection.clone()),
            _ => Error::Ended { what: what.into(), finished: Box::new(finished) },
        }
    }
}
