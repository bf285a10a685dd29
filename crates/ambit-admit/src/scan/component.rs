//! The sections of a component.

use std::ops::Range;

use ambit_core::{Feature, ShapeKey};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAliasSectionReader, ComponentCanonicalSectionReader, ComponentExportSectionReader,
    ComponentImportSectionReader, ComponentInstance, ComponentInstanceSectionReader, ComponentTypeSectionReader,
    CoreTypeSectionReader, Instance, InstanceSectionReader, component_types::ComponentAnyTypeId,
};

use super::{
    Scan,
    extent::{self, Extent, Extents, MOST_LINKS, Space},
    halt::{Halt, Whose},
    meter::never,
};
use crate::verified::{ModuleKind, Nested};

/// Sizes of types that may be walked or copied, for each item that is allowed.
const WORK_PER_ITEM: u64 = 5;

/// A component that is open.
#[derive(Debug, Default)]
pub(super) struct Level {
    imports: u64,
    exports: u64,
    pub(super) extents: Extents,
    /// How many types, instances and functions there were before the last section of aliases.
    before_aliases: [usize; 3],
}

impl Scan<'_> {
    /// How many components enclose the one that is open.
    pub(super) fn depth(&self) -> u64 {
        (self.components.len() as u64).saturating_sub(1)
    }

    /// Counts items of a component, nested ones included.
    pub(super) fn items(&mut self, more: u32, at: usize) -> Result<(), Halt> {
        self.meter.add(ShapeKey::ComponentItems, more, Whose::Component, at)
    }

    /// Counts what a core module brings into a component: its own limits are for each module, and there may be many.
    pub(super) fn nested_items(&mut self, more: u32, at: usize) -> Result<(), Halt> {
        if self.components.is_empty() { Ok(()) } else { self.items(more, at) }
    }

    pub(super) fn open_nested_component(&mut self, range: &Range<usize>) -> Result<(), Halt> {
        let at = range.start;
        self.meter.most(ShapeKey::ComponentNesting, self.depth() + 1, Whose::Component, at)?;
        self.code.nested_components += 1;
        self.open_nested(ModuleKind::Component, range);
        self.items(1, at)
    }

    pub(super) fn open_nested_module(&mut self, range: &Range<usize>) -> Result<(), Halt> {
        self.code.nested_modules += 1;
        self.open_nested(ModuleKind::Core, range);
        self.items(1, range.start)
    }

    fn open_nested(&mut self, kind: ModuleKind, range: &Range<usize>) {
        let kept = (self.nested.len() < Nested::MAX_KEPT).then(|| {
            let depth = self.components.len() as u64;
            self.nested.push(Nested { kind, depth, bytes: range.len() as u64, imports: 0, exports: 0 });
            self.nested.len() - 1
        });
        self.open.push(kept);
    }

    /// Closes what was opened last, if that is not the outermost.
    fn close_nested(&mut self, imports: u64, exports: u64) {
        if let Some(nested) = self.open.pop().flatten().and_then(|index| self.nested.get_mut(index)) {
            (nested.imports, nested.exports) = (imports, exports);
        }
    }

    pub(super) fn core_instances(&mut self, section: &InstanceSectionReader<'_>) -> Result<(), Halt> {
        self.items(section.count(), section.range().start)?;
        for instance in section.clone().into_iter_with_offsets() {
            let (at, instance) = instance?;
            let (parts, of) = match &instance {
                Instance::Instantiate { args, module_index } => (args.len(), self.extent_of(Space::Module, *module_index)),
                Instance::FromExports(exports) => (exports.len(), Extent::default()),
            };
            self.items(u32::try_from(parts).unwrap_or(u32::MAX), at)?;
            self.charge(of, at)?;
        }
        Ok(())
    }

    pub(super) fn component_instances(&mut self, section: &ComponentInstanceSectionReader<'_>) -> Result<(), Halt> {
        self.items(section.count(), section.range().start)?;
        for instance in section.clone().into_iter_with_offsets() {
            let (at, instance) = instance?;
            let parts = match &instance {
                ComponentInstance::Instantiate { args, .. } => args.len(),
                ComponentInstance::FromExports(exports) => exports.len(),
            };
            self.items(u32::try_from(parts).unwrap_or(u32::MAX), at)?;
            self.extend(at, |extents| extents.define_instance(&instance))?;
        }
        Ok(())
    }

    pub(super) fn aliases(&mut self, section: &ComponentAliasSectionReader<'_>) -> Result<(), Halt> {
        self.items(section.count(), section.range().start)?;
        if let Some(level) = self.components.last_mut() {
            level.before_aliases = [Space::Type, Space::Instance, Space::Function].map(|space| level.extents.count(space));
        }
        for alias in section.clone() {
            let mut scopes: Vec<&mut Extents> = self.components.iter_mut().map(|level| &mut level.extents).collect();
            extent::define_alias(&mut scopes, &alias?);
        }
        Ok(())
    }

    /// Takes the sizes of aliased items from the validator, which now knows what each of them is.
    pub(super) fn keep_aliases(&mut self) {
        let (Some(level), Some(types)) = (self.components.last_mut(), self.validator.types(0)) else { return };
        let [first_type, first_instance, first_function] = level.before_aliases;
        let sizes = &mut self.type_sizes;
        level.extents.correct(Space::Type, first_type, types.component_type_count(), |index| {
            sizes.of(types.component_any_type_at(index), types)
        });
        level.extents.correct(Space::Instance, first_instance, types.component_instance_count(), |index| {
            sizes.of(ComponentAnyTypeId::Instance(types.component_instance_at(index)), types)
        });
        level.extents.correct(Space::Function, first_function, types.component_function_count(), |index| {
            sizes.of(ComponentAnyTypeId::Func(types.component_function_at(index)), types)
        });
    }

    /// The index spaces kept here are those of the validator.
    pub(super) fn debug_check_spaces(&self) {
        let (Some(level), Some(types)) = (self.components.last(), self.validator.types(0)) else { return };
        for (space, count) in [
            (Space::Type, types.component_type_count()),
            (Space::Instance, types.component_instance_count()),
            (Space::Component, types.component_count()),
            (Space::Function, types.component_function_count()),
            (Space::Module, types.module_count()),
            (Space::CoreType, types.core_type_count_in_component()),
        ] {
            debug_assert_eq!(level.extents.count(space), count as usize, "{space:?}");
        }
    }

    fn extent_of(&self, space: Space, index: u32) -> Extent {
        self.components.last().map_or(Extent::default(), |level| level.extents.of(space, index))
    }

    /// Adds to the component that is open, and charges for what was added.
    fn extend(&mut self, at: usize, add: impl FnOnce(&mut Extents) -> Extent) -> Result<(), Halt> {
        let Some(level) = self.components.last_mut() else { return Ok(()) };
        let (added, total) = (add(&mut level.extents), level.extents.total());
        self.charge(added, at)?;
        Self::check_links(total, at)
    }

    /// Counts a use of an item, at which the validator, and an engine after it, walks or copies all of it.
    pub(super) fn charge(&mut self, of: Extent, at: usize) -> Result<(), Halt> {
        self.work = self.work.saturating_add(of.size.into());
        if self.work > self.meter.ceiling(ShapeKey::ComponentItems).saturating_mul(WORK_PER_ITEM) {
            let what = format!("used types whose sizes sum up to {} ({WORK_PER_ITEM} for each allowed item)", self.work);
            return Err(self.meter.over_as(ShapeKey::ComponentItems, &what, Whose::Component, at));
        }
        Self::check_links(of, at)
    }

    pub(super) fn check_links(of: Extent, at: usize) -> Result<(), Halt> {
        if of.links > MOST_LINKS {
            let what = format!("interfaces or components that contain each other more than {MOST_LINKS} deep");
            return Err(never(&what, Whose::Component, at));
        }
        Ok(())
    }

    /// Closes the component that is open. It is an item of the one around it.
    pub(super) fn close_component(&mut self) {
        let closed = self.components.pop().map(|level| {
            self.close_nested(level.imports, level.exports);
            level.extents.total()
        });
        if let (Some(closed), Some(outer)) = (closed, self.components.last_mut()) {
            outer.extents.define(Space::Component, closed);
        }
    }

    /// Closes the core module that is open. It may be an item of a component.
    pub(super) fn close_module(&mut self) {
        self.in_module = false;
        self.close_nested(self.space.imports, self.space.exports);
        if let Some(outer) = self.components.last_mut() {
            let borders = self.space.imports.saturating_add(self.space.exports);
            outer.extents.define(Space::Module, Extent::sized(usize::try_from(borders).unwrap_or(usize::MAX)));
        }
    }

    pub(super) fn core_types(&mut self, section: &CoreTypeSectionReader<'_>) -> Result<(), Halt> {
        self.items(section.count(), section.range().start)?;
        self.skim_core_types(section.original_position(), section.range().end, section.count())
    }

    pub(super) fn component_types(&mut self, section: &ComponentTypeSectionReader<'_>) -> Result<(), Halt> {
        self.items(section.count(), section.range().start)?;
        self.skim_types(section.original_position(), section.range().end, section.count())
    }

    pub(super) fn canonical_functions(&mut self, section: &ComponentCanonicalSectionReader<'_>) -> Result<(), Halt> {
        self.items(section.count(), section.range().start)?;
        for function in section.clone().into_iter_with_offsets() {
            let (at, function) = function?;
            if is_async(&function) {
                self.needs.note(Feature::ComponentAsync);
            }
            self.extend(at, |extents| match function {
                CanonicalFunction::Lift { type_index, .. } => {
                    let extent = extents.of(Space::Type, type_index);
                    extents.define(Space::Function, extent);
                    extent
                }
                CanonicalFunction::Lower { func_index, .. } => extents.of(Space::Function, func_index),
                CanonicalFunction::StreamRead { ty, .. }
                | CanonicalFunction::StreamWrite { ty, .. }
                | CanonicalFunction::FutureRead { ty, .. }
                | CanonicalFunction::FutureWrite { ty, .. } => extents.of(Space::Type, ty),
                CanonicalFunction::TaskReturn { result, .. } => extents.of_values(result),
                _ => Extent::default(),
            })?;
        }
        Ok(())
    }

    pub(super) fn component_imports(&mut self, section: &ComponentImportSectionReader<'_>) -> Result<(), Halt> {
        let start = section.range().start;
        self.items(section.count(), start)?;
        if let Some(level) = self.components.last_mut() {
            level.imports += u64::from(section.count());
            self.meter.most(ShapeKey::Imports, level.imports, Whose::Component, start)?;
        }
        for (index, import) in (0..).zip(section.clone().into_iter_with_offsets()) {
            let (at, import) = import?;
            self.name(import.name.name, Whose::Import(index), at)?;
            self.extend(at, |extents| extents.declare_type(import.ty))?;
        }
        Ok(())
    }

    pub(super) fn component_exports(&mut self, section: &ComponentExportSectionReader<'_>) -> Result<(), Halt> {
        let start = section.range().start;
        self.items(section.count(), start)?;
        if let Some(level) = self.components.last_mut() {
            level.exports += u64::from(section.count());
            self.meter.most(ShapeKey::Exports, level.exports, Whose::Component, start)?;
        }
        for (index, export) in (0..).zip(section.clone().into_iter_with_offsets()) {
            let (at, export) = export?;
            self.name(export.name.name, Whose::Export(index), at)?;
            self.extend(at, |extents| extents.declare_export(export.kind, export.index, export.ty))?;
        }
        Ok(())
    }

    pub(super) fn keep_component_imports(&mut self, section: &ComponentImportSectionReader<'_>) -> Result<(), Halt> {
        if self.components.len() == 1 {
            for import in section.clone().into_iter_with_offsets() {
                let (at, import) = import?;
                self.import_names.push((import.name.name.to_owned(), at));
            }
        }
        Ok(())
    }

    pub(super) fn keep_component_exports(&mut self, section: &ComponentExportSectionReader<'_>) -> Result<(), Halt> {
        if self.components.len() == 1 {
            for export in section.clone().into_iter_with_offsets() {
                let (at, export) = export?;
                self.export_names.push((export.name.name.to_owned(), at));
            }
        }
        Ok(())
    }
}

/// Whether it came with async, as all did but lifting, lowering and those of resources.
fn is_async(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.contains(&CanonicalOption::Async)
        }
        CanonicalFunction::ResourceNew { .. } | CanonicalFunction::ResourceDrop { .. } | CanonicalFunction::ResourceRep { .. } => {
            false
        }
        _ => true,
    }
}
