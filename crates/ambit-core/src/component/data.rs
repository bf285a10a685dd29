//! Values as data: what JSON, CBOR and serde have.
//!
//! | type | JSON |
//! |---|---|
//! | `bool`, integers, floats | as they are; what is no number in JSON as `"NaN"`, `"inf"`, `"-inf"` |
//! | `char`, `string`, `enum` | text |
//! | `list`, `tuple` | array |
//! | `record` | object; fields that are options may be left out |
//! | `variant` | `{"case": payload}`, or `"case"` where it carries nothing |
//! | `option` | `null` or the value; of an option of an option, `{"some": value}` |
//! | `result` | `{"ok": value}` or `{"err": value}`, with `null` where there is none |
//! | `flags` | array of the names that are set |

use std::fmt::{self, Display};

use ciborium::Value as Data;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};

use super::{
    mismatch::{At, Mismatch, Path},
    ty::ComponentType,
    value::ComponentValue,
};

/// Who reads the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// People and programs that read JSON: floats that are no numbers in JSON are text, and nothing is lost.
    Json,
    /// Rust's types by serde: results are `Ok` and `Err`, floats are floats, and of nested options only one is seen.
    Serde,
}

impl ComponentValue {
    /// The value as data, to be serialized.
    pub fn data(&self, dialect: Dialect) -> impl Serialize + '_ {
        View { value: self, dialect }
    }

    /// Reads a value of a type from data, in either dialect.
    ///
    /// # Errors
    /// It is not of this type; says where.
    pub fn from_data(data: &Data, ty: &ComponentType) -> Result<Self, Mismatch> {
        read(data, ty, &Path::Root)
    }

    /// Reads the arguments of a function from data: an array of all of them, or an object by their names, from which options may
    /// be left out; or nothing, if it takes none.
    ///
    /// # Errors
    /// They are not of these types; says where.
    pub fn args_from_data(data: &Data, params: &[(String, ComponentType)]) -> Result<Vec<Self>, Mismatch> {
        let at = |name| Path::Of(&Path::Root, At::Name(name));
        match data {
            Data::Null if params.is_empty() => Ok(Vec::new()),
            Data::Array(given) if given.len() == params.len() => {
                params.iter().zip(given).map(|((name, ty), data)| read(data, ty, &at(name))).collect()
            }
            Data::Map(given) => fields(given, params, &Path::Root, "the argument", &Signature(params))
                .map(|values| values.into_iter().map(|(_, value)| value).collect()),
            other => Err(Mismatch::new(&Path::Root, Signature(params), shown(other))),
        }
    }
}

/// What is expected of arguments.
struct Signature<'a>(&'a [(String, ComponentType)]);

impl Display for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "the {} arguments ({}) as an array, or as an object by their names", names.len(), names.join(", "))
    }
}

struct View<'a> {
    value: &'a ComponentValue,
    dialect: Dialect,
}

impl<'a> View<'a> {
    fn of(&self, value: &'a ComponentValue) -> View<'a> {
        View { value, dialect: self.dialect }
    }

    fn case<S: Serializer>(&self, serializer: S, name: &str, payload: Option<&'a ComponentValue>) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, &payload.map(|value| self.of(value)))?;
        map.end()
    }

    fn all<S: Serializer>(&self, serializer: S, values: &'a [ComponentValue]) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(values.len()))?;
        values.iter().try_for_each(|value| seq.serialize_element(&self.of(value)))?;
        seq.end()
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.dialect == Dialect::Json;
        match self.value {
            ComponentValue::Bool(value) => serializer.serialize_bool(*value),
            ComponentValue::S8(value) => serializer.serialize_i8(*value),
            ComponentValue::U8(value) => serializer.serialize_u8(*value),
            ComponentValue::S16(value) => serializer.serialize_i16(*value),
            ComponentValue::U16(value) => serializer.serialize_u16(*value),
            ComponentValue::S32(value) => serializer.serialize_i32(*value),
            ComponentValue::U32(value) => serializer.serialize_u32(*value),
            ComponentValue::S64(value) => serializer.serialize_i64(*value),
            ComponentValue::U64(value) => serializer.serialize_u64(*value),
            ComponentValue::F32(value) if text && !value.is_finite() => serializer.collect_str(value),
            ComponentValue::F32(value) => serializer.serialize_f32(*value),
            ComponentValue::F64(value) if text && !value.is_finite() => serializer.collect_str(value),
            ComponentValue::F64(value) => serializer.serialize_f64(*value),
            ComponentValue::Char(value) => serializer.serialize_char(*value),
            ComponentValue::String(value) | ComponentValue::Enum(value) => serializer.serialize_str(value),
            ComponentValue::List(values) | ComponentValue::Tuple(values) => self.all(serializer, values),
            ComponentValue::Record(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, &self.of(value)))?;
                map.end()
            }
            ComponentValue::Variant(case, None) => serializer.serialize_str(case),
            ComponentValue::Variant(case, Some(payload)) => self.case(serializer, case, Some(payload)),
            ComponentValue::Option(None) => serializer.serialize_none(),
            ComponentValue::Option(Some(value)) => match **value {
                ComponentValue::Option(_) if text => self.case(serializer, "some", Some(value)),
                _ => serializer.serialize_some(&self.of(value)),
            },
            ComponentValue::Result(result) => match result {
                Ok(value) => self.case(serializer, if text { "ok" } else { "Ok" }, value.as_deref()),
                Err(value) => self.case(serializer, if text { "err" } else { "Err" }, value.as_deref()),
            },
            ComponentValue::Flags(names) => names.serialize(serializer),
        }
    }
}

type Read<T> = Result<T, Mismatch>;

fn read(data: &Data, ty: &ComponentType, path: &Path<'_>) -> Read<ComponentValue> {
    let scalar = match ty {
        ComponentType::Bool => data.as_bool().map(ComponentValue::Bool),
        ComponentType::S8 => integer(data).map(ComponentValue::S8),
        ComponentType::U8 => integer(data).map(ComponentValue::U8),
        ComponentType::S16 => integer(data).map(ComponentValue::S16),
        ComponentType::U16 => integer(data).map(ComponentValue::U16),
        ComponentType::S32 => integer(data).map(ComponentValue::S32),
        ComponentType::U32 => integer(data).map(ComponentValue::U32),
        ComponentType::S64 => integer(data).map(ComponentValue::S64),
        ComponentType::U64 => integer(data).map(ComponentValue::U64),
        ComponentType::F32 => float(data).and_then(narrow).map(ComponentValue::F32),
        ComponentType::F64 => float(data).map(ComponentValue::F64),
        ComponentType::Char => one(data.as_text().unwrap_or_default().chars()).map(ComponentValue::Char),
        ComponentType::String => data.as_text().map(|text| ComponentValue::String(text.to_owned())),
        ComponentType::Enum(cases) => {
            let case = cases.iter().find(|case| data.as_text() == Some(case));
            case.map(|case| ComponentValue::Enum(case.clone()))
        }
        ComponentType::List(element) => return list(data, ty, element, path),
        ComponentType::Record(wanted) => match data {
            Data::Map(given) => return fields(given, wanted, path, "the field", ty).map(ComponentValue::Record),
            _ => None,
        },
        ComponentType::Tuple(types) => match data {
            Data::Array(given) if given.len() == types.len() => {
                let pairs = types.iter().zip(given).enumerate();
                let values = pairs.map(|(index, (ty, data))| read(data, ty, &Path::Of(path, At::Index(index))));
                return values.collect::<Read<_>>().map(ComponentValue::Tuple);
            }
            _ => None,
        },
        ComponentType::Variant(cases) => return variant(data, ty, cases, path),
        ComponentType::Option(payload) => return option(data, payload, path),
        ComponentType::Result(parts) => return result(data, ty, parts, path),
        ComponentType::Flags(names) => return flags(data, ty, names, path),
    };
    scalar.ok_or_else(|| Mismatch::new(path, ty, shown(data)))
}

fn integer<T: TryFrom<i128>>(data: &Data) -> Option<T> {
    T::try_from(i128::from(data.as_integer()?)).ok()
}

fn float(data: &Data) -> Option<f64> {
    match data {
        Data::Float(value) => Some(*value),
        // As people write 1 for 1.0; not if that changed it.
        Data::Integer(value) => {
            let value = i128::from(*value);
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "looked at right after")]
            let exact = value as f64 as i128 == value;
            #[expect(clippy::cast_precision_loss, reason = "none, by the line above")]
            exact.then_some(value as f64)
        }
        Data::Text(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The nearest `f32`, unless the value is beyond all of them.
fn narrow(value: f64) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "the nearest is what is wanted")]
    let narrow = value as f32;
    (narrow.is_finite() || !value.is_finite()).then_some(narrow)
}

fn one(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

fn list(data: &Data, ty: &ComponentType, element: &ComponentType, path: &Path<'_>) -> Read<ComponentValue> {
    let values = match (data, element) {
        (Data::Array(given), _) => {
            let all = given.iter().enumerate();
            all.map(|(index, data)| read(data, element, &Path::Of(path, At::Index(index)))).collect::<Read<_>>()?
        }
        (Data::Bytes(bytes), ComponentType::U8) => bytes.iter().map(|&byte| ComponentValue::U8(byte)).collect(),
        _ => return Err(Mismatch::new(path, ty, shown(data))),
    };
    Ok(ComponentValue::List(values))
}

fn fields(
    given: &[(Data, Data)],
    wanted: &[(String, ComponentType)],
    path: &Path<'_>,
    what: &str,
    expected: &impl Display,
) -> Read<Vec<(String, ComponentValue)>> {
    let mut rest: Vec<&(Data, Data)> = given.iter().collect();
    let mut values = Vec::with_capacity(wanted.len());
    for (name, ty) in wanted {
        let path = Path::Of(path, At::Name(name));
        let value = match rest.iter().position(|(key, _)| key.as_text() == Some(name)) {
            Some(index) => read(&rest.swap_remove(index).1, ty, &path)?,
            None if matches!(ty, ComponentType::Option(_)) => ComponentValue::Option(None),
            None => return Err(Mismatch::new(&path, ty, "")),
        };
        values.push((name.clone(), value));
    }
    match rest.first() {
        Some((key, _)) => Err(Mismatch::new(path, expected, format!("{what} {}", shown(key)))),
        None => Ok(values),
    }
}

/// A map with one entry: a case and what it carries.
fn single(data: &Data) -> Option<(&str, &Data)> {
    match data {
        Data::Map(entries) => match entries.as_slice() {
            [(key, payload)] => Some((key.as_text()?, payload)),
            _ => None,
        },
        _ => None,
    }
}

fn variant(data: &Data, ty: &ComponentType, cases: &[(String, Option<ComponentType>)], path: &Path<'_>) -> Read<ComponentValue> {
    let wrong = || Mismatch::new(path, ty, shown(data));
    let (name, payload) = match data.as_text() {
        Some(name) => (name, &Data::Null),
        None => single(data).ok_or_else(wrong)?,
    };
    let (name, payload_type) = cases.iter().find(|(case, _)| case == name).ok_or_else(wrong)?;
    let value = carried(payload, payload_type.as_ref(), &Path::Of(path, At::Name(name)))?;
    Ok(ComponentValue::Variant(name.clone(), value))
}

/// What a case carries, which is null where that is nothing.
fn carried(data: &Data, ty: Option<&ComponentType>, path: &Path<'_>) -> Read<Option<Box<ComponentValue>>> {
    match ty {
        Some(ty) => read(data, ty, path).map(Box::new).map(Some),
        None if *data == Data::Null => Ok(None),
        None => Err(Mismatch::new(path, "null", shown(data))),
    }
}

fn option(data: &Data, payload: &ComponentType, path: &Path<'_>) -> Read<ComponentValue> {
    let inner = match (data, payload, single(data)) {
        (Data::Null, ..) => return Ok(ComponentValue::Option(None)),
        (_, ComponentType::Option(_), Some(("some", inner))) => inner,
        _ => data,
    };
    read(inner, payload, path).map(|value| ComponentValue::Option(Some(Box::new(value))))
}

fn result(
    data: &Data,
    ty: &ComponentType,
    (ok, err): &(Option<ComponentType>, Option<ComponentType>),
    path: &Path<'_>,
) -> Read<ComponentValue> {
    let at = |name| Path::Of(path, At::Name(name));
    match single(data) {
        Some(("ok" | "Ok", payload)) => carried(payload, ok.as_ref(), &at("ok")).map(|value| ComponentValue::Result(Ok(value))),
        Some(("err" | "Err", payload)) => {
            carried(payload, err.as_ref(), &at("err")).map(|value| ComponentValue::Result(Err(value)))
        }
        _ => Err(Mismatch::new(path, ty, shown(data))),
    }
}

fn flags(data: &Data, ty: &ComponentType, names: &[String], path: &Path<'_>) -> Read<ComponentValue> {
    let Data::Array(given) = data else { return Err(Mismatch::new(path, ty, shown(data))) };
    let mut set = vec![false; names.len()];
    for (index, flag) in given.iter().enumerate() {
        let known = names.iter().position(|name| flag.as_text() == Some(name)).filter(|&known| !set[known]);
        let wrong = || Mismatch::new(&Path::Of(path, At::Index(index)), format_args!("one of {ty}, once"), shown(flag));
        set[known.ok_or_else(wrong)?] = true;
    }
    let set = names.iter().zip(set).filter(|(_, set)| *set);
    Ok(ComponentValue::Flags(set.map(|(name, _)| name.clone()).collect()))
}

/// Data as it may be shown: what it is, and its value if that is short.
fn shown(data: &Data) -> String {
    match data {
        Data::Null => "null".into(),
        Data::Bool(value) => value.to_string(),
        Data::Integer(value) => i128::from(*value).to_string(),
        Data::Float(value) => value.to_string(),
        Data::Text(text) => format!("{text:?}"),
        Data::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Data::Array(values) => format!("an array of {}", values.len()),
        Data::Map(entries) => {
            let keys: Vec<String> = entries.iter().take(4).map(|(key, _)| shown(key)).collect();
            let more = if entries.len() > keys.len() { ", …" } else { "" };
            format!("an object {{{}{more}}}", keys.join(", "))
        }
        _ => "something else".into(),
    }
}
