//! Which store, and what of it a run uses.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use ambit_core::{ByteSize, EngineId};
use ambit_engine::{
    Engine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use ambit_manager::CodeCache;
use ambit_store::{ArtifactCache, CompilerIdentity, Namespace, Place, StoreError, sign::Trust};
use clap::{ValueHint, builder::FalseyValueParser};

use crate::output;

/// Which store.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StoreArgs {
    /// The store's directory, for modules and for what they were compiled to [default: $XDG_DATA_HOME/ambit/store]
    #[arg(long, value_name = "DIR", env = "AMBIT_STORE", hide_env_values = true, value_hint = ValueHint::DirPath, help_heading = "Store")]
    pub(crate) store: Option<PathBuf>,
    /// Whose names in the store are meant, and whose rules about signatures hold
    #[arg(long, value_name = "NAME", default_value = Namespace::DEFAULT, env = "AMBIT_NAMESPACE", hide_env_values = true, help_heading = "Store")]
    pub(crate) namespace: Namespace,
}

/// What of it a run uses.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CacheArgs {
    /// Compile the module, whether that was done before or not, and keep nothing of it
    #[arg(long, env = "AMBIT_NO_CACHE", hide_env_values = true, help_heading = "Store", value_parser = FalseyValueParser::new())]
    no_cache: bool,
    /// Bytes of native code that are kept at most; what was used least lately goes
    #[arg(long, value_name = "SIZE", env = "AMBIT_CACHE_LIMIT", default_value = "2GiB", help_heading = "Store")]
    cache_limit: ByteSize,
}

impl StoreArgs {
    /// Opens the store's directory.
    pub(crate) fn place(&self) -> Result<Place, StoreError> {
        Place::open(&self.path()?)
    }

    /// The same, if there is one.
    pub(crate) fn existing(&self) -> Result<Option<Place>, StoreError> {
        Place::existing(&self.path()?)
    }

    /// Whether what lies where the store would be, which was refused, may say something about signatures.
    pub(crate) fn may_have_rules(&self) -> bool {
        self.path().is_ok_and(|path| Trust::may_be_said_at(&path, &self.namespace))
    }

    fn path(&self) -> Result<PathBuf, StoreError> {
        match &self.store {
            Some(path) => Ok(path.clone()),
            None => Place::of_person(|name| std::env::var_os(name)),
        }
    }
}

impl CacheArgs {
    /// Room for the cache of artifacts, unless there is to be none. It is opened later: see [`CacheArgs::open`].
    pub(crate) fn room(&self) -> Option<Arc<OnceLock<CodeCache>>> {
        (!self.no_cache).then(Arc::default)
    }

    /// Opens the cache. A run goes on without; but not if the store was named, and is not to be trusted.
    pub(crate) fn open(&self, into: &OnceLock<CodeCache>, store: &StoreArgs, quiet: bool, verbose: bool) -> Result<(), StoreError> {
        match self.try_open(store) {
            Ok(cache) => {
                let _ = into.set(cache);
                Ok(())
            }
            Err(error) if store.store.is_some() && error.is_unsafe() => Err(error),
            // Of somebody without a home nobody expects it.
            Err(StoreError::NoPlace) => Ok(()),
            Err(error) => {
                if verbose || (error.is_unsafe() && !quiet) {
                    output::note(&format!("native code is not kept: {}", error.full()));
                }
                Ok(())
            }
        }
    }

    fn try_open(&self, store: &StoreArgs) -> Result<CodeCache, StoreError> {
        let artifacts = ArtifactCache::open(&store.place()?, self.cache_limit.get())?;
        // Whoever compiles is this program, in a process of its own.
        const PROGRAM: &str = "/proc/self/exe";
        let failed = |source| StoreError::System { what: "read", path: PROGRAM.into(), source };
        let version = WasmtimeEngine::new(PoolConfig { guests: 0 }).capabilities().version;
        let program = File::open(PROGRAM).map_err(failed)?;
        Ok(CodeCache::new(artifacts, CompilerIdentity::new(EngineId::Wasmtime, version, &program).map_err(failed)?))
    }
}
