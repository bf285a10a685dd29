//! Formats in which values are exchanged with guests.

use std::io::Cursor;

use ambit_core::escape;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// How deep a reply in MessagePack may be nested: as in JSON. A reader that follows a guest deeper runs out of stack.
const MOST_NESTING: usize = 128;

/// A format. Reading takes all bytes or fails: nothing after the value is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    /// Structs as maps with names, so that other languages find their fields.
    MessagePack,
    Postcard,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Json => "JSON",
            Format::MessagePack => "MessagePack",
            Format::Postcard => "postcard",
        }
    }

    /// The input of `function`.
    pub(crate) fn write<T: Serialize + ?Sized>(self, function: &str, value: &T) -> Result<Vec<u8>, Error> {
        let written: Result<Vec<u8>, Cause> = match self {
            Format::Json => serde_json::to_vec(value).map_err(Into::into),
            Format::MessagePack => rmp_serde::to_vec_named(value).map_err(Into::into),
            Format::Postcard => postcard::to_stdvec(value).map_err(Into::into),
        };
        written.map_err(|source| Error::Encode { function: escape(function, 128), format: self.name(), source })
    }

    /// The reply of `function`.
    pub(crate) fn read<T: DeserializeOwned>(self, function: &str, bytes: &[u8]) -> Result<T, Error> {
        let read: Result<T, Cause> = match self {
            Format::Json => serde_json::from_slice(bytes).map_err(Into::into),
            Format::MessagePack => {
                let mut cursor = Cursor::new(bytes);
                let mut reader = rmp_serde::Deserializer::new(&mut cursor);
                reader.set_max_depth(MOST_NESTING);
                let value = T::deserialize(&mut reader).map_err(Cause::from);
                value.and_then(|value| all(value, bytes.len() as u64 - cursor.position()))
            }
            Format::Postcard => {
                let value = postcard::take_from_bytes(bytes).map_err(Cause::from);
                value.and_then(|(value, rest)| all(value, rest.len() as u64))
            }
        };
        let function = || escape(function, 128);
        read.map_err(|source| Error::Decode { function: function(), format: self.name(), len: bytes.len(), source })
    }
}

/// The value, if nothing is left after it.
fn all<T>(value: T, left: u64) -> Result<T, Cause> {
    if left == 0 { Ok(value) } else { Err(format!("{left} bytes are left after the value").into()) }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, error::Error as _};

    use super::*;

    const ALL: [Format; 3] = [Format::Json, Format::MessagePack, Format::Postcard];

    #[test]
    fn what_is_written_is_read() {
        let value = BTreeMap::from([("a".to_owned(), vec![1u64, u64::MAX]), (String::new(), Vec::new())]);
        for format in ALL {
            let bytes = format.write("f", &value).expect("writable");
            assert_eq!(format.read::<BTreeMap<String, Vec<u64>>>("f", &bytes).expect("readable"), value, "{format:?}");
        }
    }

    #[test]
    fn nothing_may_be_left_nor_missing() {
        for format in ALL {
            let bytes = format.write("f", &("text", 7u32)).expect("writable");
            let check = |bytes: &[u8]| {
                let error = format.read::<(String, u32)>("f", bytes).expect_err("one byte off");
                assert!(error.source().is_some());
                let words = format!("cannot read the {} bytes that `f` replied as {}", bytes.len(), format.name());
                assert_eq!(error.to_string(), words);
            };
            check(&bytes[..bytes.len() - 1]);
            check(&[&bytes[..], &[1]].concat());
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let json = "[".repeat(1 << 20);
        assert!(Format::Json.read::<serde_json::Value>("f", json.as_bytes()).is_err());
        let packed = vec![0x91; 1 << 20];
        assert!(Format::MessagePack.read::<serde_json::Value>("f", &packed).is_err());
    }

    #[test]
    fn what_a_format_has_no_way_to_write_is_an_error() {
        let error = Format::Json.write("f\n", &BTreeMap::from([((1, 2), 3)])).expect_err("keys of JSON are strings");
        assert_eq!(error.to_string(), "cannot write the input of `f\\n` as JSON");
    }
}
