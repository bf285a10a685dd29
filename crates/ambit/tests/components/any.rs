//! Any type of the component model, and any value of it.

use std::sync::Arc;

use ambit::{ComponentType, ComponentValue};
use proptest::prelude::*;

/// A type, at most four deep.
pub(crate) fn any_type() -> BoxedStrategy<ComponentType> {
    use ComponentType as T;
    let plain = prop::sample::select(vec![
        T::Bool,
        T::S8,
        T::U8,
        T::S16,
        T::U16,
        T::S32,
        T::U32,
        T::S64,
        T::U64,
        T::F32,
        T::F64,
        T::Char,
        T::String,
    ]);
    let names = |prefix: &'static str, most: usize| {
        (1..=most).prop_map(move |count| (0..count).map(|index| name(prefix, index)).collect::<Arc<[String]>>())
    };
    let leaf = prop_oneof![8 => plain, 1 => names("case", 5).prop_map(T::Enum), 1 => names("flag", 32).prop_map(T::Flags)];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let many = |most: usize| prop::collection::vec(inner.clone(), 1..=most);
        let maybe = || prop::option::of(inner.clone());
        prop_oneof![
            inner.clone().prop_map(|ty| T::List(Arc::new(ty))),
            inner.clone().prop_map(|ty| T::Option(Arc::new(ty))),
            (maybe(), maybe()).prop_map(|parts| T::Result(Arc::new(parts))),
            many(4).prop_map(|types| T::Tuple(types.into())),
            many(4).prop_map(|types| T::Record(types.into_iter().enumerate().map(|(i, ty)| (name("field", i), ty)).collect())),
            prop::collection::vec(maybe(), 1..=4)
                .prop_map(|types| T::Variant(types.into_iter().enumerate().map(|(i, ty)| (name("case", i), ty)).collect())),
        ]
    })
    .boxed()
}

/// Names among which are words of the language in which values are written.
fn name(prefix: &str, index: usize) -> String {
    let words = ["some", "none", "ok", "err", "true", "nan"];
    match words.get(index) {
        Some(word) if prefix == "case" => (*word).to_owned(),
        _ => format!("{prefix}-x{index}"),
    }
}

/// A value of a type.
pub(crate) fn any_value(ty: &ComponentType) -> BoxedStrategy<ComponentValue> {
    use ComponentType as T;
    use ComponentValue as V;
    let boxed = |ty: &ComponentType| any_value(ty).prop_map(Box::new).boxed();
    let maybe = |ty: &Option<ComponentType>| match ty {
        Some(ty) => boxed(ty).prop_map(Some).boxed(),
        None => Just(None).boxed(),
    };
    match ty {
        T::Bool => any::<bool>().prop_map(V::Bool).boxed(),
        T::S8 => any::<i8>().prop_map(V::S8).boxed(),
        T::U8 => any::<u8>().prop_map(V::U8).boxed(),
        T::S16 => any::<i16>().prop_map(V::S16).boxed(),
        T::U16 => any::<u16>().prop_map(V::U16).boxed(),
        T::S32 => any::<i32>().prop_map(V::S32).boxed(),
        T::U32 => any::<u32>().prop_map(V::U32).boxed(),
        T::S64 => any::<i64>().prop_map(V::S64).boxed(),
        T::U64 => any::<u64>().prop_map(V::U64).boxed(),
        // Of all bits: subnormal, infinite and none at all.
        T::F32 => any::<u32>().prop_map(f32::from_bits).prop_map(V::F32).boxed(),
        T::F64 => any::<u64>().prop_map(f64::from_bits).prop_map(V::F64).boxed(),
        T::Char => any::<char>().prop_map(V::Char).boxed(),
        T::String => any::<String>().prop_map(V::String).boxed(),
        T::List(element) => prop::collection::vec(any_value(element), 0..5).prop_map(V::List).boxed(),
        T::Tuple(types) => types.iter().map(any_value).collect::<Vec<_>>().prop_map(V::Tuple).boxed(),
        T::Record(fields) => {
            let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
            let values: Vec<_> = fields.iter().map(|(_, ty)| any_value(ty)).collect();
            values.prop_map(move |values| V::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        T::Variant(cases) => {
            let cases: Vec<_> = cases
                .iter()
                .map(|(name, ty)| {
                    let name = name.clone();
                    maybe(ty).prop_map(move |payload| V::Variant(name.clone(), payload)).boxed()
                })
                .collect();
            prop::strategy::Union::new(cases).boxed()
        }
        T::Enum(cases) => prop::sample::select(cases.to_vec()).prop_map(V::Enum).boxed(),
        T::Option(payload) => prop::option::of(boxed(payload)).prop_map(V::Option).boxed(),
        T::Result(parts) => {
            let (ok, err) = &**parts;
            prop_oneof![maybe(ok).prop_map(|value| V::Result(Ok(value))), maybe(err).prop_map(|value| V::Result(Err(value)))]
                .boxed()
        }
        T::Flags(names) => {
            let count = names.len();
            prop::sample::subsequence(names.to_vec(), 0..=count).prop_map(V::Flags).boxed()
        }
    }
}
