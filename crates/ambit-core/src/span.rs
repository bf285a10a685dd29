//! Lengths of time.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    bound::LimitValue,
    units::{ParseUnitError, scale, split_number, unit},
};

/// A length of time, in nanoseconds. Written `500ms`, `2s`, `1.5s`, `30m`, `1h`; a number without a unit is an error,
/// since it has been read as seconds and as milliseconds by different people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

unit!(Span, "duration", |v: Span| v.0, Span, human: |v: Span, s: S| s.collect_str(&v));

const UNITS: [(&str, u64); 6] =
    [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];

impl Span {
    /// This many milliseconds.
    pub const fn millis(n: u64) -> Self {
        Self(n * 1_000_000)
    }

    /// This many seconds.
    pub const fn secs(n: u64) -> Self {
        Self(n * 1_000_000_000)
    }

    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl From<Duration> for Span {
    /// Saturates at 584 years.
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Span {
    /// The largest unit that needs no rounding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |&&(_, unit): &&(&str, u64)| self.0 >= unit && self.0.is_multiple_of(unit);
        let &(suffix, unit) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        f.pad(&format!("{}{suffix}", self.0 / unit))
    }
}

impl FromStr for Span {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseUnitError::Malformed(text.into(), "duration", "`500ms`, `2s` or `5m`");
        let (whole, fraction, suffix) = split_number(text).ok_or_else(malformed)?;
        if suffix.is_empty() {
            return Err(malformed());
        }
        let unit = UNITS
            .iter()
            .find(|(name, _)| *name == suffix)
            .map(|&(_, unit)| unit)
            .ok_or_else(|| ParseUnitError::UnknownUnit(text.into(), suffix.into(), "ns, us, ms, s, m, h"))?;
        match scale(whole, fraction, unit) {
            Some(nanos) => Ok(Self(nanos)),
            None => Err(ParseUnitError::TooLarge(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_strictly() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(text.parse::<Span>().ok().map(|s| s.0), expect, "{text}");
        check("500ms", Some(500_000_000));
        check("2s", Some(2_000_000_000));
        check("1.5s", Some(1_500_000_000));
        check("1h", Some(3_600_000_000_000));
        for bad in ["", "5", "-2s", "2 s", "2sec", "2S", "1e3s", "s", "0.0000000001s", "6000000h"] {
            check(bad, None);
        }
    }

    #[test]
    fn shows_what_it_parses() {
        for text in ["500ms", "30s", "90s", "2m", "1h", "7ns"] {
            assert_eq!(text.parse::<Span>().map(|s| s.to_string()).as_deref(), Ok(text));
        }
    }
}
