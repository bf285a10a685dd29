//! A guest that is called once: a future over a store, polled slice by slice.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::begin::{First, Parts};
use crate::{call::Call, contract::Guest, ended::Ended};

/// A guest on a fiber of Wasmtime's.
pub(super) struct WasmtimeGuest {
    run: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

impl WasmtimeGuest {
    pub(super) fn new(parts: Parts, call: Call) -> Self {
        Self { run: Box::pin(async { parts.begin(First::Call(call)).await.0 }) }
    }
}

impl Guest for WasmtimeGuest {
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.run.as_mut().poll(cx)
    }
}
