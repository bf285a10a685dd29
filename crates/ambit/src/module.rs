//! A module that is ready to run.

use std::{fmt, sync::Arc, time::Duration};

use ambit_admit::{Export, Import, MemoryType, Risk, TableType, Verified};
use ambit_core::{Digest, GrantKey, ResultValue as Value};
use ambit_engine::{Call, Function};
use ambit_runtime::{Finished, LoadedModule, RunRequest, Started, Streams, Tenant};

use crate::{
    awaited::Awaited,
    block::block_on,
    error::Error,
    func::{TypedFunc, ended},
    instance::Instance,
    launch::Launch,
    log::Log,
    output::Output,
    policy::Policy,
    runtime::Runtime,
    values::Values,
};

/// A module that was admitted and compiled, ready to be called and run under its policy. Cheap to clone.
///
/// Every [`call`](Module::call) and [`run`](Module::run) has an instance of its own, made for it and gone after it. What is to
/// be kept between calls is an [`Instance`], from [`Module::instantiate`].
#[derive(Clone)]
pub struct Module {
    parts: Arc<Parts>,
}

#[derive(Clone)]
struct Parts {
    runtime: Runtime,
    loaded: Arc<LoadedModule>,
    policy: Policy,
    tenant: Option<Tenant>,
    name: Arc<str>,
    log: Option<Log>,
}

impl Module {
    pub(crate) fn new(runtime: Runtime, loaded: Arc<LoadedModule>, policy: Policy) -> Self {
        Self { parts: Arc::new(Parts { runtime, loaded, policy, tenant: None, name: Arc::from("guest"), log: None }) }
    }

    fn with(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = Parts::clone(&self.parts);
        change(&mut parts);
        Self { parts: Arc::new(parts) }
    }

    /// This module as a tenant's: its guests get their share of the CPU with those of the tenant's other modules.
    #[must_use]
    pub fn with_tenant(&self, tenant: &Tenant) -> Self {
        self.with(|parts| parts.tenant = Some(tenant.clone()))
    }

    /// This module under another name: argv\[0\] of programs, and what reports call it. Default `guest`, or its file's name.
    #[must_use]
    pub fn with_name(&self, name: &str) -> Self {
        self.with(|parts| parts.name = name.into())
    }

    /// This module with a place for the messages of `env.log`: each a single line, escaped. Called on the thread that runs
    /// the guest, which others wait for: it must be quick. Default nowhere.
    #[must_use]
    pub fn with_log(&self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.with(|parts| parts.log = Some(Log::new(log)))
    }

    /// This module under another policy. It is admitted once more if the policy says otherwise of what may be loaded, and
    /// compiled once more if it takes another stack, other features or other metering; otherwise this costs next to nothing.
    ///
    /// # Errors
    /// The module is refused under this policy.
    pub async fn with_policy(&self, policy: &Policy) -> Result<Self, Error> {
        let verified = self.runtime().admit_again(self.verified(), self.policy(), policy).await?;
        let loaded = self.runtime().compile(verified, policy).await?;
        Ok(self.with(|parts| (parts.loaded, parts.policy) = (Arc::clone(loaded.loaded()), policy.clone())))
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::with_policy`].
    pub fn with_policy_blocking(&self, policy: &Policy) -> Result<Self, Error> {
        block_on(self.with_policy(policy))
    }
}

/// What is known of it.
impl Module {
    /// Its name: the SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.verified().digest()
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.verified().bytes().len() as u64
    }

    /// What it needs, in order. For a component, the functions of an interface one by one.
    pub fn imports(&self) -> &[Import] {
        self.verified().imports()
    }

    /// What it offers, in order. For a component, the functions of an interface one by one.
    pub fn exports(&self) -> &[Export] {
        self.verified().exports()
    }

    /// Its memories; for a component, those of all nested modules.
    pub fn memories(&self) -> &[MemoryType] {
        self.verified().memories()
    }

    /// Its tables; for a component, those of all nested modules.
    pub fn tables(&self) -> &[TableType] {
        self.verified().tables()
    }

    /// The grants that it could make use of, each with the reason, going by what it imports. Not what it needs: most programs
    /// import more than they call.
    pub fn capabilities(&self) -> Vec<(GrantKey, String)> {
        ambit_admit::could_ask_for(self.verified())
    }

    /// The facts worth knowing of it, the weightiest first. No verdict: nobody looks at what its code computes.
    pub fn risks(&self) -> Vec<Risk> {
        ambit_admit::risk(self.verified())
    }

    /// All that admission found out: bytes, features, shape, entry points, custom sections.
    pub fn verified(&self) -> &Arc<Verified> {
        self.parts.loaded.verified()
    }

    /// How long compiling and loading it took, by the monotonic clock; that of the first time, if it came from the cache.
    pub fn compile_time(&self) -> Duration {
        self.parts.loaded.compile_time()
    }

    /// What its guests may use and reach.
    pub fn policy(&self) -> &Policy {
        &self.parts.policy
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Its runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.parts.runtime
    }
}

/// Calls, each in a fresh instance.
impl Module {
    /// Calls an exported function. Its types are checked before anything runs.
    ///
    /// To call one function often, keep its [`TypedFunc`]. If the future is dropped before the call is over, the call is
    /// cancelled.
    ///
    /// # Errors
    /// There is no such function, it is of other types, or it takes or gives a reference; it was refused for lack of room; or
    /// it ended otherwise than by returning.
    pub async fn call<P: Values, R: Values>(&self, name: &str, params: P) -> Result<R, Error> {
        self.func(name)?.call(params).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call`].
    pub fn call_blocking<P: Values, R: Values>(&self, name: &str, params: P) -> Result<R, Error> {
        block_on(self.call(name, params))
    }

    /// An exported function of these types, to be called often.
    ///
    /// # Errors
    /// There is no such function, it is of other types, or it takes or gives a reference.
    pub fn func<P: Values, R: Values>(&self, name: &str) -> Result<TypedFunc<P, R>, Error> {
        Ok(TypedFunc::find(self, name)?)
    }

    /// Calls an exported function with values whose types are known only now.
    ///
    /// # Errors
    /// As [`Module::call`].
    pub async fn call_values(&self, name: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        values(name, self.perform(self.ready(name, args)?).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::call`].
    pub fn call_values_blocking(&self, name: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        block_on(self.call_values(name, args))
    }
}

/// Programs, and instances that are kept.
impl Module {
    /// Says with what it is run or instantiated: arguments, variables, input, where its output goes.
    pub fn launch(&self) -> Launch {
        Launch::new(self.clone())
    }

    /// Runs it as a program with these arguments, and keeps what it writes. Short for [`Module::launch`].
    ///
    /// # Errors
    /// It was refused: nothing ran. However it ended otherwise is in the [`Output`].
    pub async fn run(&self, args: impl IntoIterator<Item = impl Into<String>>) -> Result<Output, Error> {
        self.launch().args(args).run().await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::run`].
    pub fn run_blocking(&self, args: impl IntoIterator<Item = impl Into<String>>) -> Result<Output, Error> {
        block_on(self.run(args))
    }

    /// Makes an instance that is kept between calls: its memory, globals and tables stay. Short for [`Module::launch`].
    ///
    /// # Errors
    /// It was refused, or its start function or `_initialize` did not return.
    pub async fn instantiate(&self) -> Result<Instance, Error> {
        self.launch().instantiate().await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Module::instantiate`].
    pub fn instantiate_blocking(&self) -> Result<Instance, Error> {
        block_on(self.instantiate())
    }
}

impl Module {
    pub(crate) fn loaded(&self) -> &Arc<LoadedModule> {
        &self.parts.loaded
    }

    pub(crate) fn log(&self) -> Option<&Log> {
        self.parts.log.as_ref()
    }

    pub(crate) fn tenant(&self) -> Option<Tenant> {
        self.parts.tenant.clone()
    }

    pub(crate) fn name_arc(&self) -> Arc<str> {
        Arc::clone(&self.parts.name)
    }

    /// A call of a function, its arguments checked.
    pub(crate) fn ready(&self, name: &str, args: &[Value]) -> Result<Call, Error> {
        Ok(Function::find(self.verified(), name)?.call(args.to_vec())?)
    }

    /// A request for one call in a fresh instance.
    fn request(&self, call: Call) -> RunRequest {
        let Parts { loaded, policy, tenant, name, log, runtime: _ } = &*self.parts;
        let mut streams = Streams::default();
        if let Some(log) = log {
            streams.log = Box::new(log.clone());
        }
        RunRequest {
            module: ambit_runtime::Module::Loaded(Arc::clone(loaded)),
            policy: Arc::clone(policy.in_force()),
            call,
            streams,
            since: None,
            name: Arc::clone(name),
            tenant: tenant.clone(),
        }
    }

    pub(crate) async fn perform(&self, call: Call) -> Result<Finished, Error> {
        self.await_run(self.request(call)).await
    }

    /// Runs to the end; cancels when dropped before.
    pub(crate) async fn await_run(&self, request: RunRequest) -> Result<Finished, Error> {
        Ok(match self.runtime().inner().start_here(request)? {
            Started::Finished(finished) => finished,
            Started::Running(running) => Awaited::new(running).await,
        })
    }
}

/// What a call returned, if it did.
pub(crate) fn values(name: &str, finished: Finished) -> Result<Vec<Value>, Error> {
    if finished.returned() { Ok(finished.results().to_vec()) } else { Err(ended(name, finished)) }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("name", &self.parts.name).field("digest", &self.digest()).finish_non_exhaustive()
    }
}
