//! How large a component type is that the validator knows, counted with all it contains.

use std::collections::HashMap;

use wasmparser::{
    component_types::{
        ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType, ComponentItem, ComponentValType,
    },
    types::TypesRef,
};

/// Sizes of types already measured, so that each is walked once.
#[derive(Debug, Default)]
pub(super) struct TypeSizes(HashMap<ComponentAnyTypeId, usize>);

impl TypeSizes {
    /// One for the type itself and the sizes of its parts.
    pub(super) fn of(&mut self, id: ComponentAnyTypeId, types: TypesRef<'_>) -> usize {
        if let Some(&size) = self.0.get(&id) {
            return size;
        }
        // An alias is another name for a type that was measured when it was made.
        let size = match types.peel_alias(id) {
            Some(original) if original != id => self.of(original, types),
            _ => self.measure(id, types),
        };
        self.0.insert(id, size);
        size
    }

    fn measure(&mut self, id: ComponentAnyTypeId, types: TypesRef<'_>) -> usize {
        let parts = match id {
            ComponentAnyTypeId::Resource(_) => 0,
            ComponentAnyTypeId::Defined(id) => self.defined(id, types),
            ComponentAnyTypeId::Func(id) => {
                let ty = &types[id];
                self.values(ty.params.iter().map(|(_, ty)| *ty).chain(ty.result), types)
            }
            ComponentAnyTypeId::Instance(id) => self.items(types[id].exports.values(), types),
            ComponentAnyTypeId::Component(id) => {
                let ty = &types[id];
                self.items(ty.imports.values().chain(ty.exports.values()), types)
            }
        };
        parts.saturating_add(1)
    }

    fn defined(&mut self, id: ComponentDefinedTypeId, types: TypesRef<'_>) -> usize {
        match &types[id] {
            ComponentDefinedType::Primitive(_) | ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => 0,
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => names.len(),
            ComponentDefinedType::Record(ty) => self.values(ty.fields.values().copied(), types),
            ComponentDefinedType::Variant(ty) => {
                let payloads = self.values(ty.cases.values().filter_map(|case| case.ty), types);
                payloads.saturating_add(ty.cases.len())
            }
            ComponentDefinedType::Tuple(ty) => self.values(ty.types.iter().copied(), types),
            ComponentDefinedType::List { element, .. } | ComponentDefinedType::FixedLengthList { element, .. } => {
                self.values([*element], types)
            }
            ComponentDefinedType::Map { key, value, .. } => self.values([*key, *value], types),
            ComponentDefinedType::Option { ty, .. } => self.values([*ty], types),
            ComponentDefinedType::Result { ok, err, .. } => self.values(ok.iter().chain(err).copied(), types),
            ComponentDefinedType::Future { ty, .. } | ComponentDefinedType::Stream { ty, .. } => self.values(*ty, types),
        }
    }

    fn values(&mut self, parts: impl IntoIterator<Item = ComponentValType>, types: TypesRef<'_>) -> usize {
        parts.into_iter().fold(0, |sum: usize, part| {
            sum.saturating_add(match part {
                ComponentValType::Primitive(_) => 1,
                ComponentValType::Type(id) => self.of(id.into(), types),
            })
        })
    }

    fn items<'t>(&mut self, items: impl Iterator<Item = &'t ComponentItem>, types: TypesRef<'_>) -> usize {
        items.fold(0, |sum: usize, item| {
            sum.saturating_add(match item.ty {
                ComponentEntityType::Module(_) => 1,
                ComponentEntityType::Func(id) => self.of(id.into(), types),
                ComponentEntityType::Value(ty) => self.values([ty], types),
                ComponentEntityType::Type { referenced, .. } => self.of(referenced, types),
                ComponentEntityType::Instance(id) => self.of(id.into(), types),
                ComponentEntityType::Component(id) => self.of(id.into(), types),
            })
        })
    }
}
