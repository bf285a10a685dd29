//! What to run.

use std::{fmt, sync::Arc, time::Instant};

use ambit_admit::Verified;
use ambit_core::{Isolation, Policy, RejectReason, Rejection};
use ambit_engine::{
    Call,
    host::{Discard, DiscardLog, GuestInput, GuestLog, GuestOutput},
};

use crate::{module::LoadedModule, tenant::Tenant};

/// The module of a run.
#[derive(Debug, Clone)]
pub enum Module {
    /// To be compiled first; the run's deadline covers it.
    Verified(Arc<Verified>),
    /// Ready.
    Loaded(Arc<LoadedModule>),
}

impl Module {
    /// The module as it was admitted.
    pub fn verified(&self) -> &Arc<Verified> {
        match self {
            Module::Verified(verified) => verified,
            Module::Loaded(loaded) => &loaded.verified,
        }
    }
}

/// Where a run's streams go. The default is nowhere.
pub struct Streams {
    /// Standard input; `None` takes what the grant says.
    pub stdin: Option<Box<dyn GuestInput>>,
    /// Standard output.
    pub stdout: Box<dyn GuestOutput>,
    /// Standard error.
    pub stderr: Box<dyn GuestOutput>,
    /// Messages of `env.log`.
    pub log: Box<dyn GuestLog>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { stdin: None, stdout: Box::new(Discard), stderr: Box::new(Discard), log: Box::new(DiscardLog) }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams")
    }
}

/// What to run, with what and within what.
#[derive(Debug)]
pub struct RunRequest {
    /// The module.
    pub module: Module,
    /// Limits and grants in force: a policy that [`Policy::resolve`] has passed.
    pub policy: Arc<Policy>,
    /// What to call.
    pub call: Call,
    /// Where its streams go.
    pub streams: Streams,
    /// Since when it is under way, if that is longer than it is known here: deadline and wall time count from then.
    pub since: Option<Instant>,
    /// What it is called: argv\[0\], and the name in the report.
    pub name: Arc<str>,
    /// Whose run it is; `None` is a tenant of the runtime's own.
    pub tenant: Option<Tenant>,
}

/// An instance to be made and kept.
#[derive(Debug)]
pub struct InstanceRequest {
    /// The module.
    pub module: Arc<LoadedModule>,
    /// Limits and grants in force: a policy that [`Policy::resolve`] has passed, and that the module was loaded for.
    pub policy: Arc<Policy>,
    /// Where its streams go.
    pub streams: Streams,
    /// What it is called: argv\[0\], and the name in reports.
    pub name: Arc<str>,
    /// Whose it is; `None` is a tenant of the runtime's own.
    pub tenant: Option<Tenant>,
}

/// A run, or an instance to be kept: what both are made of.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) module: Module,
    pub(crate) policy: Arc<Policy>,
    /// `None` for an instance that is to be kept.
    pub(crate) call: Option<Call>,
    pub(crate) streams: Streams,
    pub(crate) since: Option<Instant>,
    pub(crate) name: Arc<str>,
    pub(crate) tenant: Option<Tenant>,
}

impl From<RunRequest> for Wanted {
    fn from(request: RunRequest) -> Self {
        let RunRequest { module, policy, call, streams, since, name, tenant } = request;
        Self { module, policy, call: Some(call), streams, since, name, tenant }
    }
}

impl From<InstanceRequest> for Wanted {
    fn from(request: InstanceRequest) -> Self {
        let InstanceRequest { module, policy, streams, name, tenant } = request;
        Self { module: Module::Loaded(module), policy, call: None, streams, since: None, name, tenant }
    }
}

/// The isolation level this crate provides.
pub(crate) const ISOLATION: Isolation = Isolation::None;

impl Wanted {
    /// What of it contradicts itself.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        let verified = self.module.verified();
        match &self.call {
            Some(call) if call.module() != verified.digest() => {
                Err(Rejection::new(RejectReason::Policy, "the call was made for another module"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
