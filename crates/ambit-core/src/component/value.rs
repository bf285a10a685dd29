//! Component values.

use serde::{Deserialize, Serialize};

use super::{
    mismatch::{At, Mismatch, Path},
    ty::ComponentType,
};

/// A value of the component model. It does not say what type it is of; [`ComponentValue::check`] says whether it is of one.
///
/// Equal are values that the component model does not tell apart: every NaN is the same, and -0 is not 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentValue {
    /// `bool`
    Bool(bool),
    /// `s8`
    S8(i8),
    /// `u8`
    U8(u8),
    /// `s16`
    S16(i16),
    /// `u16`
    U16(u16),
    /// `s32`
    S32(i32),
    /// `u32`
    U32(u32),
    /// `s64`
    S64(i64),
    /// `u64`
    U64(u64),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `char`
    Char(char),
    /// `string`
    String(String),
    /// `list<T>`
    List(Vec<ComponentValue>),
    /// `record`: its fields with their names, in the order of its type.
    Record(Vec<(String, ComponentValue)>),
    /// `tuple<…>`
    Tuple(Vec<ComponentValue>),
    /// `variant`: the case, and what it carries.
    Variant(String, Option<Box<ComponentValue>>),
    /// `enum`: the case.
    Enum(String),
    /// `option<T>`
    Option(Option<Box<ComponentValue>>),
    /// `result<T, E>`
    Result(Result<Option<Box<ComponentValue>>, Option<Box<ComponentValue>>>),
    /// `flags`: the names of those that are set, in the order of its type.
    Flags(Vec<String>),
}

impl PartialEq for ComponentValue {
    fn eq(&self, other: &Self) -> bool {
        use ComponentValue as V;
        match (self, other) {
            (V::Bool(a), V::Bool(b)) => a == b,
            (V::S8(a), V::S8(b)) => a == b,
            (V::U8(a), V::U8(b)) => a == b,
            (V::S16(a), V::S16(b)) => a == b,
            (V::U16(a), V::U16(b)) => a == b,
            (V::S32(a), V::S32(b)) => a == b,
            (V::U32(a), V::U32(b)) => a == b,
            (V::S64(a), V::S64(b)) => a == b,
            (V::U64(a), V::U64(b)) => a == b,
            (V::F32(a), V::F32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (V::F64(a), V::F64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (V::Char(a), V::Char(b)) => a == b,
            (V::String(a), V::String(b)) | (V::Enum(a), V::Enum(b)) => a == b,
            (V::List(a), V::List(b)) | (V::Tuple(a), V::Tuple(b)) => a == b,
            (V::Record(a), V::Record(b)) => a == b,
            (V::Variant(a, x), V::Variant(b, y)) => a == b && x == y,
            (V::Option(a), V::Option(b)) => a == b,
            (V::Result(a), V::Result(b)) => a == b,
            (V::Flags(a), V::Flags(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for ComponentValue {}

impl ComponentValue {
    /// Whether it is a value of this type.
    ///
    /// # Errors
    /// It is not; says where.
    pub fn check(&self, ty: &ComponentType) -> Result<(), Mismatch> {
        self.check_at(ty, &Path::Root)
    }

    /// Whether these are arguments of these types.
    ///
    /// # Errors
    /// One is not, or they are too many or too few; says where.
    pub fn check_args(args: &[Self], params: &[(String, ComponentType)]) -> Result<(), Mismatch> {
        if args.len() != params.len() {
            let count = |count: usize| format!("{count} argument{}", if count == 1 { "" } else { "s" });
            return Err(Mismatch::new(&Path::Root, count(params.len()), count(args.len())));
        }
        let mut pairs = args.iter().zip(params);
        pairs.try_for_each(|(arg, (name, ty))| arg.check_at(ty, &Path::Of(&Path::Root, At::Name(name))))
    }

    /// The same of what is found at `path` of something larger.
    fn check_at(&self, ty: &ComponentType, path: &Path<'_>) -> Result<(), Mismatch> {
        use ComponentType as T;
        use ComponentValue as V;
        let wrong = || Mismatch::new(path, ty, self.to_string());
        let payload = |ty: &Option<ComponentType>, value: &Option<Box<ComponentValue>>, case: &str| match (ty, value) {
            (Some(ty), Some(value)) => value.check_at(ty, &Path::Of(path, At::Name(case))),
            (None, None) => Ok(()),
            (Some(_), None) | (None, Some(_)) => Err(wrong()),
        };
        match (ty, self) {
            (T::Bool, V::Bool(_))
            | (T::S8, V::S8(_))
            | (T::U8, V::U8(_))
            | (T::S16, V::S16(_))
            | (T::U16, V::U16(_))
            | (T::S32, V::S32(_))
            | (T::U32, V::U32(_))
            | (T::S64, V::S64(_))
            | (T::U64, V::U64(_))
            | (T::F32, V::F32(_))
            | (T::F64, V::F64(_))
            | (T::Char, V::Char(_))
            | (T::String, V::String(_)) => Ok(()),
            (T::List(element), V::List(values)) => {
                let mut all = values.iter().enumerate();
                all.try_for_each(|(index, value)| value.check_at(element, &Path::Of(path, At::Index(index))))
            }
            (T::Record(fields), V::Record(values)) if fields.len() == values.len() => {
                fields.iter().zip(values).try_for_each(|((name, ty), (given, value))| match given == name {
                    true => value.check_at(ty, &Path::Of(path, At::Name(name))),
                    false => Err(wrong()),
                })
            }
            (T::Tuple(types), V::Tuple(values)) if types.len() == values.len() => {
                let mut all = types.iter().zip(values).enumerate();
                all.try_for_each(|(index, (ty, value))| value.check_at(ty, &Path::Of(path, At::Index(index))))
            }
            (T::Variant(cases), V::Variant(case, value)) => match cases.iter().find(|(name, _)| name == case) {
                Some((name, ty)) => payload(ty, value, name),
                None => Err(wrong()),
            },
            (T::Enum(cases), V::Enum(case)) if cases.contains(case) => Ok(()),
            (T::Option(ty), V::Option(value)) => value.as_ref().map_or(Ok(()), |value| value.check_at(ty, path)),
            (T::Result(parts), V::Result(Ok(value))) => payload(&parts.0, value, "ok"),
            (T::Result(parts), V::Result(Err(value))) => payload(&parts.1, value, "err"),
            (T::Flags(names), V::Flags(set)) => {
                // In the order of the type, each once.
                let mut rest = names.iter();
                if set.iter().all(|flag| rest.any(|name| name == flag)) { Ok(()) } else { Err(wrong()) }
            }
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_alike_is_equal() {
        assert_eq!(ComponentValue::F64(f64::NAN), ComponentValue::F64(-f64::NAN));
        assert_ne!(ComponentValue::F32(0.0), ComponentValue::F32(-0.0));
        assert_ne!(ComponentValue::U8(1), ComponentValue::S8(1));
        assert_ne!(ComponentValue::List(vec![]), ComponentValue::Tuple(vec![]));
    }

    #[test]
    fn a_value_of_another_type_is_found_where_it_is() {
        let flags: Arc<[String]> = ["read".into(), "write".into()].into();
        let record = ComponentType::Record(
            [
                ("tags".to_owned(), ComponentType::List(Arc::new(ComponentType::String))),
                ("may".into(), ComponentType::Flags(flags)),
            ]
            .into(),
        );
        let value = |tag: ComponentValue, set: &[&str]| {
            let tags = ComponentValue::List(vec![ComponentValue::String("a".into()), tag]);
            let may = ComponentValue::Flags(set.iter().map(ToString::to_string).collect());
            ComponentValue::Record(vec![("tags".into(), tags), ("may".into(), may)])
        };
        let b = || ComponentValue::String("b".into());
        assert_eq!(value(b(), &["read", "write"]).check(&record), Ok(()));
        assert_eq!(value(b(), &[]).check(&record), Ok(()));
        let check = |value: ComponentValue, expect: &str| {
            assert_eq!(value.check(&record).expect_err("of another type").to_string(), expect);
        };
        check(value(ComponentValue::U8(3), &[]), "at `tags[1]`: expected string, found 3");
        check(value(b(), &["write", "read"]), "at `may`: expected flags { read, write }, found {write, read}");
        check(value(b(), &["read", "read"]), "at `may`: expected flags { read, write }, found {read, read}");
        check(ComponentValue::Bool(true), "expected record { tags: list<string>, may: flags { read, write } }, found true");
    }
}
