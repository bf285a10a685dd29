//! Instances that are kept between calls.

use ambit_core::ResultValue;

use crate::{access::AccessError, call::Call};

/// A kept guest between two calls: call it again, look into it, change it.
///
/// Its memory, globals and tables are what the last call left. Nothing of the guest runs while they are looked at. Names
/// are those of the module's exports; what is not exported cannot be reached. No reference is handed out or taken: it would
/// outlive the instance, or be of another one.
pub trait Kept: Send {
    /// Readies the next call, which [`Guest::poll_slice`](crate::Guest::poll_slice) then runs; one that was readied before
    /// and has not run is replaced. `_initialize` is not called again.
    ///
    /// The fuel limit is each call's own. All other limits and quotas are the instance's, over its whole life.
    fn call(&mut self, call: Call);

    /// The names of the exported memories.
    fn memories(&mut self) -> Vec<String>;

    /// Bytes of a memory.
    ///
    /// # Errors
    /// There is none of that name.
    fn memory_size(&mut self, name: &str) -> Result<u64, AccessError>;

    /// Grows a memory by `pages` (64 KiB, unless the memory has pages of its own size), as if the guest had asked for it:
    /// within its limits, and a refusal stands in its account. Gives back the bytes it had before.
    ///
    /// # Errors
    /// There is none of that name, the limits do not allow it, or the memory's own maximum does not. If the policy ends
    /// runs at a refused growth, the guest is over then.
    fn memory_grow(&mut self, name: &str, pages: u64) -> Result<u64, AccessError>;

    /// A copy of `len` bytes at `offset`.
    ///
    /// # Errors
    /// There is no memory of that name, or they do not all lie in it.
    fn memory_read(&mut self, name: &str, offset: u64, len: u64) -> Result<Vec<u8>, AccessError>;

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    /// There is no memory of that name, or they do not all fit into it; then none is written.
    fn memory_write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), AccessError>;

    /// The names of the exported globals.
    fn globals(&mut self) -> Vec<String>;

    /// The value of a global.
    ///
    /// # Errors
    /// There is none of that name, or it holds a reference.
    fn global_get(&mut self, name: &str) -> Result<ResultValue, AccessError>;

    /// Sets a global.
    ///
    /// # Errors
    /// There is none of that name, it is immutable, or of another type.
    fn global_set(&mut self, name: &str, value: ResultValue) -> Result<(), AccessError>;

    /// The names of the exported tables.
    fn tables(&mut self) -> Vec<String>;

    /// Elements of a table.
    ///
    /// # Errors
    /// There is none of that name.
    fn table_size(&mut self, name: &str) -> Result<u64, AccessError>;

    /// What kind of element a table has at `index`.
    ///
    /// # Errors
    /// There is no table of that name, or it is not that long.
    fn table_get(&mut self, name: &str, index: u64) -> Result<TableElement, AccessError>;

    /// Sets an element of a table to null: the only reference there is outside of the guest.
    ///
    /// # Errors
    /// There is no table of that name, it is not that long, or its type does not allow null.
    fn table_set_null(&mut self, name: &str, index: u64) -> Result<(), AccessError>;
}

/// What kind of element a table has. The reference itself is not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableElement {
    /// None.
    Null,
    /// A function.
    Function,
    /// A reference to something else: a value of the guest's, or one of the host's.
    Other,
}
