//! Counts and cores, and what all units share: strict parsing with an error that names the remedy.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bound::LimitValue;

/// Text that is not a value of the expected unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// The number is missing, negative, fractional where it may not be, or has other characters in it.
    #[error("`{0}` is not a {1}; write for example {2}")]
    Malformed(String, &'static str, &'static str),
    /// The unit behind the number is unknown.
    #[error("`{0}` has the unknown unit `{1}`; known are {2}")]
    UnknownUnit(String, String, &'static str),
    /// The value does not fit 64 bits.
    #[error("`{0}` is too large")]
    TooLarge(String),
    /// Zero is never a limit; "none at all" is what grants are for.
    #[error("0 is not a limit; to have no bound say `unlimited`")]
    Zero,
}

/// Splits `12.5ms` into whole part, fraction digits and suffix. No sign, no exponent, no white space.
pub(crate) fn split_number(text: &str) -> Option<(u64, &str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let dotted = number.contains('.');
    if whole.is_empty() || (dotted && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 9 {
        return None;
    }
    Some((whole.parse().ok()?, fraction, suffix))
}

/// `(whole + 0.fraction) * unit`, rounded down.
pub(crate) fn scale(whole: u64, fraction: &str, unit: u64) -> Option<u64> {
    let part = match fraction {
        "" => 0,
        digits => {
            let numerator: u128 = digits.parse().ok()?;
            numerator * u128::from(unit) / 10u128.pow(u32::try_from(digits.len()).ok()?)
        }
    };
    u64::try_from(u128::from(whole) * u128::from(unit) + part).ok()
}

/// A value from JSON, TOML or YAML as the text a person would have typed: strings and whole or decimal numbers.
pub(crate) fn from_human<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Typed;
    impl de::Visitor<'_> for Typed {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, a number with a unit, or `unlimited`")
        }
        fn visit_str<E: de::Error>(self, v: &str) -> Result<String, E> {
            Ok(v.to_owned())
        }
        fn visit_u64<E: de::Error>(self, v: u64) -> Result<String, E> {
            Ok(v.to_string())
        }
        fn visit_i64<E: de::Error>(self, v: i64) -> Result<String, E> {
            Ok(v.to_string())
        }
        fn visit_f64<E: de::Error>(self, v: f64) -> Result<String, E> {
            Ok(v.to_string())
        }
    }
    deserializer.deserialize_any(Typed)
}

/// Implements what every unit type shares: serde (a base-unit integer on the wire, the given form for people) and
/// [`LimitValue`].
macro_rules! unit {
    ($ty:ty, $unit:literal, $base:expr, $from:expr, human: $human:expr) => {
        impl LimitValue for $ty {
            const UNIT: &'static str = $unit;
            fn base(self) -> u64 {
                $base(self)
            }
            fn from_base(base: u64) -> Self {
                $from(base)
            }
        }
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { $human(*self, serializer) } else { self.base().serialize(serializer) }
            }
        }
        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    $crate::units::from_human(deserializer)?.parse().map_err(de::Error::custom)
                } else {
                    u64::deserialize(deserializer).map(Self::from_base)
                }
            }
        }
    };
}
pub(crate) use unit;

/// How many of something. Written as a whole number, `k`, `M` and `G` allowed as thousands, millions, milliards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(pub u64);

unit!(Count, "count", |v: Count| v.0, Count, human: |v: Count, s: S| s.serialize_u64(v.0));

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl FromStr for Count {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text.chars().filter(|&c| c != '_').collect();
        let malformed = || ParseUnitError::Malformed(text.into(), "count", "`1000`, `10k` or `1M`");
        let (whole, fraction, suffix) = split_number(&plain).ok_or_else(malformed)?;
        let unit = match suffix {
            "" if fraction.is_empty() => 1,
            "" => return Err(malformed()),
            "k" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            other => return Err(ParseUnitError::UnknownUnit(text.into(), other.into(), "k, M, G")),
        };
        match scale(whole, fraction, unit) {
            Some(n) => Ok(Self(n)),
            None => Err(ParseUnitError::TooLarge(text.into())),
        }
    }
}

/// Cores of CPU, in thousandths: `1.5` is one and a half cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus(u64);

unit!(Cpus, "cores", |v: Cpus| v.0, Cpus, human: |v: Cpus, s: S| s.collect_str(&v));

impl Cpus {
    /// From thousandths of a core.
    pub const fn from_milli(milli: u64) -> Self {
        Self(milli)
    }

    /// Thousandths of a core.
    pub const fn milli(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:03}", self.0 % 1000);
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        f.pad(&format!("{}{dot}{fraction}", self.0 / 1000))
    }
}

impl FromStr for Cpus {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseUnitError::Malformed(text.into(), "number of cores", "`0.5` or `2`");
        let (whole, fraction, suffix) = split_number(text).ok_or_else(malformed)?;
        if !suffix.is_empty() {
            return Err(malformed());
        }
        match scale(whole, fraction, 1000) {
            Some(milli) => Ok(Self(milli)),
            None => Err(ParseUnitError::TooLarge(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(text.parse::<Count>().ok().map(|c| c.0), expect, "{text}");
        check("1", Some(1));
        check("10k", Some(10_000));
        check("1.5M", Some(1_500_000));
        check("1_000", Some(1_000));
        for bad in ["", "-1", "1.5", "1e3", "ten", "1 k", "k", "1.k", "99999999999999999999", "1kk", "1KiB"] {
            check(bad, None);
        }
    }

    #[test]
    fn cores() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(text.parse::<Cpus>().ok().map(|c| c.to_string()).as_deref(), expect, "{text}");
        };
        check("0.25", Some("0.25"));
        check("2", Some("2"));
        check("1.500", Some("1.5"));
        for bad in ["-1", "50%", "1c", ""] {
            check(bad, None);
        }
    }
}
