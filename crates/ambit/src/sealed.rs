//! Compiled modules that leave the process.

use std::sync::Arc;

use ambit_engine::SealKey;

use crate::{error::Error, module::Module, runtime::Runtime};

impl Module {
    /// The module compiled, as bytes under a seal, for [`Runtime::load_sealed_blocking`] of another process. Compiles it anew
    /// and blocks the thread meanwhile.
    ///
    /// # Errors
    /// The engine keeps no compiled modules as bytes.
    pub fn seal_blocking(&self, key: &SealKey) -> Result<Vec<u8>, Error> {
        Ok(self.runtime().inner().seal(self.verified(), self.policy(), key)?)
    }
}

impl Runtime {
    /// Loads a module with what [`Module::seal_blocking`] gave for it: it is admitted as any other, and not compiled. The bytes
    /// are believed only under the seal of this key, for this module, a policy that compiles alike, and the same version of the
    /// engine; whoever has the key can run code in this process.
    ///
    /// # Errors
    /// The module is refused, or the seal is not right: `rejected{signature}`.
    pub fn load_sealed_blocking(&self, bytes: impl AsRef<[u8]>, sealed: &[u8], key: &SealKey) -> Result<Module, Error> {
        let verified = Arc::new(self.validate_blocking(bytes)?);
        let loaded = self.inner().load_sealed(&verified, self.policy(), key, sealed)?;
        Ok(Module::new(self.clone(), loaded, self.policy().clone()))
    }
}
