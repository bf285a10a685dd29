//! What a call that succeeded gave back.

use ambit_core::{ComponentValue, ResultValue};

/// What a call gave back. To exit with code 0 is a success and gives nothing back: no more than a failure does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Answer {
    /// It did not return.
    #[default]
    Nothing,
    /// What a function returned.
    Values(Vec<ResultValue>),
    /// What a component's function returned.
    Component(ComponentValue),
    /// What an exchange was answered with.
    Bytes(Vec<u8>),
}

impl Answer {
    /// The values; none of an exchange.
    pub fn into_values(self) -> Vec<ResultValue> {
        match self {
            Answer::Values(values) => values,
            Answer::Nothing | Answer::Bytes(_) | Answer::Component(_) => Vec::new(),
        }
    }

    /// The bytes of an exchange; none of a function.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Answer::Bytes(bytes) => bytes,
            Answer::Nothing | Answer::Values(_) | Answer::Component(_) => Vec::new(),
        }
    }
}
