//! The sections of a core module, but for code.

use ambit_core::{Feature, ShapeKey};
use wasmparser::{
    BinaryReader, DataKind, DataSectionReader, ElementItems, ElementKind, ElementSectionReader, ExportSectionReader, ExternalKind,
    FunctionSectionReader, GlobalSectionReader, ImportSectionReader, MemorySectionReader, RecGroup, TableInit, TableSectionReader,
    TagSectionReader, TypeRef, TypeSectionReader, WasmFeatures,
};

use super::{
    Scan,
    halt::{Halt, Whose},
};
use crate::{
    features::refuse_proposal,
    types::{MemoryType, TableType},
};

/// Parameters, results and fields that all types may have together, for each type that is allowed.
///
/// One type may have thousands, and no real module has many such; without this, 10 000 types are 10 million values.
const PARTS_PER_TYPE: u64 = 100;

impl Scan<'_> {
    pub(super) fn types(&mut self, section: &TypeSectionReader<'_>) -> Result<(), Halt> {
        let end = section.range().end;
        let mut groups = section.clone().into_iter();
        for index in 0..section.count() {
            let (whose, at) = (Whose::Type(index), groups.original_position());
            self.claim_rec_group(at, end)?;
            let Some(group) = groups.next() else { break };
            self.rec_group(&group?, whose, at)?;
        }
        Ok(())
    }

    /// Counts the types of a recursion group before the reader makes room for as many as it claims.
    pub(super) fn claim_rec_group(&mut self, at: usize, end: usize) -> Result<(), Halt> {
        let mut reader = BinaryReader::new(self.bytes.get(at..end).unwrap_or_default(), at);
        let claimed = match reader.read_u8() {
            Ok(0x4e) => reader.read_var_u32()?,
            _ => 1,
        };
        self.meter.add(ShapeKey::Types, claimed, Whose::Module, at)
    }

    pub(super) fn rec_group(&mut self, group: &RecGroup, whose: Whose, at: usize) -> Result<(), Halt> {
        let known = self.space.type_count();
        self.needs.rec_group(group, known);
        self.space.add_types(group);
        for arity in self.space.types_from(known) {
            // Fields of structs are as many as the validator allows; only functions are called with all of theirs.
            if arity.is_func {
                self.meter.most(ShapeKey::Params, arity.params.max(arity.results), whose, at)?;
            }
            self.type_parts = self.type_parts.saturating_add(arity.sum().into());
        }
        if self.type_parts > self.meter.ceiling(ShapeKey::Types).saturating_mul(PARTS_PER_TYPE) {
            let what = format!(
                "types with {} parameters, results and fields in all ({PARTS_PER_TYPE} for each allowed type)",
                self.type_parts
            );
            return Err(self.meter.over_as(ShapeKey::Types, &what, Whose::Module, at));
        }
        Ok(())
    }

    pub(super) fn core_imports(&mut self, section: &ImportSectionReader<'_>) -> Result<(), Halt> {
        for (index, item) in (0..).zip(section.clone().into_imports_with_offsets()) {
            let (at, import) = item?;
            let whose = Whose::Import(index);
            self.space.imports += 1;
            self.meter.most(ShapeKey::Imports, self.space.imports, Whose::Module, at)?;
            self.name(import.module, whose, at)?;
            self.name(import.name, whose, at)?;
            self.nested_items(1, at)?;
            self.needs.border_type(import.ty);
            match import.ty {
                TypeRef::Func(ty) => self.space.add_function(ty),
                // The validator lets these pass whatever its features are.
                TypeRef::FuncExact(_) => return Err(Halt::refused(refuse_proposal(WasmFeatures::CUSTOM_DESCRIPTORS, at))),
                TypeRef::Table(_) => self.tables_more(1, at)?,
                TypeRef::Memory(_) => self.memories_more(1, at)?,
                TypeRef::Global(ty) => {
                    self.meter.add(ShapeKey::Globals, 1u32, Whose::Module, at)?;
                    self.space.add_global(ty.mutable);
                    self.space.imported_globals += 1;
                }
                TypeRef::Tag(ty) => self.tag(ty.func_type_idx, at)?,
            }
        }
        Ok(())
    }

    pub(super) fn function_section(&mut self, section: &FunctionSectionReader<'_>) -> Result<(), Halt> {
        self.meter.add(ShapeKey::Functions, section.count(), Whose::Module, section.range().start)?;
        section.clone().into_iter().try_for_each(|ty| {
            self.space.add_function(ty?);
            Ok(())
        })
    }

    pub(super) fn table_section(&mut self, section: &TableSectionReader<'_>) -> Result<(), Halt> {
        self.tables_more(section.count(), section.range().start)?;
        for table in section.clone() {
            let table = table?;
            self.needs.table_type(table.ty);
            if let TableInit::Expr(expr) = &table.init {
                self.needs.note(Feature::FunctionReferences);
                self.constant(expr)?;
            }
        }
        Ok(())
    }

    pub(super) fn memory_section(&mut self, section: &MemorySectionReader<'_>) -> Result<(), Halt> {
        self.memories_more(section.count(), section.range().start)?;
        section.clone().into_iter().try_for_each(|ty| {
            self.needs.memory_type(ty?);
            Ok(())
        })
    }

    pub(super) fn tag_section(&mut self, section: &TagSectionReader<'_>) -> Result<(), Halt> {
        self.needs.note(Feature::Exceptions);
        section.clone().into_iter_with_offsets().try_for_each(|tag| {
            let (at, tag) = tag?;
            self.tag(tag.func_type_idx, at)
        })
    }

    pub(super) fn global_section(&mut self, section: &GlobalSectionReader<'_>) -> Result<(), Halt> {
        self.meter.add(ShapeKey::Globals, section.count(), Whose::Module, section.range().start)?;
        for global in section.clone() {
            let global = global?;
            self.needs.val_type(global.ty.content_type);
            self.constant(&global.init_expr)?;
            self.space.add_global(global.ty.mutable);
        }
        Ok(())
    }

    pub(super) fn export_section(&mut self, section: &ExportSectionReader<'_>) -> Result<(), Halt> {
        let start = section.range().start;
        self.space.exports = section.count().into();
        self.meter.most(ShapeKey::Exports, section.count(), Whose::Module, start)?;
        self.nested_items(section.count(), start)?;
        for (index, export) in (0..).zip(section.clone().into_iter_with_offsets()) {
            let (at, export) = export?;
            self.name(export.name, Whose::Export(index), at)?;
            if export.kind == ExternalKind::Global && self.space.is_mutable(export.index) {
                self.needs.note(Feature::MutableGlobal);
            }
        }
        Ok(())
    }

    pub(super) fn element_section(&mut self, section: &ElementSectionReader<'_>) -> Result<(), Halt> {
        self.meter.add(ShapeKey::ElementSegments, section.count(), Whose::Module, section.range().start)?;
        for segment in section.clone().into_iter_with_offsets() {
            let (at, segment) = segment?;
            match &segment.kind {
                ElementKind::Active { offset_expr, .. } => self.constant(offset_expr)?,
                ElementKind::Passive | ElementKind::Declared => self.needs.note(Feature::BulkMemory),
            }
            match segment.items {
                ElementItems::Functions(items) => self.meter.add(ShapeKey::ElementItems, items.count(), Whose::Module, at)?,
                ElementItems::Expressions(ty, items) => {
                    self.meter.add(ShapeKey::ElementItems, items.count(), Whose::Module, at)?;
                    self.needs.ref_type(ty);
                    items.into_iter().try_for_each(|expr| self.constant(&expr?))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn data_count_section(&mut self, count: u32, at: usize) -> Result<(), Halt> {
        // The validator takes this section at any time; it came with bulk memory, and older engines refuse it.
        self.needs.note(Feature::BulkMemory);
        if u64::from(count) > self.meter.ceiling(ShapeKey::DataSegments) {
            return Err(self.meter.over(ShapeKey::DataSegments, count.into(), Whose::Module, at));
        }
        Ok(())
    }

    pub(super) fn data_section(&mut self, section: &DataSectionReader<'_>) -> Result<(), Halt> {
        self.meter.add(ShapeKey::DataSegments, section.count(), Whose::Module, section.range().start)?;
        for segment in section.clone() {
            let segment = segment?;
            match &segment.kind {
                DataKind::Active { offset_expr, .. } => self.constant(offset_expr)?,
                DataKind::Passive => self.needs.note(Feature::BulkMemory),
            }
            self.code.data_bytes = self.code.data_bytes.saturating_add(u64::try_from(segment.data.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    pub(super) fn name(&mut self, name: &str, whose: Whose, at: usize) -> Result<(), Halt> {
        self.meter.most(ShapeKey::NameSize, u64::try_from(name.len()).unwrap_or(u64::MAX), whose, at)
    }

    fn tag(&mut self, ty: u32, at: usize) -> Result<(), Halt> {
        self.space.add_tag(ty);
        self.tags += 1;
        if self.tags > self.meter.ceiling(ShapeKey::Globals) {
            return Err(self.meter.over_as(ShapeKey::Globals, &format!("{} tags", self.tags), Whose::Module, at));
        }
        Ok(())
    }

    /// Counts tables. The validator bounds them to 100 a module.
    fn tables_more(&mut self, more: u32, at: usize) -> Result<(), Halt> {
        self.space.tables += u64::from(more);
        if self.space.tables > 1 {
            self.needs.note(Feature::ReferenceTypes);
        }
        self.nested_items(more, at)
    }

    /// Counts memories. The validator bounds them to 100 a module.
    fn memories_more(&mut self, more: u32, at: usize) -> Result<(), Halt> {
        self.space.memories += u64::from(more);
        if self.space.memories > 1 {
            self.needs.note(Feature::MultiMemory);
        }
        self.nested_items(more, at)
    }

    /// Keeps the memories and tables that the validator found in order.
    pub(super) fn keep_memories(&mut self, section: &MemorySectionReader<'_>) -> Result<(), Halt> {
        section.clone().into_iter().try_for_each(|ty| {
            self.memories.push(MemoryType::new(ty?, false));
            Ok(())
        })
    }

    pub(super) fn keep_tables(&mut self, section: &TableSectionReader<'_>) -> Result<(), Halt> {
        section.clone().into_iter().try_for_each(|table| {
            self.tables.push(TableType::new(table?.ty, false));
            Ok(())
        })
    }

    pub(super) fn keep_imports(&mut self, section: &ImportSectionReader<'_>) -> Result<(), Halt> {
        for import in section.clone().into_imports() {
            match import?.ty {
                TypeRef::Memory(ty) => self.memories.push(MemoryType::new(ty, true)),
                TypeRef::Table(ty) => self.tables.push(TableType::new(ty, true)),
                _ => {}
            }
        }
        Ok(())
    }
}
