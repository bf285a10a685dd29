//! Where a module comes from: a file, the store, or a registry.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{RejectReason, Rejection};
use ambit_manager::CodeCache;
use ambit_store::{
    Called, ImageRecord, ImageReference, Place, Reference, Store, StoreError, StoreOptions,
    oci::{self, OciError, Progress, Quiet, Wanted, obtain},
    sign::{Claim, CosignSignature, ImageClaim},
};

use super::{image::progress::Bar, read_module, signed::SignatureDemand};
use crate::{output, registry_args::PullArgs, store_args::StoreArgs};

/// As often an image is looked up that somebody changes meanwhile.
const TRIES: u32 = 5;

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
    Pinned(Box<Pinned>),
    /// One that was read already, by this name.
    Read(Arc<Found>, String),
}

/// An image that is here.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    /// What it was asked for as.
    name: String,
    record: ImageRecord,
    /// The version that its manifest says.
    version: Option<semver::Version>,
    /// Signatures that came with it.
    cosign: Vec<CosignSignature>,
    /// Its module: from here on neither a tag that moves nor `ambit rmi` is anything to the run.
    bytes: Arc<[u8]>,
}

/// A module that was read.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) module: Arc<Verified>,
    pub(crate) from: Origin,
}

/// Where it was found.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// In a file.
    File,
    /// In the store.
    Stored(Names),
    /// In an image.
    Image(Box<Pinned>),
}

/// What a module of the store is called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Its name and version, if it was asked for by a name.
    pub(crate) called: Option<Called>,
    /// Aliases that led to it; or, if it was asked for by its digest, every name that it has.
    others: Vec<String>,
}

impl Found {
    /// What is to be shown by signatures.
    pub(crate) fn claim(&self) -> Claim<'_> {
        let (bytes, digest) = (self.module.bytes(), self.module.digest());
        let (names, version, image) = match &self.from {
            Origin::File => (Vec::new(), None, None),
            Origin::Stored(Names { called: Some(called), others }) => {
                ([vec![called.name.to_string()], others.clone()].concat(), Some(called.version.clone()), None)
            }
            Origin::Stored(Names { called: None, others }) => (others.clone(), None, None),
            Origin::Image(pinned) => {
                let Pinned { record, version, .. } = &**pinned;
                let digests = vec![record.manifest.digest, record.resolved];
                (vec![record.repository.to_string()], None, Some(ImageClaim { digests, version: version.clone() }))
            }
        };
        Claim { bytes, digest, names, version, image }
    }

    /// The signatures that came with it.
    pub(crate) fn cosign(&self) -> Vec<CosignSignature> {
        match &self.from {
            Origin::File | Origin::Stored(_) => Vec::new(),
            Origin::Image(pinned) => pinned.cosign.clone(),
        }
    }
}

impl ModuleSource {
    /// What `word` asks for. A digest, or a name with `@`, is the store's, whatever files there are, and an image's with its tag is that;
    /// what ends like a file of a module is a file; another word is the store's if that knows the name, or if it is no file: one that
    /// somebody has put there takes no name from a module. A name with a registry before it is an image's.
    pub(crate) fn of(word: &Path, store: &StoreArgs, pull: &PullArgs) -> Self {
        let text = word.to_str().unwrap_or_default();
        if let Ok(image) = text.parse::<ImageReference>()
            && (text.contains('@')
                || (!ends_like_a_file(word) && (has_tag(text) || !word.exists() || is_known_image(&image, store))))
        {
            return Self::Image(Box::new(image), store.clone(), Box::new(pull.clone()));
        }
        Self::of_no_image(word, store)
    }

    /// The same, of a word that names no image.
    pub(crate) fn of_no_image(word: &Path, store: &StoreArgs) -> Self {
        let text = word.to_str().unwrap_or_default();
        match text.parse::<Reference>() {
            Ok(reference)
                if text.contains('@')
                    || matches!(reference, Reference::Digest(_))
                    || (!ends_like_a_file(word) && (!word.exists() || is_known(&reference, store))) =>
            {
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
            Self::Pinned(pinned) => pinned.name.clone(),
            Self::Read(_, name) => name.clone(),
        }
    }

    /// Has an image here, by policy, before anybody waits for it; from then on its module is meant by its digest. Anything else is as it
    /// was.
    pub(crate) fn at_hand(self, quiet: bool) -> Result<Self, Rejection> {
        let Self::Image(image, store, pull) = self else { return Ok(self) };
        let once = || -> Result<_, OciError> {
            let rules = read_module::rules_to_keep();
            let wanted = Wanted { namespace: &store.namespace, image: &image, policy: pull.pull, rules: &rules };
            let opened = Store::open(store.place()?, StoreOptions::default())?;
            let options = pull.registry.options(&image.repository)?;
            let (mut bar, mut nobody) = (Bar::default(), Quiet);
            let progress: &mut dyn Progress = if quiet { &mut nobody } else { &mut bar };
            let obtained = obtain(&opened, wanted, options, progress)?;
            let manifest = opened.image_parts(&obtained.record)?.manifest;
            let (bytes, lease) = opened.load(&obtained.record.module())?.into_parts();
            // Held for as long as this process is there, however it ends.
            std::mem::forget(lease);
            Ok((obtained, oci::version_of(&manifest), bytes))
        };
        let mut tries = 0;
        let (obtained, version, bytes) = loop {
            tries += 1;
            match once() {
                // Somebody has removed it, or moved its tag, while it was looked up; or some of it was damaged, and lies aside now.
                Err(OciError::Store(StoreError::NotFound { .. } | StoreError::DigestMismatch { .. })) if tries < TRIES => {}
                done => break done.map_err(|error| refused(&image, error))?,
            }
        };
        if let Some(before) = obtained.before.filter(|_| !quiet) {
            output::note(&format!("{image} is {} now; it was {before}", obtained.record.resolved));
        }
        if let Some(why) = obtained.unsigned.as_ref().filter(|_| !quiet) {
            output::note(&format!("{image} comes without signatures: {why}"));
        }
        let oci::Obtained { record, cosign, .. } = obtained;
        Ok(Self::Pinned(Box::new(Pinned { name: image.to_string(), record, version, cosign, bytes: bytes.into() })))
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stored(..) | Self::Image(..) | Self::Pinned(..) | Self::Read(..) => None,
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
    ) -> Result<Found, Rejection> {
        let found = self.read_with(rules, cache)?;
        signatures.check(&found)?;
        Ok(found)
    }

    /// Reads and admits it, and says what the store calls it.
    pub(crate) fn find(&self, rules: &AdmitRules) -> Result<Found, Rejection> {
        self.read_with(rules, None)
    }

    fn read_with(&self, rules: &AdmitRules, cache: Option<&CodeCache>) -> Result<Found, Rejection> {
        let (bytes, from) = match self {
            Self::File(path) => (read_module::binary(path, rules)?, Origin::File),
            Self::Stored(reference, store) => {
                let (bytes, names) = stored(reference, &reference.to_string(), store)?;
                (bytes.into(), Origin::Stored(names))
            }
            Self::Pinned(pinned) => (Arc::clone(&pinned.bytes), Origin::Image(pinned.clone())),
            Self::Read(found, _) => (Arc::clone(found.module.bytes()), found.from.clone()),
            Self::Image(..) => return self.clone().at_hand(false)?.read_with(rules, cache),
        };
        match cache {
            Some(cache) => cache.admit(bytes, rules),
            None => ambit_admit::admit(bytes, rules),
        }
        .map(|module| Found { module: Arc::new(module), from })
    }
}

impl fmt::Display for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stored(reference, _) => reference.fmt(f),
            Self::Image(image, ..) => image.fmt(f),
            Self::Pinned(pinned) => pinned.name.fmt(f),
            Self::Read(_, name) => name.fmt(f),
        }
    }
}

/// Whether a word without a version is meant as a file.
fn ends_like_a_file(word: &Path) -> bool {
    word.extension().is_some_and(|ending| ending == "wasm" || ending == "wat")
}

/// Whether an image's name has its tag: a colon before the last `/` is that of a port.
fn has_tag(image: &str) -> bool {
    image.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

/// Whether the store has images of that repository.
fn is_known_image(image: &ImageReference, store: &StoreArgs) -> bool {
    let knows = |place: Place| place.knows_image(&store.namespace, &image.repository).unwrap_or(false);
    store.existing().is_ok_and(|place| place.is_some_and(knows))
}

/// Whether the store has modules of that name.
fn is_known(reference: &Reference, store: &StoreArgs) -> bool {
    let Reference::Named(name, _) = reference else { return false };
    store.existing().is_ok_and(|place| place.is_some_and(|place| place.knows(&store.namespace, name).unwrap_or(false)))
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
fn stored(reference: &Reference, name: &str, store: &StoreArgs) -> Result<(Vec<u8>, Names), Rejection> {
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

fn load(reference: &Reference, args: &StoreArgs) -> Result<(Vec<u8>, Names), StoreError> {
    let store = Store::open(args.place()?, StoreOptions::default())?;
    let found = store.resolve(&args.namespace, reference)?;
    let (bytes, lease) = store.load(&found.record)?.into_parts();
    // Held for as long as this process is there, however it ends.
    std::mem::forget(lease);
    let names = match reference {
        // Which of its names comes first means nothing.
        Reference::Digest(digest) => {
            let names = store.names_of(&args.namespace, *digest)?.iter().map(ToString::to_string).collect();
            Names { called: None, others: names }
        }
        Reference::Named(..) => Names { called: found.record.called, others: found.by },
    };
    Ok((bytes, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_file_or_a_module_of_the_store() {
        let args = StoreArgs { store: None, namespace: ambit_store::Namespace::default() };
        let of = |word: &str| ModuleSource::of(Path::new(word), &args, &PullArgs::default());
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
