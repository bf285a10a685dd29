//! Why a guest's code stopped of itself.

use serde::{Deserialize, Serialize};

use crate::ids::names;

names! {
    /// What kind of trap ended a guest. The same words on every engine. Exhausted stack, fuel and memory are not traps
    /// here but limits.
    TrapKind, "trap";
    /// `unreachable` was executed; what most languages compile abort and panic to.
    Unreachable = "unreachable",
    /// A memory access, or a bulk operation, beyond the memory's size.
    MemoryOutOfBounds = "memory-out-of-bounds",
    /// A table access beyond the table's size.
    TableOutOfBounds = "table-out-of-bounds",
    /// call_indirect through an element that is null.
    IndirectCallToNull = "indirect-call-to-null",
    /// call_indirect to a function of another type.
    BadSignature = "bad-signature",
    /// Integer overflow in a division.
    IntegerOverflow = "integer-overflow",
    /// Division of an integer by zero.
    IntegerDivisionByZero = "integer-division-by-zero",
    /// A float that no integer can represent was converted.
    BadConversionToInteger = "bad-conversion-to-integer",
    /// A null reference was used.
    NullReference = "null-reference",
    /// An array access beyond the array's length.
    ArrayOutOfBounds = "array-out-of-bounds",
    /// An array or a buffer too large to make.
    AllocationTooLarge = "allocation-too-large",
    /// A reference was cast to a type it does not have.
    CastFailure = "cast-failure",
    /// An exception that nothing caught.
    UncaughtException = "uncaught-exception",
    /// An atomic access that is not aligned.
    HeapMisaligned = "heap-misaligned",
    /// The component model's rules were broken: re-entry, an invalid list, string or enum.
    ComponentRule = "component-rule",
    /// A host function refused its arguments.
    Host = "host",
    /// The guest did not keep the convention of an exchange: an address outside its memory, or a reply that is too long.
    Exchange = "exchange",
    /// A trap this version has no word for; the message says what the engine calls it.
    Other = "other",
}

/// One frame of a guest's stack, innermost first in a list. Every name is escaped and capped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The function's name from the name section, or its index as `func[7]`.
    pub function: String,
    /// The module's own name, if it has one.
    pub module: Option<String>,
    /// Byte offset in the module, if the artifact has an address map.
    pub offset: Option<u64>,
    /// `file:line:column` where DWARF tells.
    pub source: Option<String>,
}

impl Frame {
    /// At most this many frames of a stack are kept; what called them is left out.
    pub const MAX_KEPT: usize = 64;
}
