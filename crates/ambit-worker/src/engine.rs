//! The engine of a worker.

use std::{os::fd::OwnedFd, sync::Arc};

use ambit_admit::Verified;
use ambit_core::{EngineId, Policy, Rejection};
use ambit_engine::{
    Engine,
    wasmi::WasmiEngine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use ambit_jail::wire::ModuleForm;

use crate::{compiler, error::WorkerError};

/// The engine that the jail was made for, with a pool for so many guests if it has pools.
pub(crate) fn of(engine: EngineId, guests: u32) -> Result<Arc<dyn Engine>, WorkerError> {
    match engine {
        EngineId::Wasmtime => Ok(Arc::new(WasmtimeEngine::new(PoolConfig { guests }).that_maps_files())),
        EngineId::Wasmi => Ok(Arc::new(WasmiEngine::new())),
        EngineId::Wasmer => Err(WorkerError::Protocol("an engine that this program does not have")),
    }
}

/// The module that a worker is given, for this engine, in one form or the other. Its facts are what the parent has found out, who decides
/// all else that happens here too; who works from the module itself reads all of it.
pub(crate) fn read(
    engine: EngineId,
    file: OwnedFd,
    form: ModuleForm,
    policy: &Policy,
) -> Result<Result<Arc<Verified>, Rejection>, WorkerError> {
    match (form, engine.compiles()) {
        (ModuleForm::Bytes, true) => compiler::read_again(file, policy),
        (ModuleForm::Bytes, false) => compiler::admit(file, policy),
        (ModuleForm::Facts, true) => {
            let facts = compiler::contents(file)?;
            let module = Verified::from_facts(&facts).ok_or(WorkerError::Protocol("facts of a module that are none"))?;
            Ok(Ok(Arc::new(module)))
        }
        (ModuleForm::Facts, false) => Err(WorkerError::Protocol("facts of a module, of which all is needed")),
    }
}
