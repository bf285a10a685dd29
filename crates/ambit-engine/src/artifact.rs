//! Compiled modules.

use std::{any::Any, fmt, sync::Arc};

use ambit_admit::Verified;
use ambit_core::{Digest, EngineId};

use crate::settings::Settings;

/// A compiled module, for one engine, version, target and settings.
///
/// What an engine compiled to is a type of that engine's own, which nobody else can make or look into. So an artifact of
/// native code, whose loading means executing it, can only come from the engine that compiled it: directly, or as bytes under
/// a [seal](crate::SealKey).
#[derive(Clone)]
pub struct Artifact {
    engine: EngineId,
    module: Digest,
    settings: Settings,
    code: Arc<dyn Any + Send + Sync>,
}

impl Artifact {
    /// What `engine` compiled `module` to.
    pub fn new(engine: EngineId, module: &Verified, settings: &Settings, code: impl Any + Send + Sync) -> Self {
        Self { engine, module: module.digest(), settings: *settings, code: Arc::new(code) }
    }

    /// The engine that compiled it.
    pub fn engine(&self) -> EngineId {
        self.engine
    }

    /// The module it was compiled from.
    pub fn module(&self) -> Digest {
        self.module
    }

    /// How it was compiled.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it was compiled to, if that is a `T`.
    pub fn code<T: Any>(&self) -> Option<&T> {
        self.code.downcast_ref()
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, module, settings, code: _ } = self;
        f.debug_struct("Artifact")
            .field("engine", engine)
            .field("module", module)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}
