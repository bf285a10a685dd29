//! The types of component functions, to be called with.

use std::{collections::HashMap, sync::Arc};

use ambit_core::{ComponentFuncType, ComponentType, escape};
use wasmparser::{
    PrimitiveValType,
    component_types::{
        AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
        ComponentFuncTypeId, ComponentValType, ResourceId,
    },
    types::TypesRef,
};

/// Types already made, so that each is made once, also if thousands of exports have it; and the names of resources.
#[derive(Debug, Default)]
pub(super) struct Callable {
    functions: HashMap<ComponentFuncTypeId, MadeFunction>,
    made: HashMap<ComponentDefinedTypeId, Made>,
    resources: HashMap<ResourceId, String>,
}

/// A type and how deep it is; or what it contains that cannot be passed from outside.
type Made = Result<(ComponentType, u32), String>;

/// The type of a function; or why it cannot be called from outside.
type MadeFunction = Result<Arc<ComponentFuncType>, String>;

impl Callable {
    /// Remembers what a resource type is called where it is imported or exported.
    pub(super) fn name(&mut self, name: &str, ty: ComponentEntityType) {
        if let ComponentEntityType::Type { referenced: ComponentAnyTypeId::Resource(id), .. } = ty {
            self.resources.entry(id.resource()).or_insert_with(|| escape(name, 64));
        }
    }

    /// The type of a function; or why it cannot be called from outside.
    pub(super) fn of(&mut self, id: ComponentFuncTypeId, types: TypesRef<'_>) -> MadeFunction {
        if let Some(made) = self.functions.get(&id) {
            return made.clone();
        }
        let made = self.function(id, types);
        self.functions.insert(id, made.clone());
        made
    }

    fn function(&mut self, id: ComponentFuncTypeId, types: TypesRef<'_>) -> MadeFunction {
        let ty = &types[id];
        if ty.async_ {
            return Err("it is async".into());
        }
        let mut params = Vec::with_capacity(ty.params.len());
        for (name, ty) in &ty.params {
            let (ty, _) = self.value(*ty, types).map_err(|what| format!("it takes {what}"))?;
            params.push((name.to_string(), ty));
        }
        let result = ty.result.map(|ty| self.value(ty, types).map_err(|what| format!("it returns {what}"))).transpose()?;
        Ok(Arc::new(ComponentFuncType { params, result: result.map(|(ty, _)| ty) }))
    }

    fn value(&mut self, ty: ComponentValType, types: TypesRef<'_>) -> Made {
        let id = match ty {
            ComponentValType::Primitive(ty) => return primitive(ty),
            ComponentValType::Type(id) => id,
        };
        if let Some(made) = self.made.get(&id) {
            return made.clone();
        }
        // The validator bounds how deep this goes, at a little more than what is made here.
        let made = self.defined(id, types).and_then(|(ty, depth)| match depth {
            ..=ComponentType::MOST_DEPTH => Ok((ty, depth)),
            _ => Err(format!("types that contain each other more than {} deep", ComponentType::MOST_DEPTH)),
        });
        self.made.insert(id, made.clone());
        made
    }

    fn defined(&mut self, id: ComponentDefinedTypeId, types: TypesRef<'_>) -> Made {
        let names = |names: &mut dyn Iterator<Item = String>| names.collect::<Arc<[String]>>();
        let mut deepest = 0;
        let mut part = |ty: ComponentValType| {
            let (ty, depth) = self.value(ty, types)?;
            deepest = deepest.max(depth);
            Ok::<_, String>(ty)
        };
        let ty = match &types[id] {
            ComponentDefinedType::Primitive(ty) => return primitive(*ty),
            ComponentDefinedType::Record(record) => {
                let fields = record.fields.iter().map(|(name, ty)| Ok((name.to_string(), part(*ty)?)));
                ComponentType::Record(fields.collect::<Result<_, String>>()?)
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant.cases.iter().map(|(name, case)| Ok((name.to_string(), case.ty.map(&mut part).transpose()?)));
                ComponentType::Variant(cases.collect::<Result<_, String>>()?)
            }
            ComponentDefinedType::Tuple(tuple) => {
                ComponentType::Tuple(tuple.types.iter().map(|ty| part(*ty)).collect::<Result<_, String>>()?)
            }
            ComponentDefinedType::List { element, .. } => ComponentType::List(Arc::new(part(*element)?)),
            ComponentDefinedType::Option { ty, .. } => ComponentType::Option(Arc::new(part(*ty)?)),
            ComponentDefinedType::Result { ok, err, .. } => {
                let mut side = |ty: Option<ComponentValType>| ty.map(&mut part).transpose();
                ComponentType::Result(Arc::new((side(*ok)?, side(*err)?)))
            }
            ComponentDefinedType::Flags(all) => ComponentType::Flags(names(&mut all.iter().map(ToString::to_string))),
            ComponentDefinedType::Enum(all) => ComponentType::Enum(names(&mut all.iter().map(ToString::to_string))),
            ComponentDefinedType::Own(id) => return Err(self.resource(*id)),
            ComponentDefinedType::Borrow(id) => return Err(self.resource(*id)),
            ComponentDefinedType::Stream { .. } => return Err("a stream".into()),
            ComponentDefinedType::Future { .. } => return Err("a future".into()),
            ComponentDefinedType::FixedLengthList { .. } => return Err("a list of fixed length".into()),
            ComponentDefinedType::Map { .. } => return Err("a map".into()),
        };
        Ok((ty, deepest + 1))
    }

    fn resource(&self, id: AliasableResourceId) -> String {
        match self.resources.get(&id.resource()) {
            Some(name) => format!("the resource `{name}`"),
            None => "a resource".into(),
        }
    }
}

fn primitive(ty: PrimitiveValType) -> Made {
    let ty = match ty {
        PrimitiveValType::Bool => ComponentType::Bool,
        PrimitiveValType::S8 => ComponentType::S8,
        PrimitiveValType::U8 => ComponentType::U8,
        PrimitiveValType::S16 => ComponentType::S16,
        PrimitiveValType::U16 => ComponentType::U16,
        PrimitiveValType::S32 => ComponentType::S32,
        PrimitiveValType::U32 => ComponentType::U32,
        PrimitiveValType::S64 => ComponentType::S64,
        PrimitiveValType::U64 => ComponentType::U64,
        PrimitiveValType::F32 => ComponentType::F32,
        PrimitiveValType::F64 => ComponentType::F64,
        PrimitiveValType::Char => ComponentType::Char,
        PrimitiveValType::String => ComponentType::String,
        PrimitiveValType::ErrorContext => return Err("an error-context".into()),
    };
    Ok((ty, 1))
}
