//! The modules that a worker has been given.

use std::{collections::HashMap, os::fd::OwnedFd, sync::Arc};

use ambit_admit::Verified;
use ambit_core::{Metering, Policy, Rejection};
use ambit_engine::Settings;
use ambit_jail::wire::ModuleForm;
use ambit_runtime::{LoadedModule, Runtime};

use crate::{artifact, compiler, error::WorkerError};

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
        Ok(compiler::given(file, form, &policy)?.map(|module| {
            self.admitted.insert(number, (module, policy.into()));
        }))
    }

    /// Loads what an admitted module was compiled to.
    pub(super) fn load(&mut self, number: u32, fds: Vec<OwnedFd>, runtime: &Runtime) -> Result<Result<(), Rejection>, WorkerError> {
        let [file] = <[OwnedFd; 1]>::try_from(fds).map_err(|_| WorkerError::Protocol("an artifact without a file"))?;
        let Some((module, policy)) = self.admitted.remove(&number) else {
            return Err(WorkerError::Protocol("an artifact of a module that was not admitted"));
        };
        let artifact = artifact::from_file(&**runtime.engine(), &module, &Settings::shared_process(&policy), file);
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
