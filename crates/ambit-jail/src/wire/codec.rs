//! Messages as bytes, and back.

use serde::{Serialize, de::DeserializeOwned};

use super::WireError;

/// A message as bytes.
///
/// # Errors
/// It holds what bytes cannot say, such as a path that is no text.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, WireError> {
    postcard::to_stdvec(message).map_err(WireError::NoMessage)
}

/// The message that `bytes` are, and nothing besides: a message is exactly what it says.
///
/// # Errors
/// They are none, or more than one.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(bytes).map_err(WireError::NoMessage)? {
        (message, []) => Ok(message),
        (_, [..]) => Err(WireError::NoFrame),
    }
}
