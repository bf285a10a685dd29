//! What can go wrong with a store.

use std::{io, path::PathBuf};

/// A store cannot be used, or not for this.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error("cannot {what} `{}`", path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Somebody else could change what is there, or has.
    #[error("`{}` {why}, so what is in it is not to be trusted; {remedy}", path.display())]
    Unsafe {
        /// Which file or directory.
        path: PathBuf,
        /// What is the matter with it.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// There is no telling where it is.
    #[error("there is no place for the store: neither XDG_DATA_HOME nor HOME is set to an absolute path; --store DIR names one")]
    NoPlace,
    /// An artifact is larger than all of them together may be.
    #[error("the artifact of {size} bytes is larger than the cache may be, {limit}")]
    TooLarge {
        /// Its bytes.
        size: u64,
        /// As many may all have.
        limit: u64,
    },
}

impl StoreError {
    /// `what` failed on `path`.
    pub(crate) fn system(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::System { what, path, source }
    }

    /// Whether it says that the store must not be used as it is, and not only that it cannot be.
    pub fn is_unsafe(&self) -> bool {
        matches!(self, Self::Unsafe { .. })
    }

    /// It and its causes, in one line.
    pub fn full(&self) -> String {
        match self {
            Self::System { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }
}
