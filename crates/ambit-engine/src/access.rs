//! Why a kept guest's memory, global or table could not be looked at or changed.

use std::fmt;

use ambit_admit::ValType;
use ambit_core::escape;

use crate::meter::Excess;

/// Why a kept guest's memory, global or table could not be looked at or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// There is no such export.
    #[error("the module exports no {what} `{}`", escape(name, 128))]
    Missing {
        /// What was looked for.
        what: Exported,
        /// The name, as it was given.
        name: String,
    },
    /// Bytes or elements that do not lie inside.
    #[error("{len} {} at {offset} do not lie in the {what}, which has {size}", what.unit())]
    OutOfBounds {
        /// What they were to lie in.
        what: Exported,
        /// Where the first would lie.
        offset: u64,
        /// How many.
        len: u64,
        /// How many there are in all.
        size: u64,
    },
    /// A value of another type than the global's.
    #[error("the global is of type {expected}, not {given}")]
    WrongType {
        /// The global's type.
        expected: ValType,
        /// The type of the value.
        given: ValType,
    },
    /// The global cannot be set.
    #[error("the global is immutable")]
    Immutable,
    /// The global holds a reference; references are not handed out, nor taken.
    #[error("the global holds a reference, which cannot leave or enter the guest")]
    Reference,
    /// The table's element type does not allow null.
    #[error("the table's elements cannot be null")]
    NotNullable,
    /// A limit of the guest's does not allow the growth.
    #[error("{} would come to {}, beyond the limit of {}", .0.limit, .0.limit.show(.0.used), .0.limit.show(.0.allowed))]
    Limit(Excess),
    /// The memory's own maximum, or what the machine has, does not allow the growth.
    #[error("the memory cannot grow by {pages} pages: its own maximum is reached, or the machine has no more")]
    Maximum {
        /// By how many pages it was to grow.
        pages: u64,
    },
}

/// A kind of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exported {
    /// A memory.
    Memory,
    /// A global.
    Global,
    /// A table.
    Table,
}

impl Exported {
    /// What it is counted in.
    fn unit(self) -> &'static str {
        match self {
            Exported::Memory => "bytes",
            Exported::Table => "elements",
            Exported::Global => "values",
        }
    }
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Exported::Memory => "memory",
            Exported::Global => "global",
            Exported::Table => "table",
        })
    }
}

impl AccessError {
    /// There is no export of that name and kind.
    pub fn missing(what: Exported, name: &str) -> Self {
        AccessError::Missing { what, name: name.to_owned() }
    }

    /// Where `len` items from `offset` lie, if they all lie among `size`.
    ///
    /// # Errors
    /// [`AccessError::OutOfBounds`]: they do not.
    pub fn check(what: Exported, offset: u64, len: u64, size: usize) -> Result<std::ops::Range<usize>, Self> {
        let size = size as u64;
        let outside = AccessError::OutOfBounds { what, offset, len, size };
        let Some(end) = offset.checked_add(len).filter(|&end| end <= size) else { return Err(outside) };
        match (usize::try_from(offset), usize::try_from(end)) {
            (Ok(offset), Ok(end)) => Ok(offset..end),
            _ => Err(outside),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked_in_64_bits() {
        let check = |offset, len, expect: Option<std::ops::Range<usize>>| {
            let outside = AccessError::OutOfBounds { what: Exported::Memory, offset, len, size: 64 };
            assert_eq!(AccessError::check(Exported::Memory, offset, len, 64), expect.ok_or(outside), "{offset} {len}");
        };
        check(0, 64, Some(0..64));
        check(64, 0, Some(64..64));
        check(60, 4, Some(60..64));
        for (offset, len) in
            [(0, 65), (64, 1), (65, 0), (u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX), (1 << 32, 1), (0, 1 << 32)]
        {
            check(offset, len, None);
        }
    }

    #[test]
    fn messages_name_the_place() {
        let check = |error: AccessError, expect: &str| assert_eq!(error.to_string(), expect);
        check(AccessError::missing(Exported::Global, "a\nb"), "the module exports no global `a\\nb`");
        let outside = AccessError::check(Exported::Memory, 65_530, 8, 65_536).expect_err("6 too many");
        check(outside, "8 bytes at 65530 do not lie in the memory, which has 65536");
        let excess = Excess { limit: ambit_core::LimitKey::Memory, allowed: 1 << 20, used: 2 << 20 };
        check(AccessError::Limit(excess), "memory would come to 2MiB, beyond the limit of 1MiB");
    }
}
