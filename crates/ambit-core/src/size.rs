//! Sizes in bytes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    bound::LimitValue,
    units::{ParseUnitError, scale, split_number, unit},
};

/// A size in bytes. Written `64MiB`, `64Mi` (1024s), `64M`, `64MB` (1000s) or plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

unit!(ByteSize, "bytes", |v: ByteSize| v.0, ByteSize, human: |v: ByteSize, s: S| s.serialize_u64(v.0));

const UNITS: [(&str, u64); 17] = [
    ("", 1),
    ("B", 1),
    ("k", 1_000),
    ("kB", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("MB", 1_000_000),
    ("G", 1_000_000_000),
    ("GB", 1_000_000_000),
    ("Ki", 1 << 10),
    ("KiB", 1 << 10),
    ("Mi", 1 << 20),
    ("MiB", 1 << 20),
    ("Gi", 1 << 30),
    ("GiB", 1 << 30),
    ("Ti", 1 << 40),
    ("TiB", 1 << 40),
];

impl ByteSize {
    /// This many bytes.
    pub const fn bytes(n: u64) -> Self {
        Self(n)
    }

    /// This many KiB (1024 bytes).
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// This many MiB (1024² bytes).
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// This many GiB (1024³ bytes).
    pub const fn gib(n: u64) -> Self {
        Self(n << 30)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    /// The largest binary unit that needs no rounding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, suffix) = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
            .into_iter()
            .find(|&(unit, _)| self.0 >= unit && self.0.is_multiple_of(unit))
            .unwrap_or((1, " B"));
        f.pad(&format!("{}{suffix}", self.0 / unit))
    }
}

impl FromStr for ByteSize {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseUnitError::Malformed(text.into(), "size", "`64MiB`, `64M` or a number of bytes");
        let (whole, fraction, suffix) = split_number(text).ok_or_else(malformed)?;
        let suffix = suffix.strip_prefix(' ').unwrap_or(suffix);
        let unit = UNITS.iter().find(|(name, _)| *name == suffix).map(|&(_, unit)| unit).ok_or_else(|| {
            ParseUnitError::UnknownUnit(text.into(), suffix.into(), "B, k, M, G (1000s) and KiB, MiB, GiB, TiB (1024s)")
        })?;
        if unit == 1 && !fraction.is_empty() {
            return Err(malformed());
        }
        match scale(whole, fraction, unit) {
            Some(bytes) => Ok(Self(bytes)),
            None => Err(ParseUnitError::TooLarge(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_strictly() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(text.parse().ok().map(ByteSize::get), expect, "{text}");
        check("64MiB", Some(64 << 20));
        check("64Mi", Some(64 << 20));
        check("64M", Some(64_000_000));
        check("512", Some(512));
        check("1.5GiB", Some(3 << 29));
        check("1 MiB", Some(1 << 20));
        for bad in ["", "-1MiB", "64mib", "64 parsecs", "1.5", "MiB", "1e6", "18446744073709551616", "99999999TiB", "1,5M"] {
            check(bad, None);
        }
    }

    #[test]
    fn shows_what_it_parses() {
        for text in ["64MiB", "1GiB", "1536KiB", "17 B"] {
            assert_eq!(text.parse::<ByteSize>().map(|s| s.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn errors_name_the_remedy() {
        let error = "64mib".parse::<ByteSize>().expect_err("lower case is ambiguous");
        assert_eq!(
            error.to_string(),
            "`64mib` has the unknown unit `mib`; known are B, k, M, G (1000s) and KiB, MiB, GiB, TiB (1024s)"
        );
    }
}
