//! The engines that this program has.

use std::sync::Arc;

use ambit_core::{EngineId, Rejection, Unenforceable};
use ambit_engine::{
    Engine,
    wasmi::WasmiEngine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};

/// The engine of that name, with a pool for so many guests if it has pools.
///
/// # Errors
/// It is not built in.
pub(crate) fn engine(engine: EngineId, guests: u32) -> Result<Arc<dyn Engine>, Rejection> {
    match engine {
        EngineId::Wasmtime => Ok(Arc::new(WasmtimeEngine::new(PoolConfig { guests }))),
        EngineId::Wasmi => Ok(Arc::new(WasmiEngine::new())),
        EngineId::Wasmer => {
            let why = "it is not built into this program; `ambit engines` lists those that are".into();
            Err(Unenforceable { what: format!("engine `{engine}`"), why }.into())
        }
    }
}

/// Refuses an engine that is not built in.
pub(crate) fn check(id: EngineId) -> Result<(), Rejection> {
    engine(id, 0).map(drop)
}

/// All of them, the usual one first.
pub(crate) fn all() -> impl Iterator<Item = Arc<dyn Engine>> {
    EngineId::ALL.iter().filter_map(|&id| engine(id, 1).ok())
}
