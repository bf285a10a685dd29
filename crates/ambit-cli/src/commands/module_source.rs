//! Where a module comes from: a file, or the store.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{RejectReason, Rejection};
use ambit_manager::CodeCache;
use ambit_store::{Called, Reference, Store, StoreError, StoreOptions};

use super::{read_module, signed::SignatureDemand};
use crate::store_args::StoreArgs;

/// A module, as it was asked for.
#[derive(Debug, Clone)]
pub(crate) enum ModuleSource {
    /// A file, or - for standard input.
    File(PathBuf),
    /// A module of the store.
    Stored(Reference, StoreArgs),
}

/// A module that was read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) module: Arc<Verified>,
    /// What the store calls it, if it is the store's and has a name.
    pub(crate) called: Option<Called>,
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
        }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stored(..) => None,
        }
    }

    /// Reads and admits it. One of the store's is held there until this process ends.
    pub(crate) fn read(&self, rules: &AdmitRules) -> Result<Arc<Verified>, Rejection> {
        Ok(self.find(rules)?.module)
    }

    /// The same, with a cache that may know it, and only if its signatures are what is asked for.
    pub(crate) fn read_signed(
        &self,
        rules: &AdmitRules,
        cache: Option<&CodeCache>,
        signatures: &SignatureDemand,
    ) -> Result<Arc<Verified>, Rejection> {
        let Found { module, called } = self.read_with(rules, cache)?;
        signatures.check(&module, called.map(|called| called.name))?;
        Ok(module)
    }

    /// Reads and admits it, and says what the store calls it.
    pub(crate) fn find(&self, rules: &AdmitRules) -> Result<Found, Rejection> {
        self.read_with(rules, None)
    }

    fn read_with(&self, rules: &AdmitRules, cache: Option<&CodeCache>) -> Result<Found, Rejection> {
        let (bytes, called) = match self {
            Self::File(path) => (read_module::binary(path, rules)?, None),
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
        .map(|module| Found { module: Arc::new(module), called })
    }
}

impl fmt::Display for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stored(reference, _) => reference.fmt(f),
        }
    }
}

/// Whether a word without a version is a file, or is meant as one.
fn is_of_a_file(word: &Path) -> bool {
    word.extension().is_some_and(|ending| ending == "wasm" || ending == "wat") || word.exists()
}

fn load(reference: &Reference, args: &StoreArgs) -> Result<(Vec<u8>, Option<Called>), StoreError> {
    let store = Store::open(args.place()?, StoreOptions::default())?;
    let found = store.resolve(&args.namespace, reference)?;
    let (bytes, lease) = store.load(&found.record)?.into_parts();
    // Held for as long as this process is there, however it ends.
    std::mem::forget(lease);
    Ok((bytes, found.record.called))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_file_or_a_module_of_the_store() {
        let stored = |word: &str| {
            matches!(
                ModuleSource::of(Path::new(word), &StoreArgs { store: None, namespace: ambit_store::Namespace::default() }),
                ModuleSource::Stored(..)
            )
        };
        for word in ["tool@1.2.3", "tools/tool@^1", "tool:latest", "tool", &format!("sha256:{}", "0".repeat(64))] {
            assert!(stored(word), "{word}");
        }
        for word in ["-", "./tool", "/tool", "tool.wasm", "tools/tool.wat", "Tool", "sha256:00", "Cargo.toml", "src", "../x@1.2.3"]
        {
            assert!(!stored(word), "{word}");
        }
    }
}
