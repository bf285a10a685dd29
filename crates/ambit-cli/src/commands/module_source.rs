//! Where a module comes from: a file, or the store.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{RejectReason, Rejection};
use ambit_manager::CodeCache;
use ambit_store::{Namespace, Reference, Store, StoreError, StoreOptions};

use super::read_module;
use crate::store_args::StoreArgs;

/// A module, as it was asked for.
#[derive(Debug, Clone)]
pub(crate) enum ModuleSource {
    /// A file, or - for standard input.
    File(PathBuf),
    /// A module of the store.
    Stored(Reference, StoreArgs),
    /// One that was read already, by this name.
    Read(Arc<Verified>, String),
}

impl ModuleSource {
    /// What `word` asks for. A digest, or a name with `@`, is the store's, whatever files there are; another word is that if it is no
    /// file, and could not be the name of one.
    pub(crate) fn of(word: &Path, store: &StoreArgs) -> Self {
        let text = word.to_str().unwrap_or_default();
        match text.parse::<Reference>() {
            Ok(reference) if text.contains('@') || matches!(reference, Reference::Digest(_)) || !is_of_a_file(word) => {
                Self::Stored(reference, store.clone())
            }
            Ok(_) | Err(_) => Self::File(word.to_owned()),
        }
    }

    /// What it is called in reports, and as `argv[0]`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned(),
            Self::Stored(reference, _) => reference.to_string(),
            Self::Read(_, name) => name.clone(),
        }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stored(..) | Self::Read(..) => None,
        }
    }

    /// Reads and admits it. One of the store's is held there until this process ends.
    pub(crate) fn read(&self, rules: &AdmitRules) -> Result<Arc<Verified>, Rejection> {
        self.read_with(rules, None)
    }

    /// The same, with a cache that may know it.
    pub(crate) fn read_with(&self, rules: &AdmitRules, cache: Option<&CodeCache>) -> Result<Arc<Verified>, Rejection> {
        let bytes = match self {
            Self::File(path) => read_module::binary(path, rules)?,
            Self::Read(module, _) => module.bytes().to_vec(),
            Self::Stored(reference, store) => load(reference, store).map_err(|error| {
                let reason = match error {
                    StoreError::DigestMismatch { .. } => RejectReason::InvalidModule,
                    _ => RejectReason::NotFound,
                };
                let hint = "; a file is named with its path, ./FILE";
                let hint = if matches!(error, StoreError::NotFound { .. }) { hint } else { "" };
                Rejection::new(reason, format!("cannot read the module `{reference}`: {}{hint}", error.full()))
            })?,
        };
        match cache {
            Some(cache) => cache.admit(bytes, rules),
            None => ambit_admit::admit(bytes, rules),
        }
        .map(Arc::new)
    }
}

impl fmt::Display for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stored(reference, _) => reference.fmt(f),
            Self::Read(_, name) => name.fmt(f),
        }
    }
}

/// Whether a word without a version is a file, or is meant as one.
fn is_of_a_file(word: &Path) -> bool {
    word.extension().is_some_and(|ending| ending == "wasm" || ending == "wat") || word.exists()
}

fn load(reference: &Reference, store: &StoreArgs) -> Result<Vec<u8>, StoreError> {
    let store = Store::open(store.place()?, StoreOptions::default())?;
    let found = store.resolve(&Namespace::default(), reference)?;
    let (bytes, lease) = store.load(&found.record)?.into_parts();
    // Held for as long as this process is there, however it ends.
    std::mem::forget(lease);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_file_or_a_module_of_the_store() {
        let stored = |word: &str| matches!(ModuleSource::of(Path::new(word), &StoreArgs { store: None }), ModuleSource::Stored(..));
        for word in ["tool@1.2.3", "tools/tool@^1", "tool:latest", "tool", &format!("sha256:{}", "0".repeat(64))] {
            assert!(stored(word), "{word}");
        }
        for word in ["-", "./tool", "/tool", "tool.wasm", "tools/tool.wat", "Tool", "sha256:00", "Cargo.toml", "src", "../x@1.2.3"]
        {
            assert!(!stored(word), "{word}");
        }
    }
}
