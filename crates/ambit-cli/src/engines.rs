//! The engines that this program has.

use std::sync::Arc;

use ambit_admit::Verified;
use ambit_core::{Choice, EngineId, Metering, Policy, PolicySpec, Preferences, Rejection, Requirement, Unenforceable, choose};
use ambit_engine::{
    Engine, Settings,
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

/// The engine for a run, as far as what was asked for says.
pub(crate) fn suited(spec: &PolicySpec, prefer: Preferences) -> Choice {
    let engines: Vec<_> = all().map(|engine| engine.capabilities()).collect();
    let features = spec.features.iter().map(|&feature| Requirement::Feature(feature));
    choose(&engines, &features.collect::<Vec<_>>(), prefer)
}

/// Why not `engine` for this module, if not.
pub(crate) fn refusal(id: EngineId, module: &Verified, policy: &Policy, metering: Metering) -> Option<Rejection> {
    engine(id, 0).and_then(|engine| engine.accepts(module, &Settings::of(policy, metering))).err()
}

/// A choice in one line: the engine, and why not the others, which may be for what the module is.
pub(crate) fn explained(choice: &Choice, chosen: EngineId, module: &Verified, policy: &Policy, metering: Metering) -> String {
    let others = choice.others.iter().filter(|(other, _)| *other != chosen).map(|(other, why)| {
        let refusal = refusal(*other, module, policy, metering);
        format!("; not {other}: {}", refusal.map_or_else(|| why.clone(), |refusal| refusal.message))
    });
    format!("engine {chosen}{}", others.collect::<String>())
}
