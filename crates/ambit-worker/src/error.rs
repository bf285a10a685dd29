//! Why a jailed process gives up.

use std::{io, time::Duration};

use ambit_core::escape;
use ambit_jail::{
    JailError, Purpose,
    wire::{FromCompiler, FromWorker, Sender, WireError},
};

/// How long the parent is waited for when something is said to it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Why a jailed process gives up. A guest's failure is none of these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// It could not enter its jail.
    #[error(transparent)]
    Jail(#[from] JailError),
    /// Its parent speaks another language, or is gone.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// What its parent asks for makes no sense.
    #[error("{0}")]
    Protocol(&'static str),
    /// The operating system refused something.
    #[error("cannot {step}")]
    System {
        /// What.
        step: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl WorkerError {
    pub(crate) fn system(step: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { step, source }
    }

    /// Tells the parent, if it still listens.
    pub(crate) fn tell(self, purpose: Purpose, sender: &Sender) {
        let text = match &self {
            Self::System { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        let text = escape(text, 512);
        let _ = match (purpose, self) {
            (Purpose::Compiler, Self::Jail(error)) => sender.send(&FromCompiler::NotEntered(error), &[], PATIENCE),
            (Purpose::Compiler, _) => sender.send(&FromCompiler::Failed(text), &[], PATIENCE),
            (_, Self::Jail(error)) => sender.send(&FromWorker::NotEntered(error), &[], PATIENCE),
            (_, _) => sender.send(&FromWorker::Failed(text), &[], PATIENCE),
        };
    }
}
