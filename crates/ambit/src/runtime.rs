//! The runtime, as embedders have it.

use std::{fmt, sync::Arc, thread};

use ambit_runtime::{Events, SchedulerStats, Tenant, TenantConfig};
use tokio::sync::Semaphore;

use crate::{builder::RuntimeBuilder, error::Error, policy::Policy};

/// Loads modules and runs them in this process. Clones are the same runtime.
///
/// Works under any async executor, and without one. When the last clone is dropped, and with it every [`Module`] and
/// [`Instance`] that was made by it, what still runs is cancelled and the thread waits for that: at most for a slice, or
/// for one operation that cannot be interrupted. That must not happen on a thread of the runtime itself: listeners, logs and
/// host functions must not hold any of them, which would also keep the runtime for ever.
///
/// [`Module`]: crate::Module
/// [`Instance`]: crate::Instance
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: ambit_runtime::Runtime,
    policy: Policy,
    /// Bounds the threads that read modules.
    readers: Arc<Semaphore>,
}

impl Runtime {
    /// A runtime with the defaults: see [`RuntimeBuilder`].
    ///
    /// # Errors
    /// The operating system gives no threads, timers or descriptors.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Says how a runtime is to be.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    pub(crate) fn new_with(runtime: ambit_runtime::Runtime, policy: Policy) -> Self {
        let readers = thread::available_parallelism().map_or(1, usize::from);
        Self { shared: Arc::new(Shared { runtime, policy, readers: Arc::new(Semaphore::new(readers)) }) }
    }

    /// What guests may use and reach, unless their module has a policy of its own.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Makes room for a tenant: guests of modules that are [its](crate::Module::with_tenant) share the CPU and the runtime's
    /// room as one.
    ///
    /// # Errors
    /// Its weight is out of its range.
    pub fn tenant(&self, config: TenantConfig) -> Result<Tenant, Error> {
        Ok(self.inner().tenant(config)?)
    }

    /// What is going on, and has gone on.
    pub fn stats(&self) -> SchedulerStats {
        self.inner().stats()
    }

    /// What happens to calls and runs from now on.
    pub fn events(&self) -> Events {
        self.inner().events()
    }

    pub(crate) fn inner(&self) -> &ambit_runtime::Runtime {
        &self.shared.runtime
    }

    pub(crate) fn readers(&self) -> &Arc<Semaphore> {
        &self.shared.readers
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("policy", &self.shared.policy).finish_non_exhaustive()
    }
}
