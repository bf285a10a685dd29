//! An instance's memories, globals and tables.

use ambit_core::ResultValue as Value;
use ambit_engine::{Kept, TableElement};

use super::Instance;
use crate::error::Error;

/// Memories, globals and tables, by the names under which the module exports them. What is not exported cannot be reached, and
/// no reference is handed out or taken. Bounds are checked in 64 bits.
///
/// Each of these fails with [`Error::Over`] if the instance is over, and with [`Error::Access`] for a reason of its own.
impl Instance {
    fn look(&mut self) -> Result<&mut dyn Kept, Error> {
        let inner = self.inner.as_mut().ok_or(Error::Over)?;
        inner.look().map_err(|_| Error::Over)
    }

    /// The names of the exported memories.
    ///
    /// # Errors
    /// The instance is over.
    pub fn memories(&mut self) -> Result<Vec<String>, Error> {
        Ok(self.look()?.memories())
    }

    /// Bytes of a memory.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn memory_size(&mut self, memory: &str) -> Result<u64, Error> {
        Ok(self.look()?.memory_size(memory)?)
    }

    /// A copy of `len` bytes at `offset`.
    ///
    /// # Errors
    /// There is no memory of that name, or they do not all lie in it.
    pub fn memory_read(&mut self, memory: &str, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
        Ok(self.look()?.memory_read(memory, offset, len)?)
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    /// There is no memory of that name, or they do not all fit into it; then none is written.
    pub fn memory_write(&mut self, memory: &str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.look()?.memory_write(memory, offset, bytes)?)
    }

    /// Grows a memory by `pages` (64 KiB, unless the memory has pages of its own size) as if the guest had asked for it. Gives
    /// back the bytes it had before.
    ///
    /// # Errors
    /// There is none of that name; or a limit, or the memory's own maximum, does not allow it. If the policy ends guests at a
    /// refused growth, the instance is over then.
    pub fn memory_grow(&mut self, memory: &str, pages: u64) -> Result<u64, Error> {
        let grown = self.look()?.memory_grow(memory, pages);
        if self.look().is_err() {
            self.end();
        }
        Ok(grown?)
    }

    /// The names of the exported globals.
    ///
    /// # Errors
    /// The instance is over.
    pub fn globals(&mut self) -> Result<Vec<String>, Error> {
        Ok(self.look()?.globals())
    }

    /// The value of a global.
    ///
    /// # Errors
    /// There is none of that name, or it holds a reference.
    pub fn global_get(&mut self, global: &str) -> Result<Value, Error> {
        Ok(self.look()?.global_get(global)?)
    }

    /// Sets a global.
    ///
    /// # Errors
    /// There is none of that name, it is immutable, or of another type.
    pub fn global_set(&mut self, global: &str, value: impl Into<Value>) -> Result<(), Error> {
        Ok(self.look()?.global_set(global, value.into())?)
    }

    /// The names of the exported tables.
    ///
    /// # Errors
    /// The instance is over.
    pub fn tables(&mut self) -> Result<Vec<String>, Error> {
        Ok(self.look()?.tables())
    }

    /// Elements of a table.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn table_size(&mut self, table: &str) -> Result<u64, Error> {
        Ok(self.look()?.table_size(table)?)
    }

    /// What kind of element a table has at `index`.
    ///
    /// # Errors
    /// There is no table of that name, or it is not that long.
    pub fn table_get(&mut self, table: &str, index: u64) -> Result<TableElement, Error> {
        Ok(self.look()?.table_get(table, index)?)
    }

    /// Sets an element of a table to null: the only reference there is outside of the guest.
    ///
    /// # Errors
    /// There is no table of that name, it is not that long, or its type does not allow null.
    pub fn table_set_null(&mut self, table: &str, index: u64) -> Result<(), Error> {
        Ok(self.look()?.table_set_null(table, index)?)
    }
}
