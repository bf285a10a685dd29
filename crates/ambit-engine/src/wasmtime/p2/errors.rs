//! Errors that components hold.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::IoError;
use wasmtime_wasi_io::bindings::wasi::io::error::{Host, HostError};

use super::View;

impl Host for View<'_> {}

impl HostError for View<'_> {
    fn drop(&mut self, error: Resource<IoError>) -> wasmtime::Result<()> {
        self.table.delete(error)?;
        Ok(())
    }

    /// What happened, and not where in the host: an error's own debug text can have a backtrace.
    fn to_debug_string(&mut self, error: Resource<IoError>) -> wasmtime::Result<String> {
        Ok(self.table.get(&error)?.to_string())
    }
}
