//! Answers to the host.

use std_alloc::vec::Vec;

use crate::room;

/// Answers bytes with bytes: `address` and `len` are those that the host passed to the exported function, and what this gives
/// back is what that gives back. The input is freed.
///
/// # Panics
/// `address` and `len` are not those of an input, which the host does not do. A panic ends the instance.
pub fn bytes<R: Into<Vec<u8>>>(address: u32, len: u32, answer: impl FnOnce(&[u8]) -> R) -> u64 {
    let input = room::input(address, len).expect("address and length of an input");
    let reply = answer(&input).into();
    drop(input);
    room::reply(reply)
}

/// Answers a value with a value, both as JSON.
///
/// # Panics
/// The input is not JSON of a `T`, or `answer` gives what JSON has no form for, such as a map whose keys are no strings. To
/// tell the host about it instead, use [`try_json`].
#[cfg(feature = "json")]
pub fn json<T, R>(address: u32, len: u32, answer: impl FnOnce(T) -> R) -> u64
where
    T: serde_alloc::de::DeserializeOwned,
    R: serde_alloc::Serialize,
{
    bytes(address, len, |input| {
        let input = serde_json_alloc::from_slice(input).expect("input as it was agreed on");
        serde_json_alloc::to_vec(&answer(input)).expect("a reply that JSON has a form for")
    })
}

/// Answers a value with a value or an error, both as JSON: `{"Ok": …}` or `{"Err": "what is wrong"}`, which the host reads as a
/// `Result<R, String>`. An input that is not JSON of a `T` is such an error, and so is a reply that JSON has no form for.
///
/// # Panics
/// As [`bytes`].
#[cfg(feature = "json")]
pub fn try_json<T, R, E>(address: u32, len: u32, answer: impl FnOnce(T) -> Result<R, E>) -> u64
where
    T: serde_alloc::de::DeserializeOwned,
    R: serde_alloc::Serialize,
    E: core::fmt::Display,
{
    use std_alloc::string::{String, ToString};

    bytes(address, len, |input| {
        let answered: Result<R, String> = serde_json_alloc::from_slice(input)
            .map_err(|error| error.to_string())
            .and_then(|input| answer(input).map_err(|error| error.to_string()));
        serde_json_alloc::to_vec(&answered).unwrap_or_else(|error| {
            let failed: Result<(), String> = Err(error.to_string());
            serde_json_alloc::to_vec(&failed).expect("JSON has a form for text")
        })
    })
}
