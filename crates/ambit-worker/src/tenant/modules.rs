//! The modules that a worker has been given.

use std::{collections::HashMap, os::fd::OwnedFd, sync::Arc};

use ambit_admit::Verified;
use ambit_core::{EngineId, Metering, Policy, Rejection};
use ambit_engine::{Artifact, Settings};
use ambit_jail::wire::ModuleForm;
use ambit_runtime::{LoadedModule, Runtime};

use crate::{artifact, engine, error::WorkerError};

/// Modules by the number that the parent gave them.
#[derive(Default)]
pub(crate) struct Modules {
    /// Being compiled elsewhere.
    admitted: HashMap<u32, (Arc<Verified>, Arc<Policy>)>,
    loaded: HashMap<u32, (Arc<LoadedModule>, Arc<Policy>)>,
}

impl Modules {
    /// Takes in a module that is being compiled elsewhere.
    pub(super) fn take(
        &mut self,
        engine: EngineId,
        number: u32,
        form: ModuleForm,
        policy: Box<Policy>,
        metering: Metering,
        fds: Vec<OwnedFd>,
    ) -> Result<Result<(), Rejection>, WorkerError> {
        let [file] = <[OwnedFd; 1]>::try_from(fds).map_err(|_| WorkerError::Protocol("a module without a file"))?;
        if metering != Metering::Epochs {
            return Err(WorkerError::Protocol("guests that share a process are metered by epochs"));
        }
        Ok(engine::read(engine, file, form, &policy)?.map(|module| {
            self.admitted.insert(number, (module, policy.into()));
        }))
    }

    /// Loads what an admitted module was compiled to.
    pub(super) fn load(&mut self, number: u32, fds: Vec<OwnedFd>, runtime: &Runtime) -> Result<Result<(), Rejection>, WorkerError> {
        let [file] = <[OwnedFd; 1]>::try_from(fds).map_err(|_| WorkerError::Protocol("an artifact without a file"))?;
        self.ready(number, runtime, |module, settings| artifact::from_file(&**runtime.engine(), module, settings, file))
    }

    /// Loads an admitted module for an engine that works from the module itself.
    pub(super) fn translate(&mut self, number: u32, runtime: &Runtime) -> Result<Result<(), Rejection>, WorkerError> {
        if runtime.engine().id().compiles() {
            return Err(WorkerError::Protocol("an artifact was expected"));
        }
        self.ready(number, runtime, |module, settings| runtime.engine().compile(module, settings))
    }

    fn ready(
        &mut self,
        number: u32,
        runtime: &Runtime,
        artifact: impl FnOnce(&Verified, &Settings) -> Result<Artifact, Rejection>,
    ) -> Result<Result<(), Rejection>, WorkerError> {
        let Some((module, policy)) = self.admitted.remove(&number) else {
            return Err(WorkerError::Protocol("an artifact of a module that was not admitted"));
        };
        let artifact = artifact(&module, &Settings::shared_process(&policy));
        Ok(artifact.and_then(|artifact| runtime.load_artifact(&module, &artifact)).map(|loaded| {
            self.loaded.insert(number, (loaded, policy));
        }))
    }

    /// A loaded module, and the policy that it came with.
    pub(super) fn get(&self, number: u32) -> Option<&(Arc<LoadedModule>, Arc<Policy>)> {
        self.loaded.get(&number)
    }

    /// Forgets a module. Runs under way keep it.
    pub(super) fn forget(&mut self, number: u32) {
        self.admitted.remove(&number);
        self.loaded.remove(&number);
    }
}
