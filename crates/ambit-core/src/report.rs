//! The account of one run.

use serde::{Deserialize, Serialize};

use crate::{
    component::ComponentValue,
    digest::Digest,
    ids::{EngineId, Isolation, RunId},
    outcome::Outcome,
    policy::Policy,
    usage::Usage,
    violation::Violation,
};

/// The account of one run, written for every outcome, rejected and lost included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Which run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// What an invoked function of a core module returned.
    pub results: Vec<ResultValue>,
    /// What an invoked function of a component returned, if it returns anything.
    pub value: Option<ComponentValue>,
    /// What it used.
    pub usage: Usage,
    /// What it attempted beyond its grants and limits.
    pub violations: Vec<Violation>,
    /// The limits and grants in force; absent if the request was refused before they were known.
    pub policy: Option<Policy>,
    /// The module's digest; absent if its bytes could not be read.
    pub module: Option<Digest>,
    /// The name it was asked for by; escaped and capped.
    pub name: Option<String>,
    /// Which engine ran it.
    pub engine: Option<EngineId>,
    /// The engine's version.
    pub engine_version: Option<String>,
    /// The isolation level.
    pub isolation: Isolation,
    /// The layers of isolation that were active, by name.
    pub layers: Vec<String>,
    /// Where its native code came from; absent if it got none.
    pub artifact: Option<ArtifactSource>,
}

/// Where the native code of a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactSource {
    /// Its module was compiled for it.
    Compiled,
    /// Its module had been compiled before.
    Cached,
}

/// A value a core function returned, with its bits, so that NaN and large integers survive every format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultValue {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A 128-bit vector.
    V128(u128),
}

impl std::fmt::Display for ResultValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            ResultValue::I32(value) => value.fmt(f),
            ResultValue::I64(value) => value.fmt(f),
            ResultValue::F32(bits) => f32::from_bits(bits).fmt(f),
            ResultValue::F64(bits) => f64::from_bits(bits).fmt(f),
            ResultValue::V128(value) => write!(f, "{value:#034x}"),
        }
    }
}

/// A number as the value that has its bits. Unsigned integers are those of the signed type with the same bits.
macro_rules! from_number {
    ($($number:ty => $Variant:ident, $bits:expr;)*) => {
        $(impl From<$number> for ResultValue {
            fn from(number: $number) -> Self {
                ResultValue::$Variant($bits(number))
            }
        })*
    };
}

from_number! {
    i32 => I32, std::convert::identity;
    u32 => I32, u32::cast_signed;
    i64 => I64, std::convert::identity;
    u64 => I64, u64::cast_signed;
    f32 => F32, f32::to_bits;
    f64 => F64, f64::to_bits;
    u128 => V128, std::convert::identity;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_bits() {
        let check = |value: ResultValue, expect: ResultValue| assert_eq!(value, expect);
        check(7i32.into(), ResultValue::I32(7));
        check(u32::MAX.into(), ResultValue::I32(-1));
        check((-1i64).into(), ResultValue::I64(-1));
        check((1u64 << 63).into(), ResultValue::I64(i64::MIN));
        check(1.5f32.into(), ResultValue::F32(0x3fc0_0000));
        check((-0.0f64).into(), ResultValue::F64(1 << 63));
        check(u128::MAX.into(), ResultValue::V128(u128::MAX));
    }
}
