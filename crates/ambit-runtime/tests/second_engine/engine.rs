//! Wasmi behind the contract.

use std::sync::Arc;

use ambit_admit::Verified;
use ambit_core::{EngineCapabilities, EngineId, FeatureSet, LimitKey, RejectReason, Rejection};
use ambit_engine::{
    Artifact, Call, Engine, Guest, Meter, Program, Settings,
    host::{Host, HostSpec},
};
use wasmi::{Config, Linker, Module};

use crate::{
    guest::{Data, WasmiGuest},
    link,
};

#[derive(Debug)]
pub(crate) struct WasmiEngine;

/// Wasmi's translation of a module; it needs no executable memory.
struct Translated(Module);

#[derive(Debug)]
struct WasmiProgram {
    module: Module,
    linker: Arc<Linker<Data>>,
}

impl Engine for WasmiEngine {
    fn id(&self) -> EngineId {
        EngineId::Wasmi
    }

    fn capabilities(&self) -> EngineCapabilities {
        EngineCapabilities {
            engine: EngineId::Wasmi,
            version: "2".into(),
            compiler: None,
            features: FeatureSet::EMPTY,
            components: false,
            limits: vec![LimitKey::Fuel, LimitKey::WallTime],
            yields: true,
            start_interruptible: false,
            bulk_fuel_by_length: true,
            deterministic: true,
            stack_trace: false,
            pooling: false,
        }
    }

    fn compile(&self, module: &Verified, settings: &Settings) -> Result<Artifact, Rejection> {
        let mut config = Config::default();
        config.consume_fuel(true);
        let translated = Module::new(&wasmi::Engine::new(&config), module.bytes());
        let translated = translated.map_err(|error| Rejection::new(RejectReason::InvalidModule, error.to_string()))?;
        Ok(Artifact::new(EngineId::Wasmi, module, settings, Translated(translated)))
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Program>, Rejection> {
        let Some(Translated(module)) = artifact.code() else {
            return Err(Rejection::new(RejectReason::Unenforceable, "not Wasmi's artifact"));
        };
        let mut linker = Linker::new(module.engine());
        link::preview1(&mut linker).map_err(|error| Rejection::new(RejectReason::ImportDenied, error.to_string()))?;
        Ok(Arc::new(WasmiProgram { module: module.clone(), linker: Arc::new(linker) }))
    }

    /// Slices end by fuel.
    fn tick(&self) {}
}

impl WasmiProgram {
    fn make(&self, host: HostSpec, meter: Arc<Meter>, call: Option<Call>) -> Box<dyn Guest> {
        let data = Data { host: Host::new(host, Arc::clone(&meter)), pending: None };
        Box::new(WasmiGuest::new(self.module.clone(), Arc::clone(&self.linker), data, meter, call))
    }
}

impl Program for WasmiProgram {
    fn code_size(&self) -> u64 {
        // Wasmi does not say.
        0
    }

    fn guest(&self, host: HostSpec, meter: Arc<Meter>, call: Call) -> Box<dyn Guest> {
        self.make(host, meter, Some(call))
    }

    fn keep(&self, host: HostSpec, meter: Arc<Meter>) -> Box<dyn Guest> {
        self.make(host, meter, None)
    }
}
