//! What a call that succeeded gave back.

use ambit_core::ResultValue;

/// What a call that succeeded gave back; no values, if it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What a function returned.
    Values(Vec<ResultValue>),
    /// What an exchange was answered with.
    Bytes(Vec<u8>),
}

impl Default for Answer {
    fn default() -> Self {
        Answer::Values(Vec::new())
    }
}

impl Answer {
    /// The values; none of an exchange.
    pub fn into_values(self) -> Vec<ResultValue> {
        match self {
            Answer::Values(values) => values,
            Answer::Bytes(_) => Vec::new(),
        }
    }

    /// The bytes of an exchange; none of a function.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Answer::Bytes(bytes) => bytes,
            Answer::Values(_) => Vec::new(),
        }
    }
}
