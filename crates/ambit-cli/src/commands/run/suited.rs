//! Which engine a run is given, and under which policy.

use std::{sync::Arc, time::Instant};

use ambit_core::{Choice, EngineId, Isolation, Metering, Outcome, Policy};

use super::in_force;
use crate::{
    commands::{module_source::ModuleSource, read_in_time::read_in_time, signed::SignatureDemand},
    engines,
    policy::Settled,
    signals::OnSignal,
};

/// An engine, and what is in force with it.
pub(super) struct Suited {
    pub(super) engine: EngineId,
    pub(super) policy: Policy,
    /// Why it, if nobody asked for it.
    pub(super) choice: Option<Choice>,
    /// The module, which may have been read to choose.
    pub(super) source: ModuleSource,
}

/// Finds the one that is asked for, or that is liked best of those that can. Wasmtime can whatever is admitted, so that nothing of the
/// module need be known; for another one it is read first.
///
/// # Errors
/// How the run ended before it began.
pub(super) fn find(
    settled: &Settled,
    source: ModuleSource,
    signatures: &SignatureDemand,
    isolation: Isolation,
    repeated: bool,
    began: Instant,
    on_signal: &OnSignal,
) -> Result<Suited, Outcome> {
    let force = |engine| in_force(settled, engine, isolation, repeated);
    if let Some(engine) = settled.engine {
        let policy = force(engine).map_err(Outcome::Rejected)?;
        return Ok(Suited { engine, policy, choice: None, source });
    }
    let choice = engines::suited(&settled.spec, settled.prefer);
    let usual = |choice, source| {
        let policy = force(EngineId::Wasmtime).map_err(Outcome::Rejected)?;
        Ok(Suited { engine: EngineId::Wasmtime, policy, choice: Some(choice), source })
    };
    let engine = choice.engine.unwrap_or(EngineId::Wasmtime);
    // What it cannot enforce, the usual one may.
    let (true, Ok(policy)) = (engine != EngineId::Wasmtime, force(engine)) else { return usual(choice, source) };
    let name = source.name();
    let found = read_in_time(source, signatures.clone(), &policy, began, on_signal, None)?.map_err(Outcome::Rejected)?;
    let metering = if isolation == Isolation::Process { Metering::Kernel } else { Metering::Epochs };
    let refused = engines::refusal(engine, &found.module, &policy, metering);
    let source = ModuleSource::Read(Arc::new(found), name);
    match refused {
        None => Ok(Suited { engine, policy, choice: Some(choice), source }),
        Some(rejection) => {
            let mut others = choice.others;
            others.push((engine, rejection.message));
            usual(Choice { engine: Some(EngineId::Wasmtime), others }, source)
        }
    }
}
