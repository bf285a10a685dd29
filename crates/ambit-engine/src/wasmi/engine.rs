//! The engine: each module is translated in a Wasmi engine of its own, with which its code goes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use ambit_admit::{ExternType, ModuleKind, Verified};
use ambit_core::{EngineCapabilities, EngineId, Feature, LimitKey, RejectReason, Rejection};
use wasmi::{Engine as Inner, Error, Module, errors::ErrorKind};

use super::{bounds, config, exit::message, program::WasmiProgram, start};
use crate::{
    access::Exported,
    artifact::Artifact,
    contract::{Engine, Program},
    functions::HostFunctions,
    settings::Settings,
};

/// Wasmi, an interpreter.
#[derive(Debug, Default)]
pub struct WasmiEngine {
    functions: Arc<HostFunctions>,
    /// How often it was ticked.
    ticks: Arc<AtomicU64>,
}

/// Wasmi's translation of a module. An engine never forgets what was translated in it, so each module has its own.
pub(super) struct Translated {
    pub(super) module: Module,
    /// Bytes of the module.
    pub(super) size: u64,
    /// The export that is its start function.
    pub(super) start: Option<String>,
    pub(super) memories: u64,
    pub(super) tables: u64,
    /// Those that can be looked at from outside, in the module's order, which Wasmi does not keep.
    pub(super) exports: Arc<[(Exported, String)]>,
}

impl WasmiEngine {
    /// An engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with host functions of the embedder's.
    pub fn with_functions(functions: HostFunctions) -> Self {
        Self { functions: Arc::new(functions), ..Self::default() }
    }
}

impl Engine for WasmiEngine {
    fn id(&self) -> EngineId {
        EngineId::Wasmi
    }

    fn capabilities(&self) -> EngineCapabilities {
        use LimitKey as L;
        EngineCapabilities {
            engine: EngineId::Wasmi,
            version: version().into(),
            compiler: None,
            features: config::FEATURES,
            components: false,
            limits: vec![L::Memory, L::TableElements, L::Tables, L::Memories, L::Stack, L::Fuel, L::CpuTime, L::WallTime, L::Cpus],
            yields: true,
            start_interruptible: true,
            bulk_fuel_by_length: true,
            deterministic: true,
            stack_trace: false,
            pooling: false,
        }
    }

    fn functions(&self) -> &HostFunctions {
        &self.functions
    }

    fn accepts(&self, module: &Verified, settings: &Settings) -> Result<(), Rejection> {
        refuse(module, settings)
    }

    fn compile(&self, module: &Verified, settings: &Settings) -> Result<Artifact, Rejection> {
        refuse(module, settings)?;
        let moved = start::moved(module.bytes(), |name| module.export(name).is_some());
        if module.has_start() && moved.is_none() {
            return Err(Rejection::new(RejectReason::InvalidModule, "wasmi does not find the module's start function"));
        }
        let bytes = moved.as_ref().map_or(&**module.bytes(), |moved| &moved.bytes);
        let translated = Module::new(&Inner::new(&config::bounded(settings, module.memories().len())), bytes)
            .map_err(|error| unacceptable(&error))?;
        let translated = Translated {
            module: translated,
            size: module.bytes().len() as u64,
            start: moved.map(|moved| moved.name),
            memories: module.memories().len() as u64,
            tables: module.tables().len() as u64,
            exports: exports(module),
        };
        Ok(Artifact::new(EngineId::Wasmi, module, settings, translated))
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Program>, Rejection> {
        let Some(code) = artifact.code::<Translated>() else {
            let message = format!("the artifact was compiled by {}, not by wasmi", artifact.engine());
            return Err(Rejection::new(RejectReason::Unenforceable, message));
        };
        Ok(Arc::new(WasmiProgram::load(artifact, code, Arc::clone(&self.functions), Arc::clone(&self.ticks))?))
    }

    fn tick(&self) {
        self.ticks.fetch_add(1, Relaxed);
    }
}

/// Its memories, globals and tables.
fn exports(module: &Verified) -> Arc<[(Exported, String)]> {
    let kind = |ty: &ExternType| match ty {
        ExternType::Memory(_) => Some(Exported::Memory),
        ExternType::Global { .. } => Some(Exported::Global),
        ExternType::Table(_) => Some(Exported::Table),
        _ => None,
    };
    module.exports().iter().filter_map(|export| Some((kind(&export.ty)?, export.name.clone()))).collect()
}

/// Refuses by name what this engine does not run, and what it could not bound.
fn refuse(module: &Verified, settings: &Settings) -> Result<(), Rejection> {
    let refused = |reason, message: String| Err(Rejection::new(reason, message));
    if module.kind() == ModuleKind::Component {
        let message = "wasmi runs core modules, and this is a component; `--engine wasmtime` runs it";
        return refused(RejectReason::UnsupportedFeature, message.into());
    }
    let missing = module.features().minus(config::FEATURES);
    if !missing.is_empty() {
        let named: Vec<&str> = missing.iter().map(Feature::name).collect();
        let message = format!("the module needs `{}`, which wasmi does not run; `--engine wasmtime` does", named.join("`, `"));
        return refused(RejectReason::UnsupportedFeature, message);
    }
    if module.code().grows_tables && (settings.epochs || settings.fuel) {
        // Out of fuel there, wasmi 2.0 forgets where it was: it would go on somewhere else.
        let message = "`table.grow` cannot be metered by wasmi, which loses its place when fuel runs out there; \
            `--engine wasmtime` can, or wasmi in isolation `process` without a limit of `fuel`";
        return refused(RejectReason::Unenforceable, message.into());
    }
    bounds::check(module)
}

/// Why a module that admission has accepted is not accepted here.
fn unacceptable(error: &Error) -> Rejection {
    match error.kind() {
        ErrorKind::UserLimits(_) | ErrorKind::ImplementationLimits(_) | ErrorKind::Translation(_) => {
            let message = format!("wasmi cannot bound the translation of it: {}; `--engine wasmtime` may run it", message(error));
            Rejection::new(RejectReason::Unenforceable, message)
        }
        _ => Rejection::new(RejectReason::InvalidModule, format!("wasmi does not accept the module: {}", message(error))),
    }
}

pub(super) fn unusable(error: &Error) -> Rejection {
    Rejection::new(RejectReason::Unenforceable, format!("wasmi cannot be set up this way: {}", message(error)))
}

/// The version of the engine, as Cargo.lock pins it.
const fn version() -> &'static str {
    env!("AMBIT_WASMI_VERSION")
}
