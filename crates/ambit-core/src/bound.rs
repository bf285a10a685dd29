//! A limit's value: so much, or explicitly none.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::units::ParseUnitError;

/// What a limit is measured in. The base unit is bytes, nanoseconds, thousandths of a core, or one.
pub trait LimitValue: Copy + Ord + fmt::Display + FromStr<Err = ParseUnitError> {
    /// What people call the unit.
    const UNIT: &'static str;
    /// The value in base units.
    fn base(self) -> u64;
    /// The value from base units.
    fn from_base(base: u64) -> Self;
}

/// A bound on something: a value, or none. Written as the value, or `unlimited`.
///
/// `Unlimited` sorts after every value, so that `min` of two bounds is the stricter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound<T> {
    /// At most this much.
    At(T),
    /// No bound, said explicitly.
    Unlimited,
}

impl<T: LimitValue> Bound<T> {
    /// The value in base units, if there is a bound.
    pub fn finite(self) -> Option<u64> {
        match self {
            Bound::At(value) => Some(value.base()),
            Bound::Unlimited => None,
        }
    }

    /// The value in base units, with "no bound" as the largest number, for comparisons.
    pub fn ceiling(self) -> u64 {
        self.finite().unwrap_or(u64::MAX)
    }
}

impl<T: fmt::Display> fmt::Display for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::At(value) => value.fmt(f),
            Bound::Unlimited => f.pad("unlimited"),
        }
    }
}

impl<T: FromStr> FromStr for Bound<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "unlimited" { Ok(Bound::Unlimited) } else { text.parse().map(Bound::At) }
    }
}

impl<T: Serialize> Serialize for Bound<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, serializer.is_human_readable()) {
            (Bound::At(value), true) => value.serialize(serializer),
            (Bound::Unlimited, true) => serializer.serialize_str("unlimited"),
            (Bound::At(value), false) => serializer.serialize_some(value),
            (Bound::Unlimited, false) => serializer.serialize_none(),
        }
    }
}

impl<'de, T: LimitValue + Deserialize<'de>> Deserialize<'de> for Bound<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Ok(Option::<T>::deserialize(deserializer)?.map_or(Bound::Unlimited, Bound::At));
        }
        crate::units::from_human(deserializer)?.parse().map_err(de::Error::custom)
    }
}
