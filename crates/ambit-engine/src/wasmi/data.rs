//! What a Wasmi store holds for one guest.

use std::{any::Any, sync::Arc};

use ambit_core::ResultValue;
use wasmi::{Instance, Memory};

use super::{fuel::Slices, limiter::Limiter};
use crate::{
    functions::Registered,
    host::{Host, Wait},
};

/// What a Wasmi store holds for one guest.
pub(super) struct Data {
    pub(super) host: Box<Host>,
    pub(super) limiter: Limiter,
    pub(super) slices: Slices,
    /// Once it is made; nothing of the guest runs before.
    pub(super) instance: Option<Instance>,
    /// The guest's memory, looked up once.
    pub(super) memory: Option<Memory>,
    /// How often the guest is inside itself through host functions; 0 while the host's own call is the only one.
    pub(super) depth: u32,
    /// What a host call left to be done when it gave the thread back.
    pub(super) pending: Option<Pending>,
}

/// What is left to be done of a host call, outside of the interpreter.
pub(super) enum Pending {
    /// To wait, and then to go on.
    Wait(Wait),
    /// To panic, once there is no interpreter on the stack any more, through which a panic cannot go.
    Panic(Box<dyn Any + Send>),
    /// All of it: a function of the embedder's that may wait.
    Function(Arc<Registered>, Vec<ResultValue>),
}
