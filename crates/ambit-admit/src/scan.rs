//! Reading a module: one pass over its bytes, in the order they stand in.
//!
//! Every section passes three stations: what it claims is counted against the static limits; then the validator reads it;
//! then what matters later is kept. So nothing of a claimed size is allocated before the claim was found bearable.

mod border;
mod callable;
mod code;
mod component;
mod constant;
mod core;
mod custom;
mod extent;
pub(crate) mod halt;
mod meter;
mod needs;
mod signature;
mod skim;
mod space;
#[cfg(test)]
mod spec_tests;
mod type_size;
mod watch;

use ambit_core::{Feature, FeatureSet, ShapeLimits};
use wasmparser::{Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures, types::Types};

use self::{code::Reused, component::Level, halt::Halt, meter::Meter, needs::Needs, space::Space, type_size::TypeSizes};
use crate::{
    shape::Shape,
    types::{MemoryType, TableType},
    verified::{CodeFacts, Customs, Export, Import, ModuleKind, Nested},
};

/// What was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) kind: ModuleKind,
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
    pub(crate) needs: FeatureSet,
    pub(crate) shape: Shape,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) tables: Vec<TableType>,
    pub(crate) customs: Customs,
    pub(crate) code: CodeFacts,
    pub(crate) nested: Vec<Nested>,
}

/// What becomes of functions' bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// They are read.
    Read,
    /// They are skipped: somebody has read them before.
    Skipped,
}

/// The state of the pass.
struct Scan<'a> {
    bodies: Bodies,
    bytes: &'a [u8],
    features: WasmFeatures,
    validator: Validator,
    meter: Meter,
    needs: Needs,
    /// Components that are open, outermost first; none while a core module by itself is read.
    components: Vec<Level>,
    /// Whether the outermost is a component.
    is_component: bool,
    /// Whether a core module is open.
    in_module: bool,
    /// Of the core module that is open.
    space: Space,
    /// See `Body::moved`.
    moved: u64,
    type_parts: u64,
    tags: u64,
    /// Bytes of constant expressions.
    constants: u64,
    /// Sizes of types used, summed up over all uses.
    work: u64,
    reused: Reused,
    type_sizes: TypeSizes,
    /// Names of what the outermost component imports and exports, in order, with their places.
    import_names: Vec<(String, usize)>,
    export_names: Vec<(String, usize)>,
    memories: Vec<MemoryType>,
    tables: Vec<TableType>,
    customs: Customs,
    code: CodeFacts,
    nested: Vec<Nested>,
    /// Which of them are open; `None` for those beyond what is kept.
    open: Vec<Option<usize>>,
    /// What the validator knows of the module or component that ended last.
    end: Option<Types>,
}

/// Reads `bytes` to the end with the features given.
pub(crate) fn scan(bytes: &[u8], features: WasmFeatures, limits: &ShapeLimits, bodies: Bodies) -> Result<Read, Halt> {
    let mut scan = Scan {
        bodies,
        bytes,
        features,
        validator: Validator::new_with_features(features),
        meter: Meter::new(limits),
        needs: Needs::default(),
        components: Vec::new(),
        is_component: false,
        in_module: false,
        space: Space::default(),
        moved: 0,
        type_parts: 0,
        tags: 0,
        constants: 0,
        work: 0,
        reused: Reused::default(),
        type_sizes: TypeSizes::default(),
        import_names: Vec::new(),
        export_names: Vec::new(),
        memories: Vec::new(),
        tables: Vec::new(),
        customs: Customs::default(),
        code: CodeFacts::default(),
        nested: Vec::new(),
        open: Vec::new(),
        end: None,
    };
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(bytes) {
        scan.payload(&payload?)?;
    }
    scan.finish()
}

impl Scan<'_> {
    /// Takes one payload through its stations.
    fn payload(&mut self, payload: &Payload<'_>) -> Result<(), Halt> {
        match payload {
            // Most payloads are one of these two. The validator has nothing to say of the first.
            Payload::CustomSection(section) => {
                self.custom(section);
                return Ok(());
            }
            Payload::CodeSectionEntry(body) => {
                let func = self.validator.code_section_entry(body)?;
                return match self.bodies {
                    Bodies::Read => self.function(func, body),
                    Bodies::Skipped => Ok(()),
                };
            }
            _ => self.count(payload)?,
        }
        if let ValidPayload::End(types) = self.validator.payload(payload)? {
            if self.in_module {
                self.close_module();
            } else {
                self.close_component();
            }
            self.end = Some(types);
            return Ok(());
        }
        self.keep(payload)?;
        if cfg!(debug_assertions) && !self.in_module {
            self.debug_check_spaces();
        }
        Ok(())
    }

    /// Counts what the payload claims and notes what it needs, before anything of the claimed size is made.
    fn count(&mut self, payload: &Payload<'_>) -> Result<(), Halt> {
        match payload {
            Payload::Version { .. } => Ok(()),
            Payload::TypeSection(s) => self.types(s),
            Payload::ImportSection(s) => self.core_imports(s),
            Payload::FunctionSection(s) => self.function_section(s),
            Payload::TableSection(s) => self.table_section(s),
            Payload::MemorySection(s) => self.memory_section(s),
            Payload::TagSection(s) => self.tag_section(s),
            Payload::GlobalSection(s) => self.global_section(s),
            Payload::ExportSection(s) => self.export_section(s),
            Payload::StartSection { .. } | Payload::ComponentStartSection { .. } => {
                self.code.start = true;
                Ok(())
            }
            Payload::ElementSection(s) => self.element_section(s),
            Payload::DataCountSection { count, range } => self.data_count_section(*count, range.start),
            Payload::DataSection(s) => self.data_section(s),
            Payload::ModuleSection { unchecked_range, .. } => self.open_nested_module(unchecked_range),
            Payload::ComponentSection { unchecked_range, .. } => self.open_nested_component(unchecked_range),
            Payload::InstanceSection(s) => self.core_instances(s),
            Payload::CoreTypeSection(s) => self.core_types(s),
            Payload::ComponentInstanceSection(s) => self.component_instances(s),
            Payload::ComponentAliasSection(s) => self.aliases(s),
            Payload::ComponentTypeSection(s) => self.component_types(s),
            Payload::ComponentCanonicalSection(s) => self.canonical_functions(s),
            Payload::ComponentImportSection(s) => self.component_imports(s),
            Payload::ComponentExportSection(s) => self.component_exports(s),
            // Unknown sections the validator refuses.
            _ => Ok(()),
        }
    }

    /// Keeps what matters later of a payload that the validator found in order.
    fn keep(&mut self, payload: &Payload<'_>) -> Result<(), Halt> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                self.in_module = true;
                self.space = Space::default();
                Ok(())
            }
            Payload::Version { encoding: Encoding::Component, .. } => {
                self.needs.note(Feature::ComponentModel);
                self.components.push(Level::default());
                self.is_component = true;
                Ok(())
            }
            Payload::ImportSection(s) => self.keep_imports(s),
            Payload::TableSection(s) => self.keep_tables(s),
            Payload::MemorySection(s) => self.keep_memories(s),
            Payload::ComponentAliasSection(_) => {
                self.keep_aliases();
                Ok(())
            }
            Payload::ComponentImportSection(s) => self.keep_component_imports(s),
            Payload::ComponentExportSection(s) => self.keep_component_exports(s),
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Read, Halt> {
        let types = self.end.take().expect("the parser's last payload is the end of the outermost module");
        let (kind, (imports, exports)) = if self.is_component {
            (ModuleKind::Component, self.component_border(types.as_ref())?)
        } else {
            (ModuleKind::Core, border::of_module(types.as_ref()))
        };
        let Self { memories, tables, customs, code, nested, .. } = self;
        let (needs, shape) = (self.needs.features, self.meter.shape);
        Ok(Read { kind, imports, exports, needs, shape, memories, tables, customs, code, nested })
    }
}
