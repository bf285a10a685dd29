//! A loaded module.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use ambit_core::{Digest, Rejection};
use wasmi::{ExternType, Linker, Module};

use super::{
    begin::{First, Parts},
    data::Data,
    engine::Translated,
    enter::missing,
    fuel::Slices,
    kept,
    limiter::Limiter,
    link,
};
use crate::{
    access::Exported,
    artifact::Artifact,
    call::Call,
    contract::{Guest, Program},
    ended::Ended,
    functions::{HostFunctions, ImportName},
    guest::{Keeping, Once},
    host::{Host, HostSpec},
    meter::Meter,
    settings::Settings,
};

/// Bytes that a module takes when it is translated, for each of its own: calls of nothing take 12.
const GROWTH: u64 = 16;

/// A loaded module, linked and ready to be instantiated.
#[derive(Debug)]
pub(super) struct WasmiProgram {
    linked: Arc<Linked>,
    code_size: u64,
}

/// A module in its own engine, linked.
pub(super) struct Linked {
    pub(super) module: Module,
    pub(super) linker: Linker<Data>,
    settings: Settings,
    /// The module's own name, which calls name too.
    digest: Digest,
    /// The export that is its start function.
    pub(super) start: Option<String>,
    /// Whether it has an `_initialize` to be called before anything else.
    pub(super) initializes: bool,
    pub(super) memories: u64,
    pub(super) tables: u64,
    exports: Arc<[(Exported, String)]>,
    /// The embedder's functions.
    pub(super) functions: Arc<HostFunctions>,
    /// Those that it imports, each with the grant that it needs.
    pub(super) imported: Vec<(ImportName, String)>,
    ticks: Arc<AtomicU64>,
}

impl WasmiProgram {
    pub(super) fn load(
        artifact: &Artifact,
        code: &Translated,
        functions: Arc<HostFunctions>,
        ticks: Arc<AtomicU64>,
    ) -> Result<Self, Rejection> {
        let Translated { module, size, start, memories, tables, exports } = code;
        let linker = link::core(module.engine(), &functions).map_err(|error| super::engine::unusable(&error))?;
        let found = module.imports().filter_map(|import| functions.find(import.module(), import.name()));
        let imported = found.map(|function| (function.import.clone(), function.grant.clone())).collect();
        let initializes = match module.get_export("_initialize") {
            Some(ExternType::Func(ty)) => ty.params().is_empty() && ty.results().is_empty(),
            _ => false,
        };
        let linked = Linked {
            module: module.clone(),
            linker,
            settings: *artifact.settings(),
            digest: artifact.module(),
            start: start.clone(),
            initializes,
            memories: *memories,
            tables: *tables,
            exports: Arc::clone(exports),
            functions,
            imported,
            ticks,
        };
        Ok(Self { linked: Arc::new(linked), code_size: size.saturating_mul(GROWTH) })
    }

    fn parts(&self, host: HostSpec, meter: Arc<Meter>) -> Parts {
        let linked = Arc::clone(&self.linked);
        let data = Data {
            host: Box::new(Host::new(host, Arc::clone(&meter))),
            limiter: Limiter::new(Arc::clone(&meter)),
            slices: Slices::new(&linked.settings, Arc::clone(&meter), Arc::clone(&linked.ticks)),
            instance: None,
            memory: None,
            depth: 0,
            pending: None,
        };
        Parts { linked, data, meter }
    }
}

impl Linked {
    /// What a call that was checked against another module ends with.
    pub(super) fn refuses(&self, call: &Call) -> Option<Ended> {
        (call.module() != self.digest).then(|| missing("the call was made for another module"))
    }

    /// The names of the exports of one kind, in the module's order.
    pub(super) fn exported(&self, what: Exported) -> Vec<String> {
        self.exports.iter().filter(|(kind, _)| *kind == what).map(|(_, name)| name.clone()).collect()
    }
}

impl Program for WasmiProgram {
    fn code_size(&self) -> u64 {
        self.code_size
    }

    fn guest(&self, host: HostSpec, meter: Arc<Meter>, call: Call) -> Box<dyn Guest> {
        let parts = self.parts(host, meter);
        Box::new(Once::new(async { parts.begin(First::Call(call)).await.0 }))
    }

    fn keep(&self, host: HostSpec, meter: Arc<Meter>) -> Box<dyn Guest> {
        Box::new(Keeping::new(kept::start(self.parts(host, meter))))
    }
}

impl fmt::Debug for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linked").field("settings", &self.settings).finish_non_exhaustive()
    }
}
