//! From a request to a task: everything that can be refused before anything runs.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use ambit_core::{Bound, ByteSize, Digest, Event, Policy, RejectReason, Rejection, RunId};
use ambit_engine::{Meter, Settings};

use super::Runtime;
use crate::{
    bucket::Bucket,
    cache::Found,
    finished::Identity,
    gate::Asks,
    request::{Module, Wanted},
    resolve::{Resolved, resolve},
    scratch::Scratch,
    task::{Phase, Task},
    tenant::TenantShared,
};

/// What a task is made of.
pub(super) struct Parts {
    pub(super) digest: Digest,
    pub(super) phase: Phase,
    pub(super) meter: Arc<Meter>,
    pub(super) policy: Arc<Policy>,
    pub(super) tenant: Arc<TenantShared>,
    pub(super) name: Arc<str>,
    /// Bytes to reserve.
    pub(super) memory: u64,
    pub(super) since: Option<Instant>,
    pub(super) scratch: Option<Scratch>,
    pub(super) keep: bool,
}

impl Runtime {
    /// Resolves grants, and makes the guest or has its module compiled.
    pub(super) fn prepare(&self, wanted: Wanted) -> Result<(Box<Task>, Identity), Rejection> {
        wanted.check()?;
        let Wanted { module, policy, call, streams, since, name, tenant } = wanted;
        let tenant = tenant.map_or_else(|| Arc::clone(&self.tenant.0), |tenant| tenant.0);
        if !tenant.belongs_to(&self.scheduler) {
            let message = format!("tenant `{}` is one of another runtime", tenant.config.name);
            return Err(Rejection::new(RejectReason::Policy, message));
        }
        let memory = self.countable(policy.limits.run.memory)?;
        let settings = Settings::shared_process(&policy);
        if let Module::Loaded(loaded) = &module
            && loaded.settings != settings
        {
            let message =
                "the module was loaded under a policy with another stack, other features or other metering; load it for this one";
            return Err(Rejection::new(RejectReason::Policy, message));
        }
        let Resolved { host, scratch } = resolve(&policy.grants, streams, Arc::clone(&name))?;
        let digest = module.verified().digest();
        let meter = Arc::new(Meter::new(policy.limits.run.clone(), policy.on_memory_refusal));
        let keep = call.is_none();
        let found = match module {
            Module::Loaded(loaded) => Found::Ready(loaded),
            Module::Verified(module) => self.cache.get(&module, settings),
        };
        let phase = match found {
            Found::Ready(loaded) => Phase::Running(loaded.guest(host, Arc::clone(&meter), call)),
            Found::Full => {
                let message = "too many modules wait to be compiled; try again later";
                return Err(Rejection::new(RejectReason::Overloaded, message));
            }
            Found::Compiling(module) => {
                Phase::Compiling { module, host: Box::new(host), call, scheduler: Arc::clone(&self.scheduler) }
            }
        };
        Ok(self.task(Parts { digest, phase, meter, policy, tenant, name, memory, since, scratch, keep }))
    }

    /// Takes a number, and tells whoever listens.
    pub(super) fn task(&self, parts: Parts) -> (Box<Task>, Identity) {
        let Parts { digest, phase, meter, policy, tenant, name, memory, since, scratch, keep } = parts;
        let now = Instant::now();
        let started = since.map_or(now, |since| since.min(now));
        let limits = &policy.limits.run;
        let deadline = match limits.wall_time {
            Bound::At(span) => Some(started + span.duration()),
            Bound::Unlimited => None,
        };
        let id = RunId(self.next.fetch_add(1, Relaxed));
        let identity = Identity {
            run: id,
            module: digest,
            name,
            policy: Arc::clone(&policy),
            engine: self.engine.id(),
            engine_version: Arc::clone(&self.engine_version),
        };
        self.scheduler.herald.tell(|| Event::Started { run: id, module: digest });
        let task = Task {
            id,
            digest,
            phase,
            meter,
            tenant,
            asks: Asks { runs: 1, memory },
            permit: None,
            started,
            deadline,
            queue_until: now + self.queue_wait,
            cpu: Duration::ZERO,
            bucket: Bucket::of_guest(limits.cpus, started),
            refill: None,
            compile_time: None,
            scratch,
            waker: None,
            done: None,
            keep,
            kept: None,
            held: None,
            policy,
        };
        (Box::new(task), identity)
    }

    /// What a run with this limit on its memory reserves, if that can ever be had.
    fn countable(&self, memory: Bound<ByteSize>) -> Result<u64, Rejection> {
        let total = self.scheduler.gate.memory();
        let refuse = |what: String| {
            let total = ByteSize::bytes(total);
            Err(Rejection::new(RejectReason::Policy, format!("the run {what}, and the runtime has {total} for all")))
        };
        match memory {
            Bound::At(size) if size.get() > total => refuse(format!("may use {size} of memory")),
            Bound::Unlimited if total != u64::MAX => refuse("has no limit on its memory".into()),
            Bound::At(size) => Ok(size.get()),
            Bound::Unlimited => Ok(0),
        }
    }
}
