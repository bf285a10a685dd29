//! The suite's words for traps.

use ambit_core::TrapKind as T;

use crate::machine::Failed;

/// Whether a trap is the one the suite calls this. It says in text what the engine says in kinds, so that a trap for
/// another reason is not taken for the right one.
pub(crate) fn is_called(failed: &Failed, message: &str) -> Result<bool, String> {
    let kinds: &[T] = match message {
        "unreachable" => &[T::Unreachable],
        "out of bounds memory access" => &[T::MemoryOutOfBounds],
        "out of bounds table access" | "undefined element" | "undefined" => &[T::TableOutOfBounds],
        "out of bounds array access" => &[T::ArrayOutOfBounds],
        // Of memories or tables; the script does not say which.
        "out of bounds" => &[T::MemoryOutOfBounds, T::TableOutOfBounds],
        "uninitialized" | "uninitialized element" | "uninitialized element 2" => &[T::IndirectCallToNull],
        "indirect call" | "indirect call type mismatch" => &[T::BadSignature],
        "integer overflow" => &[T::IntegerOverflow],
        "integer divide by zero" => &[T::IntegerDivisionByZero],
        "invalid conversion to integer" => &[T::BadConversionToInteger],
        "null function reference"
        | "null array reference"
        | "null structure reference"
        | "null i31 reference"
        | "null reference" => &[T::NullReference],
        "cast failure" => &[T::CastFailure],
        "call stack exhausted" => return Ok(*failed == Failed::Exhausted),
        unknown => return Err(format!("no kind of trap is known as `{unknown}`")),
    };
    Ok(matches!(failed, Failed::Trapped(trap) if kinds.contains(trap)))
}
