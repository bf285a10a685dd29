//! Types of component values.

use std::{fmt, sync::Arc};

/// The type of a component value. Cheap to clone: parts are shared.
///
/// Handles of resources, streams and futures are not among them: they mean something within one instance only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ComponentType {
    /// `bool`
    Bool,
    /// `s8`
    S8,
    /// `u8`
    U8,
    /// `s16`
    S16,
    /// `u16`
    U16,
    /// `s32`
    S32,
    /// `u32`
    U32,
    /// `s64`
    S64,
    /// `u64`
    U64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`: a Unicode scalar value.
    Char,
    /// `string`
    String,
    /// `list<T>`
    List(Arc<ComponentType>),
    /// `record`: its fields, in order.
    Record(Arc<[(String, ComponentType)]>),
    /// `tuple<…>`
    Tuple(Arc<[ComponentType]>),
    /// `variant`: its cases, in order, each with what it carries.
    Variant(Arc<[(String, Option<ComponentType>)]>),
    /// `enum`: its cases, in order.
    Enum(Arc<[String]>),
    /// `option<T>`
    Option(Arc<ComponentType>),
    /// `result<T, E>`, each of which may be absent.
    Result(Arc<(Option<ComponentType>, Option<ComponentType>)>),
    /// `flags`: their names, in order.
    Flags(Arc<[String]>),
}

/// The type of a component's function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ComponentFuncType {
    /// Its parameters, in order.
    pub params: Vec<(String, ComponentType)>,
    /// What it returns, if it returns anything.
    pub result: Option<ComponentType>,
}

impl ComponentType {
    /// Types within types, this one included: more are not made. Deep enough for what people write, and shallow enough for every
    /// reader.
    pub const MOST_DEPTH: u32 = 64;
}

impl fmt::Display for ComponentType {
    /// As in WIT, with records, variants, enums and flags spelt out where they stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ComponentType::Bool => "bool",
            ComponentType::S8 => "s8",
            ComponentType::U8 => "u8",
            ComponentType::S16 => "s16",
            ComponentType::U16 => "u16",
            ComponentType::S32 => "s32",
            ComponentType::U32 => "u32",
            ComponentType::S64 => "s64",
            ComponentType::U64 => "u64",
            ComponentType::F32 => "f32",
            ComponentType::F64 => "f64",
            ComponentType::Char => "char",
            ComponentType::String => "string",
            ComponentType::List(element) => return write!(f, "list<{element}>"),
            ComponentType::Option(payload) => return write!(f, "option<{payload}>"),
            ComponentType::Record(fields) => {
                return list(f, "record { ", &**fields, " }", |f, (name, ty)| write!(f, "{name}: {ty}"));
            }
            ComponentType::Tuple(types) => return list(f, "tuple<", &**types, ">", |f, ty| ty.fmt(f)),
            ComponentType::Variant(cases) => {
                return list(f, "variant { ", &**cases, " }", |f, (name, payload)| match payload {
                    Some(ty) => write!(f, "{name}({ty})"),
                    None => f.write_str(name),
                });
            }
            ComponentType::Enum(cases) => return list(f, "enum { ", &**cases, " }", |f, name| f.write_str(name)),
            ComponentType::Flags(names) => return list(f, "flags { ", &**names, " }", |f, name| f.write_str(name)),
            ComponentType::Result(parts) => match &**parts {
                (None, None) => "result",
                (Some(ok), None) => return write!(f, "result<{ok}>"),
                (None, Some(err)) => return write!(f, "result<_, {err}>"),
                (Some(ok), Some(err)) => return write!(f, "result<{ok}, {err}>"),
            },
        })
    }
}

impl fmt::Display for ComponentFuncType {
    /// `func(who: string, times: u8) -> string`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, "func(", &self.params, ")", |f, (name, ty)| write!(f, "{name}: {ty}"))?;
        self.result.as_ref().map_or(Ok(()), |ty| write!(f, " -> {ty}"))
    }
}

/// Parts with commas between them.
pub(super) fn list<T>(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    parts: impl IntoIterator<Item = T>,
    close: &str,
    mut part: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, item) in parts.into_iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        part(f, item)?;
    }
    f.write_str(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_in_wit() {
        let check = |ty: ComponentType, expect: &str| assert_eq!(ty.to_string(), expect);
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Arc<[String]>>();
        check(ComponentType::List(Arc::new(ComponentType::U8)), "list<u8>");
        check(ComponentType::Record([("a".to_owned(), ComponentType::Bool)].into()), "record { a: bool }");
        check(ComponentType::Tuple([ComponentType::S64, ComponentType::Char].into()), "tuple<s64, char>");
        let cases = [("none".to_owned(), None), ("some".to_owned(), Some(ComponentType::F32))];
        check(ComponentType::Variant(cases.into()), "variant { none, some(f32) }");
        check(ComponentType::Enum(names(&["red", "green"])), "enum { red, green }");
        check(ComponentType::Flags(names(&["read"])), "flags { read }");
        check(ComponentType::Option(Arc::new(ComponentType::String)), "option<string>");
        let result = |ok, err| ComponentType::Result(Arc::new((ok, err)));
        check(result(None, None), "result");
        check(result(None, Some(ComponentType::U16)), "result<_, u16>");
        check(result(Some(ComponentType::U16), None), "result<u16>");
        let func = ComponentFuncType { params: vec![("n".into(), ComponentType::U8)], result: Some(ComponentType::S8) };
        assert_eq!(func.to_string(), "func(n: u8) -> s8");
    }
}
