//! Values on their way between processes: bytes that only their type makes sense of.
//!
//! Whoever reads them trusts neither their length nor what they say: nothing is nested deeper than the type, and no more memory
//! is taken than is allowed.

use std::collections::HashMap;

use super::{ty::ComponentType, value::ComponentValue};

/// Bytes that are no value of the type, or one that takes more memory than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no value of the type, or one that takes more memory than is allowed")]
pub struct Malformed;

impl ComponentValue {
    /// The value as bytes.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Bytes of memory that it takes, as it is charged: what its elements, names and texts need, without what an allocator adds.
    pub fn memory(&self) -> u64 {
        let own = size_of::<Self>() as u64;
        let text = |text: &String| text.len() as u64;
        let all = |values: &[Self]| values.iter().map(Self::memory).sum::<u64>();
        let payload = |value: &Option<Box<Self>>| value.as_ref().map_or(0, |value| value.memory());
        own + match self {
            ComponentValue::Bool(_)
            | ComponentValue::S8(_)
            | ComponentValue::U8(_)
            | ComponentValue::S16(_)
            | ComponentValue::U16(_)
            | ComponentValue::S32(_)
            | ComponentValue::U32(_)
            | ComponentValue::S64(_)
            | ComponentValue::U64(_)
            | ComponentValue::F32(_)
            | ComponentValue::F64(_)
            | ComponentValue::Char(_) => 0,
            ComponentValue::String(value) | ComponentValue::Enum(value) => text(value),
            ComponentValue::List(values) | ComponentValue::Tuple(values) => all(values),
            ComponentValue::Record(fields) => fields.iter().map(|(name, value)| NAME + text(name) + value.memory()).sum(),
            ComponentValue::Variant(case, value) => text(case) + payload(value),
            ComponentValue::Option(value) | ComponentValue::Result(Ok(value) | Err(value)) => payload(value),
            ComponentValue::Flags(names) => names.iter().map(|name| NAME + text(name)).sum(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            ComponentValue::Bool(value) => out.push(u8::from(*value)),
            ComponentValue::S8(value) => out.extend(value.to_le_bytes()),
            ComponentValue::U8(value) => out.push(*value),
            ComponentValue::S16(value) => out.extend(value.to_le_bytes()),
            ComponentValue::U16(value) => out.extend(value.to_le_bytes()),
            ComponentValue::S32(value) => out.extend(value.to_le_bytes()),
            ComponentValue::U32(value) => out.extend(value.to_le_bytes()),
            ComponentValue::S64(value) => out.extend(value.to_le_bytes()),
            ComponentValue::U64(value) => out.extend(value.to_le_bytes()),
            ComponentValue::F32(value) => out.extend(value.to_le_bytes()),
            ComponentValue::F64(value) => out.extend(value.to_le_bytes()),
            ComponentValue::Char(value) => out.extend(u32::from(*value).to_le_bytes()),
            ComponentValue::String(text) => write_text(text, out),
            ComponentValue::List(values) => {
                write_len(values.len(), out);
                values.iter().for_each(|value| value.write(out));
            }
            ComponentValue::Tuple(values) => values.iter().for_each(|value| value.write(out)),
            ComponentValue::Record(fields) => fields.iter().for_each(|(_, value)| value.write(out)),
            ComponentValue::Variant(case, payload) => {
                write_text(case, out);
                write_payload(payload.as_deref(), out);
            }
            ComponentValue::Enum(case) => write_text(case, out),
            ComponentValue::Option(payload) => {
                out.push(u8::from(payload.is_some()));
                write_payload(payload.as_deref(), out);
            }
            ComponentValue::Result(result) => {
                out.push(u8::from(result.is_err()));
                write_payload(result.as_ref().unwrap_or_else(|payload| payload).as_deref(), out);
            }
            ComponentValue::Flags(names) => {
                write_len(names.len(), out);
                names.iter().for_each(|name| write_text(name, out));
            }
        }
    }

    /// The value of a type that bytes are, and nothing besides: one that takes at most `most` bytes of [memory](Self::memory).
    ///
    /// # Errors
    /// They are none.
    pub fn unpack(bytes: &[u8], ty: &ComponentType, most: u64) -> Result<Self, Malformed> {
        let mut reader = Reader { bytes, left: most, cases: HashMap::new() };
        let value = reader.value(ty)?;
        if reader.bytes.is_empty() { Ok(value) } else { Err(Malformed) }
    }
}

impl ComponentType {
    /// How many times as much memory a value of this type may take as is charged where of flags only the letters of their names are:
    /// 1, unless it has flags.
    pub fn flags_excess(&self) -> u64 {
        let all = |types: &mut dyn Iterator<Item = &Self>| types.map(Self::flags_excess).max().unwrap_or(1);
        match self {
            ComponentType::Flags(names) => {
                let own = size_of::<ComponentValue>() as u64;
                let letters: u64 = names.iter().map(|name| name.len() as u64).sum();
                (own + letters + NAME * names.len() as u64).div_ceil(own + letters)
            }
            ComponentType::List(part) | ComponentType::Option(part) => part.flags_excess(),
            ComponentType::Record(fields) => all(&mut fields.iter().map(|(_, ty)| ty)),
            ComponentType::Tuple(types) => all(&mut types.iter()),
            ComponentType::Variant(cases) => all(&mut cases.iter().filter_map(|(_, ty)| ty.as_ref())),
            ComponentType::Result(parts) => all(&mut parts.0.iter().chain(&parts.1)),
            ComponentType::Bool
            | ComponentType::S8
            | ComponentType::U8
            | ComponentType::S16
            | ComponentType::U16
            | ComponentType::S32
            | ComponentType::U32
            | ComponentType::S64
            | ComponentType::U64
            | ComponentType::F32
            | ComponentType::F64
            | ComponentType::Char
            | ComponentType::String
            | ComponentType::Enum(_) => 1,
        }
    }
}

/// What a name takes besides its text.
const NAME: u64 = size_of::<String>() as u64;

fn write_len(len: usize, out: &mut Vec<u8>) {
    out.extend((len as u64).to_le_bytes());
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_len(text.len(), out);
    out.extend(text.as_bytes());
}

fn write_payload(payload: Option<&ComponentValue>, out: &mut Vec<u8>) {
    if let Some(value) = payload {
        value.write(out);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Bytes of memory that may still be taken.
    left: u64,
    /// Where the cases of each type are, by name: there may be thousands, and a list of the last one.
    cases: HashMap<*const (), HashMap<&'a str, usize>>,
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.bytes.split_first_chunk().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*first)
    }

    /// Takes memory.
    fn charge(&mut self, bytes: u64) -> Result<(), Malformed> {
        self.left = self.left.checked_sub(bytes).ok_or(Malformed)?;
        Ok(())
    }

    fn len(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Malformed),
        }
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = self.len()?;
        self.charge(len)?;
        let len = usize::try_from(len).map_err(|_| Malformed)?;
        let (text, rest) = self.bytes.split_at_checked(len).ok_or(Malformed)?;
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_| Malformed)
    }

    /// One of these cases.
    fn case<T>(&mut self, cases: &'a [T], name: impl Fn(&'a T) -> &'a str) -> Result<&'a T, Malformed> {
        let given = self.text()?;
        let places = self.cases.entry(cases.as_ptr().cast());
        let places = places.or_insert_with(|| cases.iter().map(name).zip(0..).collect());
        places.get(given).and_then(|&place| cases.get(place)).ok_or(Malformed)
    }

    fn value(&mut self, ty: &'a ComponentType) -> Result<ComponentValue, Malformed> {
        self.charge(size_of::<ComponentValue>() as u64)?;
        Ok(match ty {
            ComponentType::Bool => ComponentValue::Bool(self.flag()?),
            ComponentType::S8 => ComponentValue::S8(i8::from_le_bytes(self.array()?)),
            ComponentType::U8 => ComponentValue::U8(u8::from_le_bytes(self.array()?)),
            ComponentType::S16 => ComponentValue::S16(i16::from_le_bytes(self.array()?)),
            ComponentType::U16 => ComponentValue::U16(u16::from_le_bytes(self.array()?)),
            ComponentType::S32 => ComponentValue::S32(i32::from_le_bytes(self.array()?)),
            ComponentType::U32 => ComponentValue::U32(u32::from_le_bytes(self.array()?)),
            ComponentType::S64 => ComponentValue::S64(i64::from_le_bytes(self.array()?)),
            ComponentType::U64 => ComponentValue::U64(u64::from_le_bytes(self.array()?)),
            ComponentType::F32 => ComponentValue::F32(f32::from_le_bytes(self.array()?)),
            ComponentType::F64 => ComponentValue::F64(f64::from_le_bytes(self.array()?)),
            ComponentType::Char => ComponentValue::Char(char::from_u32(u32::from_le_bytes(self.array()?)).ok_or(Malformed)?),
            ComponentType::String => ComponentValue::String(self.text()?.to_owned()),
            ComponentType::List(element) => {
                let len = self.len()?;
                // Room is made as values come: a length alone takes none.
                let values = (0..len).map(|_| self.value(element)).collect::<Result<_, _>>()?;
                ComponentValue::List(values)
            }
            ComponentType::Tuple(types) => ComponentValue::Tuple(types.iter().map(|ty| self.value(ty)).collect::<Result<_, _>>()?),
            ComponentType::Record(fields) => {
                let mut field = |(name, ty): &'a (String, ComponentType)| {
                    self.charge(NAME + name.len() as u64)?;
                    Ok((name.clone(), self.value(ty)?))
                };
                ComponentValue::Record(fields.iter().map(&mut field).collect::<Result<_, _>>()?)
            }
            ComponentType::Variant(cases) => {
                let (name, payload) = self.case(cases, |(name, _)| name)?;
                ComponentValue::Variant(name.clone(), self.payload(payload.as_ref())?)
            }
            ComponentType::Enum(cases) => ComponentValue::Enum(self.case(cases, |name| name)?.clone()),
            ComponentType::Option(payload) => {
                let there = self.flag()?;
                ComponentValue::Option(self.payload(there.then_some(&**payload))?)
            }
            ComponentType::Result(parts) => ComponentValue::Result(match self.flag()? {
                false => Ok(self.payload(parts.0.as_ref())?),
                true => Err(self.payload(parts.1.as_ref())?),
            }),
            ComponentType::Flags(names) => {
                let count = self.len()?;
                let mut rest = names.iter();
                let mut set = Vec::new();
                for _ in 0..count {
                    self.charge(NAME)?;
                    // In the order of the type, each once.
                    let given = self.text()?;
                    set.push(rest.find(|name| *name == given).ok_or(Malformed)?.clone());
                }
                ComponentValue::Flags(set)
            }
        })
    }

    fn payload(&mut self, ty: Option<&'a ComponentType>) -> Result<Option<Box<ComponentValue>>, Malformed> {
        ty.map(|ty| self.value(ty).map(Box::new)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_is_no_value_is_refused() {
        let strings = ComponentType::List(Arc::new(ComponentType::String));
        let value = ComponentValue::List(["a", "bc"].map(|text| ComponentValue::String(text.into())).into());
        let bytes = value.pack();
        assert_eq!(ComponentValue::unpack(&bytes, &strings, 1 << 20), Ok(value));
        for cut in 0..bytes.len() {
            assert_eq!(ComponentValue::unpack(&bytes[..cut], &strings, 1 << 20), Err(Malformed), "{cut}");
        }
        assert_eq!(ComponentValue::unpack(&[&bytes[..], &[0]].concat(), &strings, 1 << 20), Err(Malformed));
        assert_eq!(ComponentValue::unpack(&bytes, &strings, 40), Err(Malformed), "beyond its memory");
        let check = |bytes: &[u8], ty: ComponentType| assert_eq!(ComponentValue::unpack(bytes, &ty, 1 << 20), Err(Malformed));
        check(&[2], ComponentType::Bool);
        check(&0xd800u32.to_le_bytes(), ComponentType::Char);
        check(&u64::MAX.to_le_bytes(), ComponentType::String);
        check(&u64::MAX.to_le_bytes(), strings.clone());
        let flags = |names: &[&str]| ComponentValue::Flags(names.iter().map(ToString::to_string).collect()).pack();
        let ty = ComponentType::Flags(["a".to_owned(), "b".to_owned()].into());
        assert!(ComponentValue::unpack(&flags(&["a", "b"]), &ty, 1 << 20).is_ok());
        for wrong in [&["b", "a"][..], &["a", "a"], &["c"]] {
            check(&flags(wrong), ty.clone());
        }
    }

    #[test]
    fn a_case_is_found_in_no_time_however_many_there_are() {
        let cases: Arc<[String]> = (0..10_000).map(|case| format!("case-{case:05}")).collect();
        let last = ComponentValue::Enum(cases[9_999].clone());
        let value = ComponentValue::List(vec![last; 100_000]);
        let (bytes, ty) = (value.pack(), ComponentType::List(Arc::new(ComponentType::Enum(cases))));
        let began = std::time::Instant::now();
        assert_eq!(ComponentValue::unpack(&bytes, &ty, value.memory()), Ok(value));
        // One after the other they would take ten seconds.
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    }

    #[test]
    fn a_length_takes_no_memory_of_its_own() {
        // Elements without bytes: as many as one likes, were they not charged.
        let nothing = ComponentType::List(Arc::new(ComponentType::Record([].into())));
        let bytes = (1u64 << 40).to_le_bytes();
        assert_eq!(ComponentValue::unpack(&bytes, &nothing, 1 << 20), Err(Malformed));
    }
}
