//! What a Wasmtime store holds for one guest.

use std::sync::Arc;

use wasmtime::Memory;

use super::{limiter::Limiter, p2::Preview2};
use crate::{host::Host, meter::Meter};

/// What a Wasmtime store holds for one guest.
pub(super) struct Data {
    /// Boxed: a store's data is moved several times before it rests.
    pub(super) host: Box<Host>,
    pub(super) limiter: Limiter,
    /// The guest's memory, looked up once.
    pub(super) memory: Option<Memory>,
    /// How often the guest is inside itself through host functions; 0 while the host's own call is the only one.
    pub(super) depth: u32,
    /// For components only, since it is not cheap.
    pub(super) p2: Option<Box<Preview2>>,
}

impl Data {
    pub(super) fn new(host: Box<Host>, meter: Arc<Meter>) -> Self {
        Self { host, limiter: Limiter::new(meter), memory: None, depth: 0, p2: None }
    }
}
