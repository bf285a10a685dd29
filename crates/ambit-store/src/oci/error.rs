//! What can go wrong with images.

use std::{io, path::PathBuf, time::Duration};

use ambit_core::Digest;

use crate::error::StoreError;

/// An image cannot be had, or is not what it says, or could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// What came is not what was asked for.
    #[error("{what} is not what was asked for: digest mismatch: it has {found}, asked for was {asked}; nothing of it was kept")]
    DigestMismatch {
        /// Of what.
        what: String,
        /// The digest that was asked for.
        asked: Digest,
        /// That of what came.
        found: Digest,
    },
    /// Something is longer or shorter than it was said to be.
    #[error("{what} is not as long as was said: {said} bytes, and {found}")]
    Length {
        /// What.
        what: String,
        /// The bytes it should have.
        said: u64,
        /// What came instead.
        found: String,
    },
    /// Something is larger than it may be.
    #[error("{what} is larger than it may be: {most} bytes at most")]
    TooLarge {
        /// What.
        what: String,
        /// As many bytes it may have.
        most: u64,
    },
    /// Something is not as images are, or not as Ambit takes them.
    #[error("{what} is refused: {why}")]
    Refused {
        /// What.
        what: String,
        /// What is the matter.
        why: String,
    },
    /// A registry sends elsewhere, and nobody follows.
    #[error("the registry sends to `{to}`, which is refused: {why}")]
    Hop {
        /// Where to.
        to: String,
        /// Why not, and what would allow it.
        why: String,
    },
    /// The registry has it not.
    #[error("{registry} has no {what}{near}")]
    NotFound {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What might help.
        near: &'static str,
    },
    /// The registry does not let it be done.
    #[error("{registry} refuses {what}: {why}")]
    Denied {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// Why, and what might help.
        why: String,
    },
    /// The registry answers as none should.
    #[error("{registry} answers {status} for {what}{said}")]
    Status {
        /// The registry.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        what: String,
        /// What it said.
        said: String,
    },
    /// The registry could not be reached, or stopped answering.
    #[error("cannot get {what} from {registry}")]
    Transport {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What failed.
        #[source]
        source: Box<ureq::Error>,
    },
    /// It all took too long.
    #[error("{what} from {registry} was not here within {after:?}; --registry-timeout allows more")]
    TimedOut {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// How long there was.
        after: Duration,
    },
    /// A password cannot be had.
    #[error("cannot get credentials from {from}: {why}")]
    Credentials {
        /// The file or program.
        from: String,
        /// What is the matter.
        why: String,
    },
    /// A file or directory of images could not be read or written.
    #[error("cannot {what} `{}`", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// It is not here, and nobody is to be asked.
    #[error(
        "there is no image `{image}` in the store, and the policy is never to pull: `ambit pull {image}`, or --pull if-not-present"
    )]
    NotHere {
        /// What was asked for.
        image: String,
    },
    /// Its module is not admitted.
    #[error("the module of the image is refused: {0}")]
    Rejected(#[from] ambit_core::Rejection),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OciError {
    /// `what` failed on `path`.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    pub(crate) fn refused(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), why: why.into() }
    }

    /// It and its causes, in one line.
    pub fn full(&self) -> String {
        match self {
            Self::File { source, .. } => format!("{self}: {source}"),
            Self::Transport { source, .. } => {
                let why = ambit_core::escape(source.to_string(), 400);
                let unknown = why.contains("certificate");
                let remedy = if unknown { "; --registry-ca FILE names an authority to believe" } else { "" };
                format!("{self}: {why}{remedy}")
            }
            Self::Store(error) => error.full(),
            Self::DigestMismatch { .. }
            | Self::Length { .. }
            | Self::TooLarge { .. }
            | Self::Refused { .. }
            | Self::Hop { .. }
            | Self::NotFound { .. }
            | Self::Denied { .. }
            | Self::Status { .. }
            | Self::TimedOut { .. }
            | Self::Credentials { .. }
            | Self::NotHere { .. }
            | Self::Rejected(_) => self.to_string(),
        }
    }
}
