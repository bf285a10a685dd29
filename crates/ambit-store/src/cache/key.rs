//! What an artifact is kept under, and what it is sealed with.

use std::{io::Read, os::unix::fs::MetadataExt};

use ambit_admit::AdmitRules;
use ambit_core::{CompileSettings, Digest};
use rustix::{fs::Mode, process::geteuid};

use super::CompilerIdentity;
use crate::{
    error::StoreError,
    files::{Dir, Temporary},
    place::unsafe_for,
};

/// The file of the key.
const KEY: &str = "key";
const KEY_BYTES: usize = 32;

/// Which artifact: of which module, compiled how, by what, for which machine. All of it is under the seal.
#[derive(Debug, Clone)]
pub struct ArtifactKey {
    text: String,
    name: String,
}

impl ArtifactKey {
    /// The artifact of `module` with these settings, by this compiler.
    pub fn new(module: Digest, settings: &CompileSettings, compiler: &CompilerIdentity) -> Self {
        let text = format!("ambit artifact 1\n{module}\n{}\n{compiler}\n", settings.text());
        Self { name: blake3::hash(text.as_bytes()).to_hex().to_string(), text }
    }

    /// What its files' names begin with.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn seal_name(&self) -> String {
        format!("{}.seal", self.name)
    }

    pub(super) fn code_name(&self, digest: &blake3::Hash) -> String {
        format!("{}.{}.code", self.name, digest.to_hex())
    }
}

/// That a module was admitted: under which rules, by what.
#[derive(Debug, Clone)]
pub struct AdmissionKey {
    text: String,
    name: String,
}

impl AdmissionKey {
    /// That `module` was admitted under `rules`, by this program.
    pub fn new(module: Digest, rules: &AdmitRules, program: &CompilerIdentity) -> Self {
        // All of them, as this very program writes them down: another one's are nothing to it.
        let text = format!("ambit admission 2\n{module}\n{rules:?}\n{program}\n");
        Self { name: format!("{}.admitted", blake3::hash(text.as_bytes())), text }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The key of a store. It stays in the process that reads it: workers are other programs' images, with none of its descriptors.
pub(super) struct MacKey {
    contents: [u8; KEY_BYTES],
    seals: [u8; KEY_BYTES],
    admissions: [u8; KEY_BYTES],
}

impl MacKey {
    /// The key of the artifacts in `dir`. Made if there is none.
    pub(super) fn of(dir: &Dir, unfinished: &Dir) -> Result<Self, StoreError> {
        if let Some(key) = Self::existing(dir)? {
            return Ok(key);
        }
        let mut bytes = [0; KEY_BYTES];
        let path = dir.path().join(KEY);
        getrandom::fill(&mut bytes).map_err(|error| StoreError::system("make the key", &path)(std::io::Error::other(error)))?;
        // Whole or not at all, and whoever is first has made it.
        let mut file = Temporary::create(unfinished, Mode::RUSR | Mode::WUSR)?;
        file.write(&bytes)?;
        file.link(dir, KEY)?;
        let gone = || StoreError::system("open", &path)(std::io::ErrorKind::NotFound.into());
        Self::existing(dir)?.ok_or_else(gone)
    }

    fn existing(dir: &Dir) -> Result<Option<Self>, StoreError> {
        let Some(mut file) = dir.read(KEY)? else { return Ok(None) };
        let path = dir.path().join(KEY);
        let found = file.metadata().map_err(StoreError::system("look at", &path))?;
        let refused = |why: &str| Err(unsafe_for(&path, why, &format!("`rm {}`: artifacts are then made anew", path.display())));
        if !found.is_file() || found.uid() != geteuid().as_raw() {
            return refused("is the key of the artifacts and not a file of yours");
        }
        if found.mode() & 0o077 != 0 {
            return refused("is the key of the artifacts and others may read it");
        }
        let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
        file.by_ref().take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(StoreError::system("read", &path))?;
        let Ok(bytes) = <[u8; KEY_BYTES]>::try_from(bytes) else {
            return refused("is no key of the artifacts: it has another length");
        };
        Ok(Some(Self {
            contents: blake3::derive_key("ambit 2026 artifact contents", &bytes),
            seals: blake3::derive_key("ambit 2026 artifact seals", &bytes),
            admissions: blake3::derive_key("ambit 2026 admissions", &bytes),
        }))
    }

    /// Takes in the contents of an artifact.
    pub(super) fn contents(&self, key: &ArtifactKey) -> blake3::Hasher {
        Self::begin(&self.contents, key)
    }

    /// Takes in a seal.
    pub(super) fn seal(&self, key: &ArtifactKey) -> blake3::Hasher {
        Self::begin(&self.seals, key)
    }

    /// What proves that a module was admitted, and what of it was found out.
    pub(super) fn admission(&self, key: &AdmissionKey, facts: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.admissions);
        hasher.update(&(key.text.len() as u64).to_le_bytes()).update(key.text.as_bytes()).update(facts);
        hasher.finalize()
    }

    fn begin(with: &[u8; KEY_BYTES], key: &ArtifactKey) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(with);
        // With its length, so that no two lists of parts are the same bytes.
        hasher.update(&(key.text().len() as u64).to_le_bytes()).update(key.text().as_bytes());
        hasher
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey")
    }
}
