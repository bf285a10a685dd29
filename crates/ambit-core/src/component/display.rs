//! Values as WAVE, the text form of component values: <https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave>.

use std::fmt::{self, Write as _};

use wasm_wave::lex::Keyword;

use super::{ty::list, value::ComponentValue};

impl fmt::Display for ComponentValue {
    /// WAVE, in one line: `{name: "Ada", tags: ["x", "y"], age: some(36)}`. Fields that are `none` are left out. Control
    /// characters and what does not show are escaped, so that it can be printed as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComponentValue::Bool(value) => value.fmt(f),
            ComponentValue::S8(value) => value.fmt(f),
            ComponentValue::U8(value) => value.fmt(f),
            ComponentValue::S16(value) => value.fmt(f),
            ComponentValue::U16(value) => value.fmt(f),
            ComponentValue::S32(value) => value.fmt(f),
            ComponentValue::U32(value) => value.fmt(f),
            ComponentValue::S64(value) => value.fmt(f),
            ComponentValue::U64(value) => value.fmt(f),
            ComponentValue::F32(value) if value.is_nan() => f.write_str("nan"),
            ComponentValue::F32(value) => value.fmt(f),
            ComponentValue::F64(value) if value.is_nan() => f.write_str("nan"),
            ComponentValue::F64(value) => value.fmt(f),
            ComponentValue::Char(value) => {
                f.write_char('\'')?;
                character(f, *value)?;
                f.write_char('\'')
            }
            ComponentValue::String(text) => {
                f.write_char('"')?;
                text.chars().try_for_each(|c| character(f, c))?;
                f.write_char('"')
            }
            ComponentValue::List(values) => list(f, "[", values, "]", |f, value| value.fmt(f)),
            ComponentValue::Tuple(values) => list(f, "(", values, ")", |f, value| value.fmt(f)),
            ComponentValue::Flags(names) => list(f, "{", names, "}", |f, name| f.write_str(name)),
            ComponentValue::Record(fields) => {
                let mut said = fields.iter().filter(|(_, value)| *value != ComponentValue::Option(None)).peekable();
                if said.peek().is_none() {
                    return f.write_str("{:}");
                }
                list(f, "{", said, "}", |f, (name, value)| write!(f, "{name}: {value}"))
            }
            ComponentValue::Variant(case, value) => {
                label(f, case)?;
                payload(f, value.as_deref())
            }
            ComponentValue::Enum(case) => label(f, case),
            ComponentValue::Option(None) => f.write_str("none"),
            ComponentValue::Option(Some(value)) => write!(f, "some({value})"),
            ComponentValue::Result(Ok(value)) => {
                f.write_str("ok")?;
                payload(f, value.as_deref())
            }
            ComponentValue::Result(Err(value)) => {
                f.write_str("err")?;
                payload(f, value.as_deref())
            }
        }
    }
}

fn payload(f: &mut fmt::Formatter<'_>, value: Option<&ComponentValue>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, "({value})"))
}

/// A case that is called like one of the language's own words has a mark.
fn label(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if Keyword::decode(name).is_some() {
        f.write_char('%')?;
    }
    f.write_str(name)
}

fn character(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\\' | '"' | '\'' | '\t' | '\r' | '\n' => write!(f, "{}", c.escape_default()),
        c if c.is_control() || crate::text::is_deceptive(c) => write!(f, "{}", c.escape_unicode()),
        c => write!(f, "{}", c.escape_debug()),
    }
}
