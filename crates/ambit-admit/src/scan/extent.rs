//! How large and how deep the items of a component are, by reference.
//!
//! Types, instances and components refer to earlier ones by index. So a kilobyte makes a chain of hundreds without
//! nesting a single byte, and a few doublings make a huge type. The validator keeps a type's depth in seven bits and
//! panics when they overflow (wasmparser 0.254); it walks or copies a type at each use; and so does an engine. So extents
//! are summed up here before the validator sees the items, with the index spaces that takes.

use wasmparser::{
    ComponentAlias, ComponentDefinedType, ComponentExternalKind, ComponentFuncType, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, ComponentValType, TypeBounds,
};

/// Links that are allowed. An interface in a component in a component makes three; the validator bounds value types to a
/// depth of 100 by itself, and the sum has to stay below 128.
pub(super) const MOST_LINKS: u8 = 20;

/// The extent of one item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Interfaces and components, one in the other, that it is made of.
    pub(super) links: u8,
    /// One for itself and the sizes of all its parts. A part that is used twice counts twice.
    pub(super) size: u32,
}

/// The kinds of item that are referred to by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Type,
    Instance,
    Component,
    Function,
    Module,
    CoreType,
}

/// The index spaces of one component, component type or instance type. What does not exist has no extent: the validator
/// refuses it.
#[derive(Debug, Default)]
pub(super) struct Extents {
    spaces: [Vec<Extent>; 6],
    /// Of all that is imported and exported.
    inside: Extent,
}

impl Extent {
    pub(super) fn sized(size: usize) -> Self {
        Self { links: 0, size: u32::try_from(size).unwrap_or(u32::MAX) }
    }

    fn and(self, other: Self) -> Self {
        Self { links: self.links.max(other.links), size: self.size.saturating_add(other.size) }
    }

    /// Of an interface or component with this inside.
    fn wrapped(self) -> Self {
        Self { links: self.links.saturating_add(1), size: self.size.saturating_add(1) }
    }
}

impl Extents {
    /// Of the component or type itself.
    pub(super) fn total(&self) -> Extent {
        self.inside.wrapped()
    }

    pub(super) fn of(&self, space: Space, index: u32) -> Extent {
        self.spaces[space as usize].get(index as usize).copied().unwrap_or_default()
    }

    /// How many items of this kind there are.
    pub(super) fn count(&self, space: Space) -> usize {
        self.spaces[space as usize].len()
    }

    /// Gives an item its index.
    pub(super) fn define(&mut self, space: Space, extent: Extent) {
        self.spaces[space as usize].push(extent);
    }

    /// Gives what is imported or exported its index; it is part of what contains it.
    fn declare(&mut self, kind: ComponentExternalKind, extent: Extent) -> Extent {
        if let Some(space) = Space::of(kind) {
            self.define(space, extent);
        }
        self.inside = self.inside.and(extent);
        extent
    }

    /// Declares an item by its type.
    pub(super) fn declare_type(&mut self, ty: ComponentTypeRef) -> Extent {
        self.declare(ty.kind(), self.of_ref(ty))
    }

    /// Declares an item that exists, and may be given another type.
    pub(super) fn declare_export(&mut self, kind: ComponentExternalKind, index: u32, ty: Option<ComponentTypeRef>) -> Extent {
        let ascribed = ty.map_or(Extent::default(), |ty| self.of_ref(ty));
        self.declare(kind, self.of_item(kind, index).and(ascribed))
    }

    pub(super) fn define_instance(&mut self, instance: &ComponentInstance<'_>) -> Extent {
        let extent = match instance {
            // An instance has no more in it than its component, which also counts imports.
            ComponentInstance::Instantiate { component_index, .. } => self.of(Space::Component, *component_index),
            ComponentInstance::FromExports(exports) => {
                exports.iter().map(|export| self.of_item(export.kind, export.index)).fold(Extent::default(), Extent::and).wrapped()
            }
        };
        self.define(Space::Instance, extent);
        extent
    }

    pub(super) fn of_func(&self, ty: &ComponentFuncType<'_>) -> Extent {
        self.of_values(ty.params.iter().map(|(_, ty)| *ty).chain(ty.result))
    }

    pub(super) fn of_defined(&self, ty: &ComponentDefinedType<'_>) -> Extent {
        match ty {
            ComponentDefinedType::Primitive(_) | ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => Extent::sized(1),
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => Extent::sized(names.len() + 1),
            ComponentDefinedType::Record(fields) => self.of_values(fields.iter().map(|(_, ty)| *ty)),
            ComponentDefinedType::Variant(cases) => {
                self.of_values(cases.iter().filter_map(|case| case.ty)).and(Extent::sized(cases.len()))
            }
            ComponentDefinedType::Tuple(types) => self.of_values(types.iter().copied()),
            ComponentDefinedType::List(ty) | ComponentDefinedType::FixedLengthList(ty, _) | ComponentDefinedType::Option(ty) => {
                self.of_values([*ty])
            }
            ComponentDefinedType::Map(key, value) => self.of_values([*key, *value]),
            ComponentDefinedType::Result { ok, err } => self.of_values(ok.iter().chain(err).copied()),
            ComponentDefinedType::Future(ty) | ComponentDefinedType::Stream(ty) => self.of_values(*ty),
        }
    }

    /// Of a type that consists of values of these types.
    pub(super) fn of_values(&self, parts: impl IntoIterator<Item = ComponentValType>) -> Extent {
        parts.into_iter().fold(Extent::sized(1), |sum, part| {
            sum.and(match part {
                ComponentValType::Primitive(_) => Extent::sized(1),
                ComponentValType::Type(index) => self.of(Space::Type, index),
            })
        })
    }

    fn of_ref(&self, ty: ComponentTypeRef) -> Extent {
        match ty {
            ComponentTypeRef::Instance(index)
            | ComponentTypeRef::Component(index)
            | ComponentTypeRef::Func(index)
            | ComponentTypeRef::Type(TypeBounds::Eq(index)) => self.of(Space::Type, index),
            ComponentTypeRef::Module(index) => self.of(Space::CoreType, index),
            ComponentTypeRef::Type(TypeBounds::SubResource) => Extent::sized(1),
            ComponentTypeRef::Value(ty) => self.of_values([ty]),
        }
    }

    fn of_item(&self, kind: ComponentExternalKind, index: u32) -> Extent {
        Space::of(kind).map_or(Extent::sized(1), |space| self.of(space, index))
    }

    /// Corrects the sizes of items that are aliases of what is in an instance: of an instance only the sum is kept.
    pub(super) fn correct(&mut self, space: Space, from: usize, known: u32, mut size: impl FnMut(u32) -> usize) {
        for (index, extent) in (0..known).zip(&mut self.spaces[space as usize]).skip(from) {
            extent.size = Extent::sized(size(index)).size;
        }
    }
}

impl Space {
    fn of(kind: ComponentExternalKind) -> Option<Self> {
        Some(match kind {
            ComponentExternalKind::Type => Space::Type,
            ComponentExternalKind::Instance => Space::Instance,
            ComponentExternalKind::Component => Space::Component,
            ComponentExternalKind::Func => Space::Function,
            ComponentExternalKind::Module => Space::Module,
            ComponentExternalKind::Value => return None,
        })
    }
}

/// Adds an alias to the innermost of `scopes`, which stand outermost first.
pub(super) fn define_alias(scopes: &mut [&mut Extents], alias: &ComponentAlias<'_>) {
    let Some(innermost) = scopes.len().checked_sub(1) else { return };
    let (space, extent) = match *alias {
        ComponentAlias::InstanceExport { kind, instance_index, .. } => {
            let Some(space) = Space::of(kind) else { return };
            let Extent { links, size } = scopes[innermost].of(Space::Instance, instance_index);
            (space, Extent { links: links.saturating_sub(1), size })
        }
        ComponentAlias::Outer { kind, count, index } => {
            let space = match kind {
                ComponentOuterAliasKind::Type => Space::Type,
                ComponentOuterAliasKind::Component => Space::Component,
                ComponentOuterAliasKind::CoreModule => Space::Module,
                ComponentOuterAliasKind::CoreType => Space::CoreType,
            };
            let scope = innermost.checked_sub(count as usize).map(|scope| &*scopes[scope]);
            (space, scope.map_or(Extent::default(), |scope| scope.of(space, index)))
        }
        // Core items have no parts.
        ComponentAlias::CoreInstanceExport { .. } => return,
    };
    scopes[innermost].define(space, extent);
}
