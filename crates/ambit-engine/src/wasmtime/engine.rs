//! The engine: one Wasmtime engine per settings, made when first needed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use ambit_admit::{MemoryType, ModuleKind, TableType, Verified};
use ambit_core::{EngineCapabilities, EngineId, Feature, FeatureSet, LimitKey, RejectReason, Rejection, escape};
use wasmtime::{Engine as Inner, Linker, component::Linker as ComponentLinker};

use super::{
    config::{self, CompilerConfig},
    data::Data,
    link,
    mapped::Executable,
    p2,
    program::{CodeBytes, NativeCode, WasmtimeProgram},
};
use crate::{
    artifact::Artifact,
    code_file::CodeFile,
    contract::{Engine, Program},
    functions::HostFunctions,
    seal::Unsealed,
    settings::Settings,
};

/// Where instances come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// How many guests the pool of each stack class holds; more are allocated on demand. 0 makes no pool: right for a
    /// process that runs one guest.
    pub guests: u32,
}

/// Wasmtime with Cranelift.
pub struct WasmtimeEngine {
    pool: PoolConfig,
    compiler: CompilerConfig,
    functions: Arc<HostFunctions>,
    /// Whether code comes in files, which are mapped.
    maps_files: bool,
    /// Engines that run, by settings and by whether instances come from the pool. They have no compiler.
    slots: Mutex<HashMap<(Settings, bool), Arc<Slot>>>,
    /// The same engines for the ticker, which must not wait for one being made.
    ticking: RwLock<Vec<Inner>>,
}

/// A Wasmtime engine with the host's functions, linked when the first module of a kind needs them.
pub(super) struct Slot {
    pub(super) engine: Inner,
    core: OnceLock<Linker<Data>>,
    component: OnceLock<ComponentLinker<Data>>,
    pub(super) functions: Arc<HostFunctions>,
}

impl Slot {
    /// What core modules may import.
    pub(super) fn core(&self) -> wasmtime::Result<&Linker<Data>> {
        match self.core.get() {
            Some(linker) => Ok(linker),
            None => {
                let linker = link::core(&self.engine, &self.functions)?;
                Ok(self.core.get_or_init(|| linker))
            }
        }
    }

    /// What components may import.
    pub(super) fn component(&self) -> wasmtime::Result<&ComponentLinker<Data>> {
        match self.component.get() {
            Some(linker) => Ok(linker),
            None => {
                let linker = p2::linker(&self.engine, &self.functions)?;
                Ok(self.component.get_or_init(|| linker))
            }
        }
    }
}

impl WasmtimeEngine {
    /// An engine that takes instances from such a pool.
    pub fn new(pool: PoolConfig) -> Self {
        Self::with_functions(pool, HostFunctions::new())
    }

    /// The same, with host functions of the embedder's.
    pub fn with_functions(pool: PoolConfig, functions: HostFunctions) -> Self {
        Self {
            pool,
            compiler: CompilerConfig::default(),
            functions: Arc::new(functions),
            maps_files: false,
            slots: Mutex::default(),
            ticking: RwLock::default(),
        }
    }

    /// The same, for a process that is given its code in files and compiles nothing.
    #[must_use]
    pub fn that_maps_files(self) -> Self {
        Self { maps_files: true, ..self }
    }

    /// The same, with a compiler that works otherwise.
    #[must_use]
    pub fn with_compiler(self, compiler: CompilerConfig) -> Self {
        Self { compiler, ..self }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<(Settings, bool), Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine for these settings.
    pub(super) fn slot(&self, settings: &Settings, pooled: bool) -> wasmtime::Result<Arc<Slot>> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(&(*settings, pooled)) {
            return Ok(Arc::clone(slot));
        }
        let mut config = config::base(settings, self.compiler);
        config.enable_compiler(false);
        if self.maps_files {
            config.with_custom_code_memory(Some(Arc::new(Executable)));
        }
        if pooled {
            let nested = if self.functions.may_call_back() { config::POOL_NESTED_STACKS } else { 0 };
            config::pooled(&mut config, self.pool.guests, nested);
        }
        let engine = Inner::new(&config)?;
        let slot = Arc::new(Slot {
            core: OnceLock::new(),
            component: OnceLock::new(),
            functions: Arc::clone(&self.functions),
            engine: engine.clone(),
        });
        slots.insert((*settings, pooled), Arc::clone(&slot));
        self.ticking.write().unwrap_or_else(PoisonError::into_inner).push(engine);
        Ok(slot)
    }

    /// Whether instances of a module fit a slot of the pool.
    fn fits_pool(&self, module: &Verified) -> bool {
        let memory = |memory: &MemoryType| memory.min_pages <= config::POOL_MEMORY >> 16 && !memory.is64;
        let table = |table: &TableType| table.min <= config::POOL_TABLE_ELEMENTS;
        self.pool.guests > 0
            && module.memories().len() <= config::POOL_MEMORIES_PER_MODULE as usize
            && module.tables().len() <= config::POOL_TABLES_PER_MODULE as usize
            && module.memories().iter().all(memory)
            && module.tables().iter().all(table)
    }
}

impl Engine for WasmtimeEngine {
    fn id(&self) -> EngineId {
        EngineId::Wasmtime
    }

    fn capabilities(&self) -> EngineCapabilities {
        use LimitKey as L;
        EngineCapabilities {
            engine: EngineId::Wasmtime,
            version: version().into(),
            compiler: Some("cranelift".into()),
            features: Feature::ALL.iter().copied().filter(|&feature| feature != Feature::Threads).collect::<FeatureSet>(),
            components: true,
            limits: vec![
                L::Memory,
                L::TableElements,
                L::Tables,
                L::Memories,
                L::Instances,
                L::Handles,
                L::ResourceTable,
                L::HostBuffers,
                L::Stack,
                L::Fuel,
                L::CpuTime,
                L::WallTime,
                L::Cpus,
            ],
            yields: true,
            start_interruptible: true,
            bulk_fuel_by_length: true,
            deterministic: true,
            stack_trace: true,
            pooling: self.pool.guests > 0,
        }
    }

    fn compile(&self, module: &Verified, settings: &Settings) -> Result<Artifact, Rejection> {
        let invalid = |error: wasmtime::Error| {
            // Admission has validated the module; what is left is what only this engine refuses.
            Rejection::new(RejectReason::InvalidModule, format!("wasmtime does not accept the module: {}", message(&error)))
        };
        let compiler = Inner::new(&config::base(settings, self.compiler)).map_err(unusable)?;
        let code = match module.kind() {
            ModuleKind::Core => compiler.precompile_module(module.bytes()),
            ModuleKind::Component => compiler.precompile_component(module.bytes()),
        }
        .map_err(invalid)?;
        let code = NativeCode { bytes: CodeBytes::Memory(code), kind: module.kind(), pooled: self.fits_pool(module) };
        Ok(Artifact::new(EngineId::Wasmtime, module, settings, code))
    }

    fn code_of<'a>(&self, artifact: &'a Artifact) -> Option<&'a [u8]> {
        match &artifact.code::<NativeCode>()?.bytes {
            CodeBytes::Memory(bytes) => Some(bytes),
            CodeBytes::File(_) => None,
        }
    }

    fn artifact_of(&self, module: &Verified, settings: &Settings, code: Unsealed<'_>) -> Result<Artifact, Rejection> {
        let code =
            NativeCode { bytes: CodeBytes::Memory(code.code().to_vec()), kind: module.kind(), pooled: self.fits_pool(module) };
        Ok(Artifact::new(EngineId::Wasmtime, module, settings, code))
    }

    fn artifact_of_file(&self, module: &Verified, settings: &Settings, code: CodeFile) -> Result<Artifact, Rejection> {
        let code = NativeCode { bytes: CodeBytes::File(code), kind: module.kind(), pooled: self.fits_pool(module) };
        Ok(Artifact::new(EngineId::Wasmtime, module, settings, code))
    }

    fn warm(&self, module: &Verified, settings: &Settings) {
        // What cannot be made now cannot be made then, and is reported then.
        if let Ok(slot) = self.slot(settings, self.fits_pool(module)) {
            let _ = match module.kind() {
                ModuleKind::Core => slot.core().map(drop),
                ModuleKind::Component => slot.component().map(drop),
            };
        }
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Program>, Rejection> {
        let Some(code) = artifact.code::<NativeCode>() else {
            let message = format!("the artifact was compiled by {}, not by wasmtime", artifact.engine());
            return Err(Rejection::new(RejectReason::Unenforceable, message));
        };
        let settings = artifact.settings();
        // Each kind of settings has a pool of its own, and the address space may be too small for yet another.
        let pooled = code.pooled.then(|| self.slot(settings, true)).and_then(|slot| {
            slot.inspect_err(|error| tracing::warn!("no pool, instances are allocated on demand: {}", message(error))).ok()
        });
        // What finds the pool full is allocated on demand, from an engine that differs in nothing else.
        let on_demand = self.slot(settings, false).map_err(unusable)?;
        let (main, spare) = match pooled {
            Some(pooled) => (pooled, Some(on_demand)),
            None => (on_demand, None),
        };
        Ok(Arc::new(WasmtimeProgram::load(artifact, code, main, spare)?))
    }

    fn functions(&self) -> &HostFunctions {
        &self.functions
    }

    fn tick(&self) {
        for engine in self.ticking.read().unwrap_or_else(PoisonError::into_inner).iter() {
            engine.increment_epoch();
        }
    }
}

impl fmt::Debug for WasmtimeEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmtimeEngine")
            .field("pool", &self.pool)
            .field("functions", &self.functions)
            .field("engines", &self.slots().len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

/// The version of the engine, as Cargo.lock pins it.
pub(super) const fn version() -> &'static str {
    env!("AMBIT_WASMTIME_VERSION")
}

/// An error of the engine's as one escaped and capped line.
pub(super) fn message(error: &wasmtime::Error) -> String {
    escape(format!("{error:#}"), 1024)
}

fn unusable(error: wasmtime::Error) -> Rejection {
    Rejection::new(RejectReason::Unenforceable, format!("wasmtime cannot be set up this way: {}", message(&error)))
}
