//! Artifacts of earlier runs, and those of this one for later runs.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread::{self, JoinHandle},
};

use ambit_admit::{AdmitRules, Hashed, Verified};
use ambit_core::{CompileSettings, Metering, Policy, Rejection};
use ambit_store::{AdmissionKey, ArtifactCache, ArtifactKey, CompilerIdentity, Found, StoreError};

use super::{Compiled, module_file};

/// Bytes of a module from which on it takes longer to read than to find out that it was read before.
const WORTH_NOTING: usize = 256 << 10;

/// Artifacts in a store, and who compiles them: the engine of the program that is launched.
#[derive(Debug)]
pub struct CodeCache {
    artifacts: ArtifactCache,
    compiler: CompilerIdentity,
}

/// What a look into the cache came to.
#[derive(Debug)]
pub(super) struct Looked {
    /// Of what.
    pub(super) key: ArtifactKey,
    /// What was found.
    pub(super) code: Option<Compiled>,
    /// Why something that was found is not used.
    pub(super) refused: Option<String>,
}

impl CodeCache {
    /// Artifacts by this compiler.
    pub fn new(artifacts: ArtifactCache, compiler: CompilerIdentity) -> Self {
        Self { artifacts, compiler }
    }

    /// A directory of those that are granted in which the cache lies: whoever may look there finds its key.
    pub fn seen_through<'a>(&self, granted: impl IntoIterator<Item = &'a Path>) -> Option<&'a Path> {
        let within = |dir: &&Path| dir.canonicalize().is_ok_and(|dir| self.artifacts.path().starts_with(dir));
        granted.into_iter().find(within)
    }

    /// Admits a module. One that this very program has admitted before, under the same rules, is not read again: what was found out of it
    /// is known. Of a component functions' bodies are not read again.
    ///
    /// # Errors
    /// As [`ambit_admit::admit`].
    pub fn admit(&self, bytes: Arc<[u8]>, rules: &AdmitRules) -> Result<Verified, Rejection> {
        if bytes.len() < WORTH_NOTING {
            return ambit_admit::admit(bytes, rules);
        }
        let bytes = Hashed::of(bytes);
        let key = AdmissionKey::new(bytes.digest(), rules, &self.compiler);
        if let Some(facts) = self.artifacts.admitted(&key) {
            return Verified::recalled(&bytes, &facts).map_or_else(|| ambit_admit::admit_again(bytes, rules), Ok);
        }
        let module = ambit_admit::admit(bytes.into_bytes(), rules)?;
        // It is read once more then.
        let _ = self.artifacts.note_admitted(&key, &module.facts().unwrap_or_default());
        Ok(module)
    }

    pub(super) fn find(&self, module: &Verified, policy: &Policy, metering: Metering) -> Looked {
        let key = ArtifactKey::new(module.digest(), &CompileSettings::of(policy, metering), &self.compiler);
        let found = self.artifacts.find(&key).map_err(|error| error.full()).and_then(|found| match found {
            Found::Artifact { file, executable: true } => Ok(Some(file)),
            Found::Artifact { file, executable: false } => match module_file::copied(&file, "ambit-artifact") {
                Ok(file) => Ok(Some(file)),
                Err(error) => Err(format!("it cannot be copied to where code may be run: {error}")),
            },
            Found::Nothing => Ok(None),
            Found::Refused(why) => Err(why),
        });
        let (file, refused) = match found {
            Ok(file) => (file, None),
            Err(why) => (None, Some(format!("the artifact of {} that the cache had is not used: {why}", module.digest()))),
        };
        let code = file.map(|file| Compiled::cached(file, module, metering));
        Looked { key, code, refused }
    }

    /// Forgets an artifact that was of no use.
    pub(super) fn forget(&self, key: &ArtifactKey) {
        // It is compiled anew only once it is gone.
        let _ = self.artifacts.forget(key);
    }
}

/// Artifacts that are being written, on threads that no run waits for.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    // Locked to add one, and to wait for all.
    writing: Mutex<Vec<JoinHandle<Result<(), StoreError>>>>,
    /// What there is to say of others, to whoever asks.
    notes: Mutex<Vec<String>>,
}

impl Keeping {
    /// Begins to write.
    pub(super) fn begin(&self, cache: &Arc<OnceLock<CodeCache>>, key: ArtifactKey, code: File) {
        let cache = Arc::clone(cache);
        let write = move || cache.get().map_or(Ok(()), |cache| cache.artifacts.keep(&key, &code));
        // Where there is no thread to be had, nothing is kept.
        if let Ok(thread) = thread::Builder::new().name("ambit-keep".into()).spawn(write) {
            self.writing.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
    }

    /// Has something said when it is asked how that went.
    pub(super) fn note(&self, note: Option<String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).extend(note);
    }

    /// Waits until all are written; what went wrong, each in a line.
    pub(super) fn settle(&self) -> Vec<String> {
        let writing = std::mem::take(&mut *self.writing.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = writing.into_iter().map(|thread| thread.join());
        let failed = ended.filter_map(|kept| kept.ok()?.err()).map(|error| format!("the artifact is not kept: {}", error.full()));
        let mut notes = std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        notes.extend(failed);
        notes
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        // Whoever wants to know has asked.
        let _ = self.settle();
    }
}
