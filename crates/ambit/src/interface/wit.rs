//! Reading the types of an interface's functions from WIT.

use std::{collections::BTreeMap, sync::Arc};

use ambit_core::{ComponentFuncType, ComponentType};
use wit_parser::{FunctionKind, Handle, Resolve, Type, TypeDefKind};

/// The name of the only interface of a package, and the types of its functions.
pub(super) fn interface(text: &str) -> Result<(String, BTreeMap<String, Arc<ComponentFuncType>>), String> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("interface.wit", text).map_err(|error| format!("{error:#}"))?;
    let [id] = resolve.packages[package].interfaces.values().copied().collect::<Vec<_>>()[..] else {
        return Err("a package with exactly one interface is wanted".into());
    };
    let name = resolve.id_of(id).ok_or("the interface has no name")?;
    let mut functions = BTreeMap::new();
    for (function, declared) in &resolve.interfaces[id].functions {
        if declared.kind != FunctionKind::Freestanding {
            return Err(format!("the function `{function}` cannot be provided: it is async, or one of a resource"));
        }
        let value =
            |ty: &Type| value(&resolve, ty, 1).map_err(|what| format!("the function `{function}` cannot be provided: {what}"));
        let params =
            declared.params.iter().map(|param| Ok((param.name.clone(), value(&param.ty)?))).collect::<Result<_, String>>()?;
        let result = declared.result.as_ref().map(value).transpose()?;
        functions.insert(function.clone(), Arc::new(ComponentFuncType { params, result }));
    }
    Ok((name, functions))
}

fn value(resolve: &Resolve, ty: &Type, depth: u32) -> Result<ComponentType, String> {
    if depth > ComponentType::MOST_DEPTH {
        return Err(format!("its types contain each other more than {} deep", ComponentType::MOST_DEPTH));
    }
    let part = |ty: &Type| value(resolve, ty, depth + 1);
    let maybe = |ty: &Option<Type>| ty.as_ref().map(part).transpose();
    let id = match ty {
        Type::Bool => return Ok(ComponentType::Bool),
        Type::S8 => return Ok(ComponentType::S8),
        Type::U8 => return Ok(ComponentType::U8),
        Type::S16 => return Ok(ComponentType::S16),
        Type::U16 => return Ok(ComponentType::U16),
        Type::S32 => return Ok(ComponentType::S32),
        Type::U32 => return Ok(ComponentType::U32),
        Type::S64 => return Ok(ComponentType::S64),
        Type::U64 => return Ok(ComponentType::U64),
        Type::F32 => return Ok(ComponentType::F32),
        Type::F64 => return Ok(ComponentType::F64),
        Type::Char => return Ok(ComponentType::Char),
        Type::String => return Ok(ComponentType::String),
        Type::ErrorContext => return Err("it has an error-context".into()),
        Type::Id(id) => *id,
    };
    Ok(match &resolve.types[id].kind {
        TypeDefKind::Type(ty) => return value(resolve, ty, depth),
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter().map(|field| Ok((field.name.clone(), part(&field.ty)?)));
            ComponentType::Record(fields.collect::<Result<_, String>>()?)
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter().map(|case| Ok((case.name.clone(), maybe(&case.ty)?)));
            ComponentType::Variant(cases.collect::<Result<_, String>>()?)
        }
        TypeDefKind::Tuple(tuple) => ComponentType::Tuple(tuple.types.iter().map(part).collect::<Result<_, String>>()?),
        TypeDefKind::Flags(flags) => ComponentType::Flags(flags.flags.iter().map(|flag| flag.name.clone()).collect()),
        TypeDefKind::Enum(cases) => ComponentType::Enum(cases.cases.iter().map(|case| case.name.clone()).collect()),
        TypeDefKind::Option(ty) => ComponentType::Option(Arc::new(part(ty)?)),
        TypeDefKind::List(ty) => ComponentType::List(Arc::new(part(ty)?)),
        TypeDefKind::Result(result) => ComponentType::Result(Arc::new((maybe(&result.ok)?, maybe(&result.err)?))),
        TypeDefKind::Resource | TypeDefKind::Handle(Handle::Own(_) | Handle::Borrow(_)) => return Err("it has a resource".into()),
        TypeDefKind::Future(_) => return Err("it has a future".into()),
        TypeDefKind::Stream(_) => return Err("it has a stream".into()),
        TypeDefKind::Map(..) => return Err("it has a map".into()),
        TypeDefKind::FixedLengthList(..) => return Err("it has a list of fixed length".into()),
        TypeDefKind::Unknown => return Err("it has a type of another package".into()),
    })
}
