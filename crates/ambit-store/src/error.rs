//! What can go wrong with a store.

use std::{
    io,
    path::{Path, PathBuf},
};

use ambit_core::Digest;

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
    /// What has a module's name is not that module.
    #[error("the module {digest} in the store is damaged: {why}; it was moved aside: add it once more")]
    DigestMismatch {
        /// Which.
        digest: Digest,
        /// What is the matter.
        why: &'static str,
    },
    /// A record is not what was written.
    #[error("the record `{}` is damaged: {why}; `ambit store fsck --repair` restores what can be", path.display())]
    RecordDamaged {
        /// Its file.
        path: PathBuf,
        /// What is the matter.
        why: String,
    },
    /// The index is no data base any more.
    #[error("the index `{}` is damaged: {why}; `ambit store fsck --repair` makes it anew from the records", path.display())]
    IndexDamaged {
        /// Its file.
        path: PathBuf,
        /// What is the matter.
        why: String,
    },
    /// The index is one of a later version of Ambit.
    #[error("the store is of a newer Ambit: its index has version {found}, and this one knows {known}; use that, or another store")]
    NewerIndex {
        /// The version that it has.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The index failed.
    #[error("the index of the store failed")]
    Index(#[from] rusqlite::Error),
    /// There is nothing like that.
    #[error("there is no `{what}` in the store{near}; `ambit store ls` lists what there is, `ambit store add` adds")]
    NotFound {
        /// What was asked for.
        what: String,
        /// What there is instead, if anything.
        near: String,
    },
    /// Versions are never changed.
    #[error("{title} is {there} already; a version is never another module: give the new one a new version")]
    Taken {
        /// Name and version.
        title: String,
        /// What it is.
        there: Digest,
    },
    /// Something is not as it may be.
    #[error("{0}")]
    Refused(String),
    /// Somebody else needs the store for himself.
    #[error("the store `{}` is in use: {why}", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
        /// For what it is wanted alone.
        why: &'static str,
    },
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

    /// The index at `path` failed.
    pub(crate) fn index(path: &Path, error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::IndexDamaged { path: path.to_owned(), why: error.to_string() }
            }
            _ => Self::Index(error),
        }
    }

    /// Whether it says that the store must not be used as it is, and not only that it cannot be.
    pub fn is_unsafe(&self) -> bool {
        matches!(self, Self::Unsafe { .. })
    }

    /// It and its causes, in one line.
    pub fn full(&self) -> String {
        match self {
            Self::System { source, .. } => format!("{self}: {source}"),
            Self::Index(source) => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }
}
