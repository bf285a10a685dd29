//! The engine of a worker.

use std::sync::Arc;

use ambit_admit::Verified;
use ambit_core::{EngineId, Policy, Rejection};
use ambit_engine::{
    Engine,
    wasmi::WasmiEngine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};

use crate::{compiler, error::WorkerError};

/// The engine that the jail was made for, with a pool for so many guests if it has pools.
pub(crate) fn of(engine: EngineId, guests: u32) -> Result<Arc<dyn Engine>, WorkerError> {
    match engine {
        EngineId::Wasmtime => Ok(Arc::new(WasmtimeEngine::new(PoolConfig { guests }).that_maps_files())),
        EngineId::Wasmi => Ok(Arc::new(WasmiEngine::new())),
        EngineId::Wasmer => Err(WorkerError::Protocol("an engine that this program does not have")),
    }
}

/// The module in `file`, for this engine: one that works from the module itself reads all of it.
pub(crate) fn read(
    engine: EngineId,
    file: std::os::fd::OwnedFd,
    policy: &Policy,
) -> Result<Result<Arc<Verified>, Rejection>, WorkerError> {
    if engine.compiles() { compiler::read_again(file, policy) } else { compiler::admit(file, policy) }
}
