//! Component types, counted before the real reader sees them.
//!
//! That reader calls itself for types within types and builds all of them before it returns: a few bytes a level overflow
//! its stack, and a list of small declarations takes thirty times its size. This one keeps its own stack, holds one leaf
//! at a time and stops at the limits.

use ambit_core::{Feature, ShapeKey};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentDefinedType, ComponentExternName, ComponentFuncType, ComponentImport, ComponentType,
    InstanceTypeDeclaration, ModuleTypeDeclaration, RecGroup,
};

use super::{
    Scan,
    extent::{self, Extent, Extents, Space},
    halt::{Halt, Whose},
    meter::never,
};

/// Types within types, however high the limit is set: the validator and the engines call themselves for each level.
const DEEPEST: u64 = 100;

/// A component or instance type that is open, and how many declarations are left in it.
struct Open {
    left: u32,
    is_component: bool,
    extents: Extents,
}

impl<'a> Scan<'a> {
    /// Skims a section of component types.
    pub(super) fn skim_types(&mut self, at: usize, end: usize, count: u32) -> Result<(), Halt> {
        let mut reader = self.reader(at, end);
        let mut open: Vec<Open> = Vec::new();
        for _ in 0..count {
            self.skim_type(&mut reader, &mut open)?;
            while let Some(innermost) = open.last_mut() {
                if innermost.left == 0 {
                    let total = innermost.extents.total();
                    open.pop();
                    self.define_type(total, &mut open, reader.original_position())?;
                    continue;
                }
                innermost.left -= 1;
                self.skim_declaration(&mut reader, &mut open)?;
            }
        }
        Ok(())
    }

    /// Skims a section of core types in a component.
    pub(super) fn skim_core_types(&mut self, at: usize, end: usize, count: u32) -> Result<(), Halt> {
        let mut reader = self.reader(at, end);
        (0..count).try_for_each(|_| self.skim_core_type(&mut reader, &mut []))
    }

    fn reader(&self, at: usize, end: usize) -> BinaryReader<'a> {
        BinaryReader::new_features(self.bytes.get(at..end).unwrap_or_default(), at, self.features)
    }

    fn skim_type(&mut self, reader: &mut BinaryReader<'a>, open: &mut Vec<Open>) -> Result<(), Halt> {
        let at = reader.original_position();
        let is_component = match reader.clone().read_u8()? {
            0x41 => true,
            0x42 => false,
            _ => {
                let leaf = reader.read()?;
                self.leaf(&leaf, at)?;
                let extent = self.extent_of_leaf(&leaf, open);
                return self.define_type(extent, open, at);
            }
        };
        reader.read_u8()?;
        let left = reader.read_var_u32()?;
        open.push(Open { left, is_component, extents: Extents::default() });
        let here = open.len() as u64;
        self.meter.most(ShapeKey::ComponentNesting, self.depth().saturating_add(here), Whose::Component, at)?;
        if here > DEEPEST {
            return Err(never(&format!("types nested more than {DEEPEST} deep"), Whose::Component, at));
        }
        self.items(left, at)
    }

    /// Gives a type that is complete its index.
    fn define_type(&mut self, extent: Extent, open: &mut [Open], at: usize) -> Result<(), Halt> {
        Self::check_links(extent, at)?;
        self.meter.most(ShapeKey::TypeSize, extent.size, Whose::Component, at)?;
        self.define(Space::Type, extent, open);
        Ok(())
    }

    /// Gives an item its index in the type that is open, or else in the component.
    fn define(&mut self, space: Space, extent: Extent, open: &mut [Open]) {
        let outer = self.components.last_mut().map(|level| &mut level.extents);
        if let Some(scope) = open.last_mut().map(|open| &mut open.extents).or(outer) {
            scope.define(space, extent);
        }
    }

    fn extent_of_leaf(&self, leaf: &ComponentType<'_>, open: &[Open]) -> Extent {
        let outer = self.components.last().map(|level| &level.extents);
        let Some(scope) = open.last().map(|open| &open.extents).or(outer) else { return Extent::default() };
        match leaf {
            ComponentType::Func(ty) => scope.of_func(ty),
            ComponentType::Defined(ty) => scope.of_defined(ty),
            ComponentType::Resource { .. } | ComponentType::Component(_) | ComponentType::Instance(_) => Extent::sized(1),
        }
    }

    fn skim_declaration(&mut self, reader: &mut BinaryReader<'a>, open: &mut Vec<Open>) -> Result<(), Halt> {
        let start = reader.clone();
        let at = start.original_position();
        let Some(innermost) = open.last_mut() else { return Ok(()) };
        match reader.read_u8()? {
            0x00 => self.skim_core_type(reader, open),
            0x01 => self.skim_type(reader, open),
            0x02 => {
                let alias: ComponentAlias<'_> = reader.read()?;
                let outer = self.components.iter_mut().map(|level| &mut level.extents);
                let mut scopes: Vec<&mut Extents> = outer.chain(open.iter_mut().map(|open| &mut open.extents)).collect();
                extent::define_alias(&mut scopes, &alias);
                Ok(())
            }
            0x03 if innermost.is_component => {
                let import: ComponentImport<'_> = reader.read()?;
                let extent = innermost.extents.declare_type(import.ty);
                self.charge(extent, at)?;
                self.name(import.name.name, Whose::Component, at)
            }
            0x04 => {
                let name: ComponentExternName<'_> = reader.read()?;
                let extent = innermost.extents.declare_type(reader.read()?);
                self.charge(extent, at)?;
                self.name(name.name, Whose::Component, at)
            }
            // Nothing else is a declaration: the real reader says so.
            _ => start.clone().read::<InstanceTypeDeclaration<'_>>().map(drop).map_err(Halt::from),
        }
    }

    fn skim_core_type(&mut self, reader: &mut BinaryReader<'a>, open: &mut [Open]) -> Result<(), Halt> {
        let at = reader.original_position();
        let mut ahead = reader.clone();
        match ahead.read_u8()? {
            0x50 => {
                let declarations = ahead.read_var_u32()?;
                *reader = ahead;
                self.items(declarations, at)?;
                (0..declarations).try_for_each(|_| self.skim_module_declaration(reader))?;
                let extent = Extent::sized(usize::try_from(declarations).unwrap_or(usize::MAX));
                self.define(Space::CoreType, extent, open);
                return Ok(());
            }
            // Before a type that could be mistaken for a module's.
            0x00 => *reader = ahead,
            _ => {}
        }
        let types = self.skim_rec_group(reader)?;
        (0..types).for_each(|_| self.define(Space::CoreType, Extent::default(), open));
        Ok(())
    }

    fn skim_rec_group(&mut self, reader: &mut BinaryReader<'a>) -> Result<usize, Halt> {
        let at = reader.original_position();
        self.claim_rec_group(at, reader.range().end)?;
        let group: RecGroup = reader.read()?;
        self.rec_group(&group, Whose::Component, at)?;
        Ok(group.types().len())
    }

    fn skim_module_declaration(&mut self, reader: &mut BinaryReader<'a>) -> Result<(), Halt> {
        let at = reader.original_position();
        let mut ahead = reader.clone();
        if ahead.read_u8()? == 0x01 {
            *reader = ahead;
            return self.skim_rec_group(reader).map(drop);
        }
        match reader.read()? {
            ModuleTypeDeclaration::Type(_) | ModuleTypeDeclaration::OuterAlias { .. } => Ok(()),
            ModuleTypeDeclaration::Export { name, ty } => {
                self.needs.border_type(ty);
                self.name(name, Whose::Component, at)
            }
            ModuleTypeDeclaration::Import(import) => {
                self.needs.border_type(import.ty);
                self.name(import.module, Whose::Component, at)?;
                self.name(import.name, Whose::Component, at)
            }
        }
    }

    /// Looks at the names of parts: they are copied with the type wherever that is.
    fn labels<'n>(&mut self, mut names: impl Iterator<Item = &'n str>, at: usize) -> Result<(), Halt> {
        names.try_for_each(|name| self.name(name, Whose::Component, at))
    }

    /// A type without types inside: counts its parts.
    fn leaf(&mut self, ty: &ComponentType<'_>, at: usize) -> Result<(), Halt> {
        let parts = match ty {
            ComponentType::Func(ComponentFuncType { async_, params, .. }) => {
                if *async_ {
                    self.needs.note(Feature::ComponentAsync);
                }
                self.meter.most(ShapeKey::Params, params.len() as u64, Whose::Component, at)?;
                self.labels(params.iter().map(|(name, _)| *name), at)?;
                params.len()
            }
            ComponentType::Defined(ty) => match ty {
                ComponentDefinedType::Record(fields) => {
                    self.labels(fields.iter().map(|(name, _)| *name), at)?;
                    fields.len()
                }
                ComponentDefinedType::Variant(cases) => {
                    self.labels(cases.iter().map(|case| case.name), at)?;
                    cases.len()
                }
                ComponentDefinedType::Tuple(types) => types.len(),
                ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
                    self.labels(names.iter().copied(), at)?;
                    names.len()
                }
                ComponentDefinedType::Future(_) | ComponentDefinedType::Stream(_) => {
                    self.needs.note(Feature::ComponentAsync);
                    0
                }
                _ => 0,
            },
            ComponentType::Resource { rep, .. } => {
                self.needs.val_type(*rep);
                0
            }
            ComponentType::Component(_) | ComponentType::Instance(_) => 0,
        };
        self.items(u32::try_from(parts).unwrap_or(u32::MAX), at)
    }
}
