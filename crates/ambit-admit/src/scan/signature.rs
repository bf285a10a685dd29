//! The types of component functions, for people.

use ambit_core::escape;
use wasmparser::{
    component_types::{ComponentDefinedType, ComponentFuncTypeId, ComponentValType},
    types::TypesRef,
};

/// Types within types that are spelt out; deeper ones are `…`.
const DEEPEST: u32 = 4;
/// Bytes of text.
const LONGEST: usize = 400;

/// `func(path: string, bytes: list<u8>) -> result<u64, enum>`, escaped and capped. Names of types are not part of a
/// component, so records and their like are named by what they are.
pub(super) fn of(id: ComponentFuncTypeId, types: TypesRef<'_>) -> String {
    let ty = &types[id];
    let mut text = String::from(if ty.async_ { "async func(" } else { "func(" });
    for (index, (name, ty)) in ty.params.iter().enumerate() {
        if text.len() > LONGEST {
            break;
        }
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(name.as_str());
        text.push_str(": ");
        value(*ty, types, 0, &mut text);
    }
    text.push(')');
    if let Some(result) = ty.result {
        text.push_str(" -> ");
        value(result, types, 0, &mut text);
    }
    escape(text, LONGEST)
}

fn value(ty: ComponentValType, types: TypesRef<'_>, depth: u32, text: &mut String) {
    let id = match ty {
        ComponentValType::Primitive(ty) => return text.push_str(&ty.to_string()),
        ComponentValType::Type(id) => id,
    };
    if depth == DEEPEST || text.len() > LONGEST {
        return text.push('…');
    }
    let mut generic = |name: &str, parts: &[Option<ComponentValType>]| {
        text.push_str(name);
        let shown = parts.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        for (index, part) in parts[..shown].iter().enumerate() {
            text.push_str(if index == 0 { "<" } else { ", " });
            match part {
                Some(ty) => value(*ty, types, depth + 1, text),
                None => text.push('_'),
            }
        }
        text.push_str(if shown == 0 { "" } else { ">" });
    };
    match &types[id] {
        ComponentDefinedType::Primitive(ty) => text.push_str(&ty.to_string()),
        ComponentDefinedType::Record(_) => text.push_str("record"),
        ComponentDefinedType::Variant(_) => text.push_str("variant"),
        ComponentDefinedType::Flags(_) => text.push_str("flags"),
        ComponentDefinedType::Enum(_) => text.push_str("enum"),
        ComponentDefinedType::Own(_) => text.push_str("own"),
        ComponentDefinedType::Borrow(_) => text.push_str("borrow"),
        ComponentDefinedType::List { element, .. } | ComponentDefinedType::FixedLengthList { element, .. } => {
            generic("list", &[Some(*element)]);
        }
        ComponentDefinedType::Map { key, value, .. } => generic("map", &[Some(*key), Some(*value)]),
        ComponentDefinedType::Option { ty, .. } => generic("option", &[Some(*ty)]),
        ComponentDefinedType::Result { ok, err, .. } => generic("result", &[*ok, *err]),
        ComponentDefinedType::Future { ty, .. } => generic("future", &[*ty]),
        ComponentDefinedType::Stream { ty, .. } => generic("stream", &[*ty]),
        ComponentDefinedType::Tuple(tuple) => {
            let parts: Vec<_> = tuple.types.iter().take(LONGEST).map(|&ty| Some(ty)).collect();
            generic("tuple", &parts);
        }
    }
}
