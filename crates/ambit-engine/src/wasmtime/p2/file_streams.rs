//! Files as streams. A file never waits, so each read and write is done where it is asked for: no thread is needed for it.

use std::{io::IoSlice, sync::Arc};

use bytes::Bytes;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::{MOST, beyond, zeroes};
use crate::{
    host::{Errno, descriptor::File},
    meter::Meter,
};

/// Why an operation on a stream failed; a component may ask which error of the file system's it was.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the file system answers {0:?}")]
pub(super) struct FileError(pub(super) Errno);

/// What becomes of a stream: one that failed is closed.
fn settle<T>(open: &mut bool, result: Result<T, Errno>) -> StreamResult<T> {
    result.map_err(|errno| {
        *open = false;
        StreamError::LastOperationFailed(wasmtime::Error::new(FileError(errno)))
    })
}

/// Reads a file from a position on.
pub(super) struct Reader {
    file: Arc<File>,
    position: u64,
    open: bool,
}

impl Reader {
    pub(super) fn new(file: Arc<File>, position: u64) -> Self {
        Self { file, position, open: true }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if !self.open {
            return Err(StreamError::Closed);
        }
        if size == 0 {
            return Ok(Bytes::new());
        }
        let mut buf = vec![0; size.min(MOST)];
        let read = settle(&mut self.open, self.file.read(&mut buf, self.position))?;
        if read == 0 {
            self.open = false;
            return Err(StreamError::Closed);
        }
        buf.truncate(read);
        self.position = self.position.saturating_add(read as u64);
        Ok(buf.into())
    }
}

/// Writes a file, from a position on or at its end.
pub(super) struct Writer {
    file: Arc<File>,
    meter: Arc<Meter>,
    /// Where the next byte goes; at the end if absent. What others append meanwhile to the same file may be overwritten.
    position: Option<u64>,
    open: bool,
}

impl Writer {
    pub(super) fn new(file: Arc<File>, meter: Arc<Meter>, position: Option<u64>) -> Self {
        Self { file, meter, position, open: true }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Errno> {
        let mut at = match self.position {
            Some(position) => position,
            None => self.file.size()?,
        };
        while !bytes.is_empty() {
            let written = self.file.write(&self.meter, &[IoSlice::new(bytes)], Some(at))?;
            if written == 0 {
                return Err(Errno::Io);
            }
            bytes = &bytes[written..];
            at = at.saturating_add(written as u64);
        }
        self.position = self.position.map(|_| at);
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > MOST {
            return Err(beyond());
        }
        if !self.open {
            return Err(StreamError::Closed);
        }
        let result = self.write_all(&bytes);
        settle(&mut self.open, result)
    }

    fn write_zeroes(&mut self, len: usize) -> StreamResult<()> {
        self.write(zeroes(len)?)
    }

    fn flush(&mut self) -> StreamResult<()> {
        if self.open { Ok(()) } else { Err(StreamError::Closed) }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.open { Ok(MOST) } else { Err(StreamError::Closed) }
    }
}
