//! A loaded module.

use std::sync::Arc;

use ambit_admit::ModuleKind;
use ambit_core::{Digest, RejectReason, Rejection};
use wasmtime::{ExternType, InstancePre, Module, ResourcesRequired, component, component::Component};
use wasmtime_wasi::p2::bindings::CommandPre;

use super::{
    begin::{First, Parts},
    config::{POOL_MEMORY, POOL_TABLE_ELEMENTS},
    data::Data,
    engine::{Slot, message},
    enter::missing,
    kept,
    mapped::Mapped,
    p2,
};
use crate::{
    access::Exported,
    artifact::Artifact,
    call::Call,
    code_file::CodeFile,
    contract::{Guest, Program},
    ended::Ended,
    functions::ImportName,
    guest::{Keeping, Once},
    host::{Host, HostSpec},
    meter::Meter,
    settings::Settings,
};

/// Machine code from Wasmtime's compiler. Only this engine makes it, and nothing changes it.
pub(super) struct NativeCode {
    pub(super) bytes: CodeBytes,
    pub(super) kind: ModuleKind,
    /// Whether instances may come from the pool; decided by the module's shape.
    pub(super) pooled: bool,
}

/// Where machine code is.
pub(super) enum CodeBytes {
    /// In memory.
    Memory(Vec<u8>),
    /// In a file that is mapped.
    File(CodeFile),
}

impl CodeBytes {
    fn len(&self) -> u64 {
        match self {
            CodeBytes::Memory(bytes) => bytes.len() as u64,
            // What cannot be looked at cannot be mapped either, which is found out then.
            CodeBytes::File(file) => file.file().metadata().map_or(0, |metadata| metadata.len()),
        }
    }
}

/// A loaded module, linked and ready to be instantiated.
#[derive(Debug)]
pub(super) struct WasmtimeProgram {
    pub(super) main: Arc<Linked>,
    /// The same on demand, for when the pool is full.
    pub(super) spare: Option<Arc<Linked>>,
    /// In bytes, both together.
    code_size: u64,
}

/// A module linked in one engine.
pub(super) struct Linked {
    pub(super) slot: Arc<Slot>,
    pub(super) settings: Settings,
    /// The module's own name, which calls name too.
    module: Digest,
    pub(super) pre: Pre,
    /// The embedder's functions that it imports, each with the grant that it needs.
    pub(super) functions: Vec<(ImportName, String)>,
    /// See [`ComponentType::flags_excess`]: of what those of a component take.
    pub(super) flags_excess: u64,
    /// Whether it has an `_initialize` to be called before anything else.
    pub(super) initializes: bool,
    /// Memories and tables of all its instances, where that is known before they are made.
    pub(super) required: Option<ResourcesRequired>,
    /// The code, if it lies in memory that the engine does not own. Last, and so dropped last.
    _mapped: Option<Mapped>,
}

pub(super) enum Pre {
    Core(InstancePre<Data>),
    /// With the indices of `wasi:cli/run`, if it exports that.
    Component(component::InstancePre<Data>, Option<CommandPre<Data>>),
}

impl WasmtimeProgram {
    pub(super) fn load(
        artifact: &Artifact,
        code: &NativeCode,
        main: Arc<Slot>,
        spare: Option<Arc<Slot>>,
    ) -> Result<Self, Rejection> {
        let main = Arc::new(Linked::load(artifact, code, main)?);
        let spare = spare.map(|slot| Linked::load(artifact, code, slot).map(Arc::new)).transpose()?;
        let code_size = code.bytes.len() * if spare.is_some() { 2 } else { 1 };
        Ok(Self { main, spare, code_size })
    }
}

impl Linked {
    fn load(artifact: &Artifact, code: &NativeCode, slot: Arc<Slot>) -> Result<Self, Rejection> {
        let (pre, mapped) = Self::pre(code, &slot).map_err(|error| {
            let reason =
                if error.is::<wasmtime::UnknownImportError>() { RejectReason::ImportDenied } else { RejectReason::InvalidModule };
            Rejection::new(reason, message(&error))
        })?;
        let required = match &pre {
            Pre::Core(pre) => Some(pre.module().resources_required()),
            Pre::Component(pre, _) => pre.component().resources_required(),
        };
        let initializes = match &pre {
            Pre::Core(pre) => match pre.module().get_export("_initialize") {
                Some(ExternType::Func(ty)) => ty.params().len() == 0 && ty.results().len() == 0,
                _ => false,
            },
            Pre::Component(..) => false,
        };
        let mut flags_excess = 1;
        let functions = match &pre {
            Pre::Core(pre) => {
                let imports = pre.module().imports();
                let found = imports.filter_map(|import| slot.functions.find(import.module(), import.name()));
                found.map(|function| (function.import.clone(), function.grant.clone())).collect()
            }
            Pre::Component(pre, _) => {
                let found = p2::imported(pre.component(), &slot.engine, &slot.functions);
                let taken = found.iter().flat_map(|member| member.ty.params.iter().map(|(_, ty)| ty.flags_excess()));
                flags_excess = taken.max().unwrap_or(1);
                found.iter().map(|member| (member.import.clone(), member.grant.clone())).collect()
            }
        };
        Ok(Self {
            slot,
            settings: *artifact.settings(),
            module: artifact.module(),
            pre,
            functions,
            flags_excess,
            initializes,
            required,
            _mapped: mapped,
        })
    }

    /// What a call that was checked against another module ends with.
    pub(super) fn refuses(&self, call: &Call) -> Option<Ended> {
        (call.module() != self.module).then(|| missing("the call was made for another module"))
    }

    /// The names of the exports of one kind.
    pub(super) fn exported(&self, what: Exported) -> Vec<String> {
        let Pre::Core(pre) = &self.pre else { return Vec::new() };
        let is = |ty: &ExternType| match what {
            Exported::Memory => matches!(ty, ExternType::Memory(_)),
            Exported::Global => matches!(ty, ExternType::Global(_)),
            Exported::Table => matches!(ty, ExternType::Table(_)),
        };
        pre.module().exports().filter(|export| is(&export.ty())).map(|export| export.name().to_owned()).collect()
    }

    fn pre(code: &NativeCode, slot: &Slot) -> wasmtime::Result<(Pre, Option<Mapped>)> {
        match code.kind {
            ModuleKind::Core => Ok((slot.core()?.instantiate_pre(&load_module(slot, code)?).map(Pre::Core)?, None)),
            ModuleKind::Component => {
                let (component, mapped) = load_component(slot, code)?;
                let pre = slot.component()?.instantiate_pre(&component)?;
                let command = CommandPre::new(pre.clone()).ok();
                Ok((Pre::Component(pre, command), mapped))
            }
        }
    }
}

#[expect(unsafe_code, reason = "an artifact is machine code: loading it is trusting it")]
fn load_module(slot: &Slot, code: &NativeCode) -> wasmtime::Result<Module> {
    // SAFETY: `deserialize` asks for bytes that Wasmtime's compiler made, unchanged. `NativeCode` is private to this module
    // tree. `WasmtimeEngine` alone makes one: `compile` from the compiler's output, `artifact_of` from bytes that `SealKey` says
    // are that output, for this module, version and settings (keeping the key is keeping this promise), and
    // `artifact_of_file` from a file that whoever made the `CodeFile` answers for. Nothing has mutable access to it after.
    // Wasmtime itself checks version and settings too.
    unsafe {
        match &code.bytes {
            CodeBytes::Memory(bytes) => Module::deserialize(&slot.engine, bytes),
            CodeBytes::File(file) => {
                let module = Module::deserialize_open_file(&slot.engine, file.file().try_clone()?)?;
                // Now, and not with the first instance: what it takes may not be allowed any more by then.
                module.initialize_copy_on_write_image()?;
                Ok(module)
            }
        }
    }
}

#[expect(unsafe_code, reason = "an artifact is machine code: loading it is trusting it")]
fn load_component(slot: &Slot, code: &NativeCode) -> wasmtime::Result<(Component, Option<Mapped>)> {
    // SAFETY: as in `load_module`. What is mapped is kept for as long as the component: `Linked` has both, and drops them in
    // that order.
    unsafe {
        match &code.bytes {
            CodeBytes::Memory(bytes) => Ok((Component::deserialize(&slot.engine, bytes)?, None)),
            CodeBytes::File(file) => {
                let mapped = Mapped::new(file.file())?;
                let component = Component::deserialize_raw(&slot.engine, mapped.bytes())?;
                component.initialize_copy_on_write_image()?;
                Ok((component, Some(mapped)))
            }
        }
    }
}

impl WasmtimeProgram {
    fn parts(&self, host: HostSpec, meter: Arc<Meter>) -> Parts {
        let data = Data::new(Box::new(Host::new(host, Arc::clone(&meter))), Arc::clone(&meter));
        let limits = meter.limits();
        // The pool must not refuse what the limits allow.
        let within = limits.table_elements.ceiling() <= POOL_TABLE_ELEMENTS && limits.memory.ceiling() <= POOL_MEMORY;
        let (main, spare) = match &self.spare {
            Some(spare) if !within => (spare, None),
            spare => (&self.main, spare.clone()),
        };
        Parts { main: Arc::clone(main), spare, data, meter }
    }
}

impl Program for WasmtimeProgram {
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

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked").field("settings", &self.settings).finish_non_exhaustive()
    }
}
