//! Artifacts outside of the process that compiled them: sealed with a key, and believed only under that seal.

use std::fmt;

use ambit_admit::Verified;
use ambit_core::{Digest, RejectReason, Rejection};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{artifact::Artifact, contract::Engine, settings::Settings};

const MAGIC: &[u8; 8] = b"ambit\0a1";
const TAG: usize = 32;

/// A key that artifacts are sealed with. Whoever has it can make this machine run code of their choice: keep it as you would
/// keep the right to replace the program.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

/// Machine code under a seal that was verified. There is no other way to make one.
pub struct Unsealed<'a>(&'a [u8]);

impl SealKey {
    /// A new one, from the operating system's generator.
    ///
    /// # Panics
    /// The operating system has no random numbers, which Linux never says once it has booted.
    pub fn generate() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the kernel's generator is initialised after boot");
        Self(key)
    }

    /// One that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept where nobody else can read them.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// An artifact as bytes, under a seal (HMAC-SHA-256) over its code, its module's digest, its settings, and the engine's
    /// name and version.
    ///
    /// # Errors
    /// The engine did not compile it, or cannot put it into bytes.
    pub fn seal(&self, engine: &dyn Engine, artifact: &Artifact) -> Result<Vec<u8>, Rejection> {
        let code = engine.code_of(artifact).ok_or_else(|| {
            let message = format!("{} cannot put an artifact of {} into bytes", engine.id(), artifact.engine());
            Rejection::new(RejectReason::Unenforceable, message)
        })?;
        let tag = self.mac(engine, artifact.module(), artifact.settings(), code).finalize().into_bytes();
        Ok([MAGIC.as_slice(), &tag, code].concat())
    }

    /// An artifact of `module` from bytes that were sealed with this key, for these settings, by this version of this engine.
    ///
    /// # Errors
    /// They were not: `rejected{signature}`. Nothing of them was looked at but the seal.
    pub fn open(&self, engine: &dyn Engine, module: &Verified, settings: &Settings, bytes: &[u8]) -> Result<Artifact, Rejection> {
        let refused = || {
            let message = format!(
                "the artifact was not sealed with this key for module {}, these settings, and {} {}; compile the module again",
                module.digest(),
                engine.id(),
                engine.capabilities().version
            );
            Rejection::new(RejectReason::Signature, message)
        };
        let (tag, code) = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(TAG)).ok_or_else(refused)?;
        // Compared in constant time.
        self.mac(engine, module.digest(), settings, code).verify_slice(tag).map_err(|_| refused())?;
        engine.artifact_of(module, settings, Unsealed(code))
    }

    fn mac(&self, engine: &dyn Engine, module: Digest, settings: &Settings, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        let (name, version) = (engine.id().name(), engine.capabilities().version);
        // Each with its length, so that no two lists of parts are the same bytes.
        for part in
            [MAGIC.as_slice(), name.as_bytes(), version.as_bytes(), module.to_string().as_bytes(), settings.text().as_bytes()]
        {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.update(code);
        mac
    }
}

impl<'a> Unsealed<'a> {
    /// The code.
    pub fn code(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

impl fmt::Debug for Unsealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unsealed({} bytes)", self.0.len())
    }
}
