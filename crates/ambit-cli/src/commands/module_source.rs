//! Where a module comes from: a file, the store, or a registry.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Digest, RejectReason, Rejection};
use ambit_manager::CodeCache;
use ambit_store::{
    ImageReference, Namespace, Reference, Store, StoreError, StoreOptions,
    oci::{OciError, Progress, Quiet, Wanted, obtain},
};

use super::{image::progress::Bar, read_module};
use crate::{output, registry_args::PullArgs, store_args::StoreArgs};

/// A module, as it was asked for.
#[derive(Debug, Clone)]
pub(crate) enum ModuleSource {
    /// A file, or - for standard input.
    File(PathBuf),
    /// A module of the store.
    Stored(Reference, StoreArgs),
    /// An image, which may have to be pulled.
    Image(Box<ImageReference>, StoreArgs, Box<PullArgs>),
    /// The module of an image that is here. What the image's name comes to mean is nothing to it.
    Pinned(String, Digest, StoreArgs),
}

impl ModuleSource {
    /// What `word` asks for. A digest, or a name with `@`, is the store's, whatever files there are; another word is that if it is no
    /// file, and could not be the name of one. A name with a registry before it is an image's.
    pub(crate) fn of(word: &Path, store: &StoreArgs, pull: &PullArgs) -> Self {
        let text = word.to_str().unwrap_or_default();
        if let Ok(image) = text.parse::<ImageReference>()
            && (text.contains('@') || !is_of_a_file(word))
        {
            return Self::Image(Box::new(image), store.clone(), Box::new(pull.clone()));
        }
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
            Self::Image(image, ..) => image.to_string(),
            Self::Pinned(name, ..) => name.clone(),
        }
    }

    /// Has an image here, by policy, before anybody waits for it; from then on its module is meant by its digest. Anything else is as it
    /// was.
    pub(crate) fn at_hand(self, quiet: bool) -> Result<Self, Rejection> {
        let Self::Image(image, store, pull) = self else { return Ok(self) };
        let namespace = Namespace::default();
        let obtained = || {
            let rules = read_module::rules_to_keep();
            let wanted = Wanted { namespace: &namespace, image: &image, policy: pull.pull, rules: &rules };
            let opened = Store::open(store.place()?, StoreOptions::default())?;
            let options = pull.registry.options(&image.repository)?;
            let (mut bar, mut nobody) = (Bar::default(), Quiet);
            let progress: &mut dyn Progress = if quiet { &mut nobody } else { &mut bar };
            obtain(&opened, wanted, options, progress)
        };
        let obtained = obtained().map_err(|error| refused(&image, error))?;
        if let Some(before) = obtained.before.filter(|_| !quiet) {
            output::note(&format!("{image} is {} now; it was {before}", obtained.record.resolved));
        }
        Ok(Self::Pinned(image.to_string(), obtained.record.module.digest, store))
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stored(..) | Self::Image(..) | Self::Pinned(..) => None,
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
            Self::Stored(reference, store) => stored(reference, &reference.to_string(), store)?,
            Self::Pinned(name, digest, store) => stored(&Reference::Digest(*digest), name, store)?,
            Self::Image(..) => return self.clone().at_hand(false)?.read_with(rules, cache),
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
            Self::Image(image, ..) => image.fmt(f),
            Self::Pinned(name, ..) => name.fmt(f),
        }
    }
}

/// Whether a word without a version is a file, or is meant as one.
fn is_of_a_file(word: &Path) -> bool {
    word.extension().is_some_and(|ending| ending == "wasm" || ending == "wat") || word.exists()
}

/// What is said of a run whose image cannot be had.
fn refused(image: &ImageReference, error: OciError) -> Rejection {
    let reason = match error {
        OciError::Rejected(rejection) => return rejection,
        OciError::DigestMismatch { .. }
        | OciError::Length { .. }
        | OciError::TooLarge { .. }
        | OciError::Refused { .. }
        | OciError::Store(StoreError::DigestMismatch { .. }) => RejectReason::InvalidModule,
        OciError::Hop { .. }
        | OciError::NotFound { .. }
        | OciError::Denied { .. }
        | OciError::Status { .. }
        | OciError::Transport { .. }
        | OciError::TimedOut { .. }
        | OciError::Credentials { .. }
        | OciError::File { .. }
        | OciError::NotHere { .. }
        | OciError::Store(_) => RejectReason::NotFound,
    };
    Rejection::new(reason, format!("cannot get the image `{image}`: {}", error.full()))
}

/// A module of the store, which people call `name`.
fn stored(reference: &Reference, name: &str, store: &StoreArgs) -> Result<Vec<u8>, Rejection> {
    load(reference, store).map_err(|error| {
        let reason = match error {
            StoreError::DigestMismatch { .. } => RejectReason::InvalidModule,
            _ => RejectReason::NotFound,
        };
        let hint = "; a file is named with its path, ./FILE";
        let hint = if matches!(error, StoreError::NotFound { .. }) { hint } else { "" };
        Rejection::new(reason, format!("cannot read the module `{name}`: {}{hint}", error.full()))
    })
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
        let of = |word: &str| ModuleSource::of(Path::new(word), &StoreArgs { store: None }, &PullArgs::default());
        let stored = |word: &str| matches!(of(word), ModuleSource::Stored(..));
        for word in ["tool@1.2.3", "tools/tool@^1", "tool:latest", "tool", &format!("sha256:{}", "0".repeat(64))] {
            assert!(stored(word), "{word}");
        }
        for word in ["-", "./tool", "/tool", "tool.wasm", "tools/tool.wat", "Tool", "sha256:00", "Cargo.toml", "src", "../x@1.2.3"]
        {
            assert!(!stored(word), "{word}");
        }
        let digest = format!("ghcr.io/a/b@sha256:{}", "0".repeat(64));
        for word in ["ghcr.io/a/b", "localhost:5000/a:1", "localhost/a", "127.0.0.1:5000/a", &digest] {
            assert!(matches!(of(word), ModuleSource::Image(..)), "{word}");
        }
        // A version is the store's; a file that is no module yet is a file that is missing.
        assert!(stored("example.org/team/tool@1.0.0"));
        assert!(matches!(of("dist.d/tool.wasm"), ModuleSource::File(_)));
    }
}
