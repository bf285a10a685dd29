//! A value of a configuration file as it would be typed on the command line.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A number or a text, as the text a person would have typed on the command line.
#[derive(Debug)]
pub(super) struct Typed(String);

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)
    }
}

/// Takes what is neither a list nor a table. Written by hand, since an untagged enum says neither what it found nor what it
/// had expected.
struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = Typed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number that is not negative, or a text such as \"64MiB\"")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Typed, E> {
        Ok(Typed(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Typed, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(value), &self)),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Typed, E> {
        Ok(Typed(value.to_string()))
    }

    // A key of YAML with nothing after it.
    fn visit_unit<E: Error>(self) -> Result<Typed, E> {
        Err(E::invalid_type(Unexpected::Other("nothing"), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Typed, E> {
        Ok(Typed(value.to_owned()))
    }
}
