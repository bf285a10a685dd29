//! The account of one run.

use serde::{Deserialize, Serialize};

use crate::{
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
    /// What an invoked function returned.
    pub results: Vec<ResultValue>,
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
