//! What a module imports and exports.

use ambit_core::ShapeKey;
use wasmparser::{
    component_types::{ComponentAnyTypeId, ComponentEntityType},
    types::{EntityType, TypesRef},
};

use super::{
    Scan,
    callable::Callable,
    halt::{Halt, Whose},
    signature,
};
use crate::{
    types::{ComponentFunc, ExternType, FuncType, MemoryType, TableType, ValType},
    verified::{Export, Import},
};

/// The imports and exports of a core module.
pub(super) fn of_module(types: TypesRef<'_>) -> (Vec<Import>, Vec<Export>) {
    let imports = types.core_imports().into_iter().flatten().map(|(module, name, ty)| Import {
        module: module.into(),
        name: name.into(),
        ty: core_type(ty, types, true),
    });
    let exports = types.core_exports().into_iter().flatten().map(|(name, ty)| Export {
        interface: None,
        name: name.into(),
        ty: core_type(ty, types, false),
    });
    (imports.collect(), exports.collect())
}

fn core_type(ty: EntityType, types: TypesRef<'_>, imported: bool) -> ExternType {
    match ty {
        EntityType::Func(id) | EntityType::FuncExact(id) => ExternType::Func(FuncType::from(types[id].unwrap_func())),
        EntityType::Tag(id) => ExternType::Tag(FuncType::from(types[id].unwrap_func())),
        EntityType::Table(ty) => ExternType::Table(TableType::new(ty, imported)),
        EntityType::Memory(ty) => ExternType::Memory(MemoryType::new(ty, imported)),
        EntityType::Global(ty) => ExternType::Global { ty: ValType::from(ty.content_type), mutable: ty.mutable },
    }
}

impl Scan<'_> {
    /// The imports and exports of the outermost component, those of interfaces one by one.
    pub(super) fn component_border(&mut self, types: TypesRef<'_>) -> Result<(Vec<Import>, Vec<Export>), Halt> {
        let (mut imports, mut exports) = (Vec::new(), Vec::new());
        let mut callable = Callable::default();
        for (name, at) in &self.import_names {
            let Some(item) = types.component_item_for_import(name) else { continue };
            for (of, name, ty) in flatten(name, item.ty, types, &mut callable) {
                imports.push(Import { module: of.unwrap_or_default().into(), name, ty });
            }
            self.meter.most(ShapeKey::Imports, imports.len() as u64, Whose::Component, *at)?;
        }
        for (name, at) in &self.export_names {
            let Some(item) = types.component_item_for_export(name) else { continue };
            for (of, name, ty) in flatten(name, item.ty, types, &mut callable) {
                exports.push(Export { interface: of.map(Into::into), name, ty });
            }
            self.meter.most(ShapeKey::Exports, exports.len() as u64, Whose::Component, *at)?;
        }
        Ok((imports, exports))
    }
}

type Item<'n> = (Option<&'n str>, String, ExternType);

/// An import or export; for an interface, what is in it beyond type definitions, or the interface if that is nothing.
fn flatten<'n>(name: &'n str, ty: ComponentEntityType, types: TypesRef<'_>, callable: &mut Callable) -> Vec<Item<'n>> {
    callable.name(name, ty);
    let ComponentEntityType::Instance(id) = ty else { return vec![(None, name.to_owned(), component_type(ty, types, callable))] };
    for (name, item) in &types[id].exports {
        callable.name(name, item.ty);
    }
    let mut items: Vec<Item<'n>> = Vec::new();
    for (item, found) in &types[id].exports {
        let ty = component_type(found.ty, types, callable);
        if ty != ExternType::Type {
            items.push((Some(name), item.clone(), ty));
        }
    }
    if items.is_empty() {
        items.push((Some(name), String::new(), ExternType::Instance));
    }
    items
}

fn component_type(ty: ComponentEntityType, types: TypesRef<'_>, callable: &mut Callable) -> ExternType {
    match ty {
        ComponentEntityType::Func(id) => {
            ExternType::ComponentFunc(ComponentFunc { text: signature::of(id, types), ty: callable.of(id, types) })
        }
        ComponentEntityType::Type { referenced: ComponentAnyTypeId::Resource(_), .. } => ExternType::Resource,
        ComponentEntityType::Type { .. } => ExternType::Type,
        ComponentEntityType::Instance(_) => ExternType::Instance,
        ComponentEntityType::Module(_) => ExternType::Module,
        ComponentEntityType::Component(_) => ExternType::Component,
        ComponentEntityType::Value(_) => ExternType::Value,
    }
}
