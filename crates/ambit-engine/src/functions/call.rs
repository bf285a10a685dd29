//! What a host function can do with the guest that calls it.

use std::fmt;

use ambit_core::ResultValue;

use super::{HostError, HostFuture};
use crate::access::AccessError;

/// The guest that calls a host function: its memory, and for functions that may wait, its exports.
///
/// The memory is the module's export `memory`. Every read and write is a copy; what was read stays as it was when the guest
/// runs again.
pub struct HostCall<'a> {
    access: &'a mut dyn Access,
}

/// A guest inside a host call, as its engine has it.
pub(crate) trait Access: Send {
    /// Bytes of the memory.
    fn memory_size(&mut self) -> Result<u64, AccessError>;
    /// A copy of bytes of the memory.
    fn memory_read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, AccessError>;
    /// Copies bytes to the memory.
    fn memory_write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), AccessError>;
    /// Calls an exported function.
    fn call<'a>(&'a mut self, name: &'a str, args: &'a [ResultValue]) -> HostFuture<'a>;
}

impl<'a> HostCall<'a> {
    pub(crate) fn new(access: &'a mut dyn Access) -> Self {
        Self { access }
    }
}

impl HostCall<'_> {
    /// Bytes of the guest's memory.
    ///
    /// # Errors
    /// The module exports no memory `memory`.
    pub fn memory_size(&mut self) -> Result<u64, AccessError> {
        self.access.memory_size()
    }

    /// A copy of `len` bytes at `offset`. It lies in host memory, uncharged: no more than the guest has itself.
    ///
    /// # Errors
    /// The module exports no memory `memory`, or they do not all lie in it.
    pub fn memory_read(&mut self, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
        self.access.memory_read(offset, len)
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    /// The module exports no memory `memory`, or they do not all fit into it; then none is written.
    pub fn memory_write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        self.access.memory_write(offset, bytes)
    }

    /// Calls a function that the guest exports, within the same run: its fuel, time and memory are the run's.
    ///
    /// If the guest's code ends in there, by a trap, an exit or a limit, the run ends that way whatever the host function
    /// then does; the same holds for a call that is dropped before it is done. A guest may be inside itself
    /// [`MOST_DEPTH`](super::MOST_DEPTH) times; one call more ends the run by the limit `stack`.
    ///
    /// # Errors
    /// The module exports no such function, the arguments are not of its types, one of its types is a reference, or the run
    /// has ended; or this is a function that answers at once, which cannot call.
    pub async fn call(&mut self, name: &str, args: &[ResultValue]) -> Result<Vec<ResultValue>, HostError> {
        self.access.call(name, args).await
    }
}

impl fmt::Debug for HostCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostCall")
    }
}
