//! Bytes to modules: admission and compilation.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
    thread,
};

use ambit_admit::{AdmitRules, Verified, admit};
use ambit_core::{RejectReason, Rejection};
use tokio::sync::oneshot;

use crate::{block::block_on, error::Error, module::Module, policy::Policy, runtime::Runtime};

/// Bytes from which on a module is read on another thread: smaller ones take less than a millisecond.
const LARGE: usize = 64 << 10;

/// Loading: [`Runtime::load`] and its kin admit a module (its size, its shape, its features and imports, before any engine
/// sees it), have it compiled, and keep the code for the next who brings the same bytes.
///
/// Compilation is bounded by what admission lets through, and by nothing else: in this process nothing can stop a compiler.
/// It goes on if its future is dropped.
impl Runtime {
    /// Loads a module that runs under the runtime's policy. Neither admission of a large module nor the compiler blocks this
    /// thread.
    ///
    /// # Errors
    /// The module is refused; the message names the item, the place and the remedy.
    pub async fn load(&self, bytes: impl AsRef<[u8]>) -> Result<Module, Error> {
        self.load_with(bytes, self.policy()).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub fn load_blocking(&self, bytes: impl AsRef<[u8]>) -> Result<Module, Error> {
        block_on(self.load(bytes))
    }

    /// Loads a module that runs under `policy`.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub async fn load_with(&self, bytes: impl AsRef<[u8]>, policy: &Policy) -> Result<Module, Error> {
        let verified = self.validate_with(bytes, policy).await?;
        self.compile(Arc::new(verified), policy).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub fn load_with_blocking(&self, bytes: impl AsRef<[u8]>, policy: &Policy) -> Result<Module, Error> {
        block_on(self.load_with(bytes, policy))
    }

    /// Loads a module from a file, on another thread; its name is the file's. No more is read than a module may have.
    ///
    /// # Errors
    /// The file cannot be read, or the module is refused.
    pub async fn load_file(&self, path: impl AsRef<Path>) -> Result<Module, Error> {
        let (path, rules) = (path.as_ref().to_owned(), self.rules(self.policy())?);
        let name = name_of(&path);
        let verified = self.read(move || admit_file(&path, &rules)).await??;
        Ok(self.compile(Arc::new(verified), self.policy()).await?.with_name(&name))
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Runtime::load_file`].
    pub fn load_file_blocking(&self, path: impl AsRef<Path>) -> Result<Module, Error> {
        block_on(self.load_file(path))
    }

    /// Admits a module without compiling it: whether [`Runtime::load`] would, as far as the compiler has no say, and all
    /// that is known of it.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub async fn validate(&self, bytes: impl AsRef<[u8]>) -> Result<Verified, Error> {
        self.validate_with(bytes, self.policy()).await
    }

    /// The same, blocking the thread: for a hundred megabytes about a second.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub fn validate_blocking(&self, bytes: impl AsRef<[u8]>) -> Result<Verified, Error> {
        block_on(self.validate(bytes))
    }

    async fn validate_with(&self, bytes: impl AsRef<[u8]>, policy: &Policy) -> Result<Verified, Error> {
        let rules = self.rules(policy)?;
        let slice = bytes.as_ref();
        // One that is too large is refused before it is copied.
        if slice.len() < LARGE || slice.len() as u64 > rules.module_size.ceiling() {
            return Ok(admit(slice, &rules)?);
        }
        let bytes: Arc<[u8]> = slice.into();
        Ok(self.read(move || admit(bytes, &rules)).await??)
    }

    /// What `policy` means for admission.
    pub(crate) fn rules(&self, policy: &Policy) -> Result<AdmitRules, Rejection> {
        let host_functions = self.inner().engine().functions().admitted(&policy.grants)?;
        let interface_functions = self.inner().engine().functions().admitted_interfaces(&policy.grants)?;
        Ok(AdmitRules { host_functions, interface_functions, ..AdmitRules::from_policy(policy) })
    }

    /// The module as `policy` admits it: the same, unless that says otherwise of what may be loaded than `before` did.
    pub(crate) async fn admit_again(
        &self,
        module: &Arc<Verified>,
        before: &Policy,
        policy: &Policy,
    ) -> Result<Arc<Verified>, Error> {
        let rules = self.rules(policy)?;
        if rules == self.rules(before)? {
            return Ok(Arc::clone(module));
        }
        let bytes = Arc::clone(module.bytes());
        let verified = if bytes.len() < LARGE { admit(bytes, &rules) } else { self.read(move || admit(bytes, &rules)).await? };
        Ok(Arc::new(verified?))
    }

    pub(crate) async fn compile(&self, verified: Arc<Verified>, policy: &Policy) -> Result<Module, Error> {
        let loaded = self.inner().load_async(&verified, policy).await?;
        Ok(Module::new(self.clone(), loaded, policy.clone()))
    }

    /// Runs `job` on another thread, when one of a few is free.
    async fn read<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let permit = Arc::clone(self.readers()).acquire_owned().await.expect("never closed");
        let (sender, done) = oneshot::channel();
        let spawned = thread::Builder::new().name("ambit-admit".into()).spawn(move || {
            let result = job();
            drop(permit);
            // Nobody may be waiting any more.
            let _ = sender.send(result);
        });
        spawned.map_err(Error::Setup)?;
        let panicked = |_| Rejection::new(RejectReason::InvalidModule, "reading the module failed: the host panicked over it");
        Ok(done.await.map_err(panicked)?)
    }
}

/// Reads and admits a file.
fn admit_file(path: &Path, rules: &AdmitRules) -> Result<Verified, Error> {
    let read = || -> io::Result<Vec<u8>> {
        // A FIFO would be waited for, and a device read, for as long as they like.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        // One byte more than allowed is enough to refuse it for its size.
        file.take(rules.module_size.ceiling().saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(admit(bytes, rules)?)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned()
}
