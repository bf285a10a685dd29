//! Standard streams of components: the host's own streams, with their limits, in the shape of preview 2.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi::{
    cli::{IsTerminal, StdinStream, StdoutStream},
    p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult},
};

use super::{MOST, beyond, zeroes};
use crate::host::{Fail, SharedInput, SharedOutput, Stop};

type Waiting = Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// Standard output or standard error.
pub(super) struct Output(pub(super) SharedOutput);

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Writer { output: self.0.clone(), waiting: std::sync::Mutex::new(None) })
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Out { output: self.0.clone(), pending: Bytes::new(), charged: 0, open: true })
    }
}

/// A stream of a component's to an output. What a write could not pass on is kept, and no more is taken meanwhile.
struct Out {
    output: SharedOutput,
    pending: Bytes,
    /// What is charged for `pending`: all of the write that it is the rest of, since that is what is held.
    charged: u64,
    /// An output that failed takes nothing more.
    open: bool,
}

impl Out {
    fn drain(&mut self) -> StreamResult<()> {
        if !self.open {
            return Err(StreamError::Closed);
        }
        while !self.pending.is_empty() {
            match self.output.try_write(&[IoSlice::new(&self.pending)]) {
                Ok(Some(written)) => drop(self.pending.split_to(written)),
                Ok(None) => return Ok(()),
                Err(Fail::Stop(stop)) => return Err(StreamError::Trap(wasmtime::Error::new(stop))),
                Err(Fail::Errno(_)) => {
                    self.open = false;
                    self.release();
                    return Err(StreamError::Closed);
                }
            }
        }
        self.release();
        Ok(())
    }

    fn release(&mut self) {
        self.pending = Bytes::new();
        self.output.meter().release_buffer(std::mem::take(&mut self.charged));
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.release();
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Out {
    async fn ready(&mut self) {
        while self.drain().is_ok() && !(self.pending.is_empty() && self.output.is_ready()) {
            self.output.writable().await;
        }
    }
}

impl OutputStream for Out {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > MOST || !self.pending.is_empty() {
            return Err(beyond());
        }
        let len = bytes.len() as u64;
        if self.open {
            self.pending = bytes;
        }
        self.drain()?;
        if !self.pending.is_empty() {
            let kept = self.output.meter().keep_buffer(len);
            kept.map_err(|_| StreamError::Trap(wasmtime::Error::new(Stop::Limit)))?;
            self.charged = len;
        }
        Ok(())
    }

    fn write_zeroes(&mut self, len: usize) -> StreamResult<()> {
        self.write(zeroes(len)?)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.drain()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.drain()?;
        Ok(if self.pending.is_empty() { MOST } else { 0 })
    }
}

/// The same output for interfaces of later versions.
struct Writer {
    output: SharedOutput,
    waiting: std::sync::Mutex<Waiting>,
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let waiting = this.waiting.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            if let Some(wait) = waiting {
                ready!(wait.as_mut().poll(cx));
                *waiting = None;
            }
            match this.output.try_write(&[IoSlice::new(&buf[..buf.len().min(MOST)])]) {
                Ok(Some(written)) => return Poll::Ready(Ok(written)),
                Ok(None) => *waiting = Some(this.output.writable()),
                Err(fail) => return Poll::Ready(Err(io::Error::other(format!("{fail:?}")))),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Standard input.
pub(super) struct Input(pub(super) SharedInput);

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(Reader { input: self.0.clone(), waiting: std::sync::Mutex::new(None) })
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(In(self.0.clone()))
    }
}

struct In(SharedInput);

#[wasmtime_wasi::async_trait]
impl Pollable for In {
    async fn ready(&mut self) {
        while !self.0.is_ready() {
            self.0.readable().await;
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for In {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let mut buf = vec![0; size.min(MOST)];
        match self.0.try_read(&mut buf) {
            Ok(Some(0)) => Err(StreamError::Closed),
            Ok(Some(read)) => {
                buf.truncate(read);
                Ok(buf.into())
            }
            Ok(None) => Ok(Bytes::new()),
            Err(error) => Err(StreamError::LastOperationFailed(wasmtime::Error::new(error))),
        }
    }
}

/// The same input for interfaces of later versions.
struct Reader {
    input: SharedInput,
    waiting: std::sync::Mutex<Waiting>,
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let waiting = this.waiting.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            if let Some(wait) = waiting {
                ready!(wait.as_mut().poll(cx));
                *waiting = None;
            }
            let most = buf.remaining().min(MOST);
            let target = buf.initialize_unfilled_to(most);
            match this.input.try_read(target)? {
                Some(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                None => *waiting = Some(this.input.readable()),
            }
        }
    }
}
