//! The runtime: an engine, a ticker and cores.

mod prepare;

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Bound, Cpus, Event, Outcome, Policy, RejectReason, Rejection};
use ambit_engine::{
    Artifact, Call, Engine, SealKey, Settings,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use tokio::sync::oneshot;

use self::prepare::Parts;
use crate::{
    cache::{Found, ModuleCache},
    config::RuntimeConfig,
    core_loop::Core,
    cpu_clock::Stretch,
    finished::{Finished, Identity},
    gate::{Gate, Permit},
    herald::{Events, Herald},
    inline::InlineWaker,
    instance::{First, Instance, Making},
    module::LoadedModule,
    request::{InstanceRequest, RunRequest},
    running::Running,
    scheduler::{Refused, Scheduler},
    stats::SchedulerStats,
    task::{Done, Phase, Remains, Slice, Task, nanos},
    tenant::{Tenant, TenantConfig},
    ticker::Ticker,
};

/// Slices that run on the thread of whoever asked for the run. Two, since a call of microseconds may begin just before a
/// tick.
const INLINE_SLICES: u32 = 2;

/// The least share of the cores that a tenant can be capped at.
const LEAST_CPUS: Cpus = Cpus::from_milli(10);

/// Runs guests in this process.
pub struct Runtime {
    engine: Arc<dyn Engine>,
    engine_version: Arc<str>,
    scheduler: Arc<Scheduler>,
    ticker: Arc<Ticker>,
    cache: Arc<ModuleCache>,
    /// Timers and descriptors of first slices, driven by the first core's thread.
    driver: tokio::runtime::Handle,
    cores: Vec<JoinHandle<()>>,
    /// Whose runs those are that name no tenant.
    tenant: Tenant,
    queue: usize,
    queue_wait: Duration,
    next: AtomicU64,
}

/// A run that was asked for: over already, or under way.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once a run and taken apart at once")]
pub enum Started {
    /// It is over: it was short, and ran on the thread that asked for it.
    Finished(Finished),
    /// It is under way.
    Running(Running),
}

impl Runtime {
    /// A runtime with Wasmtime.
    ///
    /// # Errors
    /// The configuration is out of its ranges, or the operating system gives no threads, timers or descriptors.
    pub fn new(config: RuntimeConfig) -> io::Result<Self> {
        let engine = Arc::new(WasmtimeEngine::new(PoolConfig { guests: config.pool_guests }).with_compiler(config.compiler));
        Self::with_engine(config, engine)
    }

    /// A runtime with an engine of one's own, which was set up already: `pool_guests` and `compiler` are what it was made with,
    /// or say nothing.
    ///
    /// # Errors
    /// As [`Runtime::new`].
    pub fn with_engine(config: RuntimeConfig, engine: Arc<dyn Engine>) -> io::Result<Self> {
        config.check()?;
        let RuntimeConfig {
            cores,
            slice,
            pool_guests: _,
            compiler: _,
            concurrency,
            memory,
            queue,
            queue_wait,
            cache,
            compilers,
            listener,
        } = config;
        let ticker = Arc::new(Ticker::start(Arc::clone(&engine), slice)?);
        let scheduler = Arc::new(Scheduler::new(cores, slice, Gate::new(concurrency, memory), Herald::new(listener)));
        let engine_version = engine.capabilities().version.into();
        let cache = Arc::new(ModuleCache::new(Arc::clone(&engine), cache.get(), compilers));
        let drivers = (0..cores)
            .map(|_| tokio::runtime::Builder::new_current_thread().enable_time().enable_io().max_blocking_threads(2).build())
            .collect::<io::Result<Vec<_>>>()?;
        let tenant = scheduler.tenant(TenantConfig::new("default"));
        let driver = drivers[0].handle().clone();
        let mut runtime = Self {
            engine,
            engine_version,
            scheduler,
            ticker,
            cache,
            driver,
            cores: Vec::with_capacity(cores),
            tenant,
            queue,
            queue_wait,
            next: AtomicU64::new(1),
        };
        let (begun, has_begun) = mpsc::channel();
        for (number, driver) in drivers.into_iter().enumerate() {
            let core = Core::new(number, Arc::clone(&runtime.scheduler), Arc::clone(&runtime.ticker));
            let thread = thread::Builder::new().name(format!("ambit-core-{number}"));
            let begun = begun.clone();
            runtime.cores.push(thread.spawn(move || {
                // Nobody waits for a runtime that could not be made in full.
                let _ = begun.send(());
                driver.block_on(core);
            })?);
        }
        // Each of them is past what a thread does to begin: whoever allows this process less from now on allows them enough.
        let waited = runtime.cores.iter().try_for_each(|_| has_begun.recv());
        waited.map_err(|_| io::Error::other("a core's thread ended before it began"))?;
        Ok(runtime)
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Makes room for a tenant.
    ///
    /// # Errors
    /// Its weight is out of its range.
    pub fn tenant(&self, config: TenantConfig) -> Result<Tenant, Rejection> {
        if !TenantConfig::WEIGHTS.contains(&config.weight) {
            let (least, most) = (TenantConfig::WEIGHTS.start(), TenantConfig::WEIGHTS.end());
            let message = format!("tenant `{}` has weight {}; it must lie between {least} and {most}", config.name, config.weight);
            return Err(Rejection::new(RejectReason::Policy, message));
        }
        if let Bound::At(cpus) = config.cpus
            && cpus < LEAST_CPUS
        {
            let message = format!("tenant `{}` may have {cpus} cores; the least is {LEAST_CPUS}", config.name);
            return Err(Rejection::new(RejectReason::Policy, message));
        }
        Ok(self.scheduler.tenant(config))
    }

    /// What happens to runs from now on.
    pub fn events(&self) -> Events {
        self.scheduler.herald.events()
    }

    /// What is going on, and has gone on.
    pub fn stats(&self) -> SchedulerStats {
        let (runs, tenants) = self.scheduler.snapshot();
        let counters = &self.scheduler.counters;
        SchedulerStats {
            cores: self.cores.len(),
            runs,
            ended: counters.ended(),
            slices: counters.slices.load(Relaxed),
            inline: counters.inline.load(Relaxed),
            instances: counters.instances.load(Relaxed),
            reserved: self.scheduler.gate.reserved(),
            kill_latency: counters.kill_latency.summary(),
            cache: self.cache.stats(),
            tenants,
        }
    }

    /// A module compiled and loaded for runs under `policy`, from the cache if it is there. Blocks the thread, for seconds if
    /// the module is large and new; not to be called from inside async code.
    ///
    /// # Errors
    /// The engine does not accept the module.
    pub fn load(&self, module: &Arc<Verified>, policy: &Policy) -> Result<Arc<LoadedModule>, Rejection> {
        match self.cache.get(module, Settings::shared_process(policy)) {
            Found::Ready(loaded) => Ok(loaded),
            Found::Full => Err(not_compiled()),
            Found::Compiling(compiled) => compiled.blocking_recv().unwrap_or_else(|_| Err(not_compiled())),
        }
    }

    /// As [`Runtime::load`], without blocking the thread: the compiler has threads of its own.
    ///
    /// # Errors
    /// As [`Runtime::load`].
    pub async fn load_async(&self, module: &Arc<Verified>, policy: &Policy) -> Result<Arc<LoadedModule>, Rejection> {
        match self.cache.get(module, Settings::shared_process(policy)) {
            Found::Ready(loaded) => Ok(loaded),
            Found::Full => Err(not_compiled()),
            Found::Compiling(compiled) => compiled.await.unwrap_or_else(|_| Err(not_compiled())),
        }
    }

    /// Compiles a module for runs under `policy`, as bytes under a seal, to be [loaded](Runtime::load_sealed) by another process
    /// or on another day without the compiler. Blocks the thread.
    ///
    /// # Errors
    /// The engine does not accept the module, or keeps no artifacts as bytes.
    pub fn seal(&self, module: &Verified, policy: &Policy, key: &SealKey) -> Result<Vec<u8>, Rejection> {
        let artifact = self.engine.compile(module, &Settings::shared_process(policy))?;
        key.seal(&*self.engine, &artifact)
    }

    /// Loads what [`Runtime::seal`] gave for this module, with the same key, under a policy that compiles alike, with the same
    /// version of the engine.
    ///
    /// # Errors
    /// It is something else: `rejected{signature}`. Nothing but its seal was looked at.
    pub fn load_sealed(
        &self,
        module: &Arc<Verified>,
        policy: &Policy,
        key: &SealKey,
        bytes: &[u8],
    ) -> Result<Arc<LoadedModule>, Rejection> {
        let settings = Settings::shared_process(policy);
        let loaded = self.load_artifact(module, &key.open(&*self.engine, module, &settings, bytes)?)?;
        self.cache.insert(&loaded);
        Ok(loaded)
    }

    /// Loads what the engine, in another process perhaps, has compiled this module to. It is not kept in the cache.
    ///
    /// # Errors
    /// It is another module's, another engine's or another version's.
    pub fn load_artifact(&self, module: &Arc<Verified>, artifact: &Artifact) -> Result<Arc<LoadedModule>, Rejection> {
        if artifact.module() != module.digest() {
            return Err(Rejection::new(RejectReason::Policy, "the artifact is of another module"));
        }
        let (began, settings) = (Instant::now(), *artifact.settings());
        let program = self.engine.load(artifact)?;
        Ok(Arc::new(LoadedModule { verified: Arc::clone(module), settings, program, compile_time: began.elapsed() }))
    }

    /// Starts a run. It has ended, one way or another, when the [`Running`] says so.
    ///
    /// # Errors
    /// Something was asked for that cannot be given or enforced, or there is no room; nothing ran.
    pub fn start(&self, request: RunRequest) -> Result<Running, Rejection> {
        let (task, identity) = self.prepare(request.into())?;
        self.enqueue(task, identity).map_err(|(_, refused)| refused)
    }

    /// Starts a run. If nobody waits for a core, its first slice runs on this thread, so that a call of microseconds costs no
    /// hand-over: this takes at most two slices and the time to end the guest.
    ///
    /// # Errors
    /// As [`Runtime::start`].
    pub fn start_here(&self, request: RunRequest) -> Result<Started, Rejection> {
        let (task, identity) = self.prepare(request.into())?;
        self.begin_here(task, identity).map(|(started, _)| started).map_err(|(_, refused)| refused)
    }

    /// Starts a run as [`Runtime::start_here`] does and waits for its end, blocking the thread. Not to be called from inside
    /// async code.
    ///
    /// # Errors
    /// As [`Runtime::start`].
    pub fn run(&self, request: RunRequest) -> Result<Finished, Rejection> {
        Ok(match self.start_here(request)? {
            Started::Finished(finished) => finished,
            Started::Running(running) => running.wait(),
        })
    }

    /// Makes an instance that is kept between calls, and has its start function and `_initialize` run.
    ///
    /// # Errors
    /// As [`Runtime::start`].
    pub fn instantiate(&self, request: InstanceRequest) -> Result<Making, Rejection> {
        let (module, policy, name) = (Arc::clone(&request.module), Arc::clone(&request.policy), Arc::clone(&request.name));
        let (task, identity) = self.prepare(request.into())?;
        let (meter, tenant) = (Arc::clone(&task.meter), Arc::clone(&task.tenant));
        let first = First { module, policy, name, meter, tenant, scheduler: Arc::clone(&self.scheduler) };
        let (started, remains) = self.begin_here(task, identity).map_err(|(_, refused)| refused)?;
        Ok(Making::new(first, started, remains))
    }

    /// Calls a kept instance.
    pub(crate) fn start_kept(&self, instance: &mut Instance, call: Call) -> Result<(Started, Option<Remains>), Rejection> {
        let digest = instance.module().verified().digest();
        if call.module() != digest {
            return Err(Rejection::new(RejectReason::Policy, "the call was made for another module"));
        }
        if !instance.belongs_to(&self.scheduler) {
            return Err(Rejection::new(RejectReason::Policy, "the instance belongs to another runtime"));
        }
        let Remains { guest, permit: held, scratch, bucket } = instance.take(call)?;
        let phase = Phase::Running(guest);
        let (policy, name) = (Arc::clone(instance.policy()), Arc::clone(instance.name()));
        let (meter, tenant) = (Arc::clone(instance.meter()), Arc::clone(instance.tenant()));
        let parts = Parts { digest, phase, meter, policy, tenant, name, memory: 0, since: None, scratch, keep: true };
        let (mut task, identity) = self.task(parts);
        (task.held, task.bucket) = (held, bucket);
        self.begin_here(task, identity).map_err(|(mut task, refused)| {
            // It never ran, and is what it was.
            task.leave();
            instance.put(task.remains());
            refused
        })
    }

    /// Runs a first slice on this thread if it may, and hands what is left to the cores. Gives back a run for which there is
    /// no room, and nothing of it ran.
    fn begin_here(&self, mut task: Box<Task>, identity: Identity) -> Result<(Started, Option<Remains>), Unqueued> {
        let may = matches!(task.phase, Phase::Running(_))
            && !task.bucket.is_limited()
            && task.tenant.config.cpus == Bound::Unlimited
            && task.deadline.is_none_or(|deadline| deadline > Instant::now());
        if may && let Some(turn) = self.scheduler.inline() {
            task.permit = Permit::take(&self.scheduler, &task.tenant, task.asks);
            if task.permit.is_some() {
                match self.first_slices(task) {
                    Ok(Done { end, remains }) => return Ok((Started::Finished(Finished { identity, end }), remains)),
                    Err(pending) => task = pending,
                }
            }
            drop(turn);
        }
        self.enqueue(task, identity).map(|running| (Started::Running(running), None))
    }

    /// Runs first slices on this thread. Gives the run back if it has not ended.
    fn first_slices(&self, mut task: Box<Task>) -> Result<Done, Box<Task>> {
        let _driver = self.driver.enter();
        InlineWaker::with(|wake| {
            for _ in 0..INLINE_SLICES {
                // What the guest registers this waker with, it registers again with its own when a core polls it, which is
                // the first thing that a core does with it.
                match task.slice(&self.ticker, wake.waker(), &Stretch::begin()) {
                    Slice::Ended(end, used) => {
                        task.tenant.note_uncharged(nanos(used.cpu));
                        self.scheduler.counters.inline.fetch_add(1, Relaxed);
                        // Removing files takes time, and is its tenant's.
                        let tidies = task.scratch.is_some().then(|| (Stretch::begin(), Arc::clone(&task.tenant)));
                        let done = task.close_here(*end, &self.scheduler);
                        if let Some((stretch, tenant)) = tidies {
                            tenant.note_uncharged(nanos(stretch.used().cpu));
                        }
                        return Ok(done);
                    }
                    Slice::Pending(used) => {
                        task.tenant.note_uncharged(nanos(used.cpu));
                        let goes_on = wake.take() && !self.scheduler.is_wanted();
                        if !goes_on || task.over_cpu().is_some() || task.deadline.is_some_and(|deadline| deadline <= used.now) {
                            break;
                        }
                    }
                }
            }
            Err(task)
        })
    }

    /// Hands a run to the cores. Gives it back if there is no room.
    fn enqueue(&self, mut task: Box<Task>, identity: Identity) -> Result<Running, Unqueued> {
        if task.permit.is_none() && !self.scheduler.gate.short.load(Relaxed) {
            task.permit = Permit::take(&self.scheduler, &task.tenant, task.asks);
        }
        let (sender, done) = oneshot::channel();
        task.done = Some(sender);
        let meter = Arc::clone(&task.meter);
        let running = Running { identity, scheduler: Arc::clone(&self.scheduler), meter, done, started: task.started };
        match self.scheduler.start(task, self.queue) {
            Ok(()) => Ok(running),
            Err((task, refused)) => {
                let message = match refused {
                    Refused::Full => format!("{} runs of the tenant wait already; try again later", self.queue),
                    Refused::Stopping => "the runtime is shutting down".into(),
                };
                let rejection = Rejection::new(RejectReason::Overloaded, message);
                self.scheduler.herald.tell(|| Event::Ended {
                    run: task.id,
                    module: Some(task.digest),
                    outcome: Outcome::Rejected(rejection.clone()),
                    violations: Vec::new(),
                });
                Err((task, rejection))
            }
        }
    }
}

/// A run that was not taken, and why.
type Unqueued = (Box<Task>, Rejection);

fn not_compiled() -> Rejection {
    Rejection::new(
        RejectReason::Overloaded,
        "the module was not compiled: too many wait for that, or the compiler panicked or had no thread",
    )
}

impl Drop for Runtime {
    /// Cancels what still runs, and waits for the cores. A guest inside one uninterruptible operation is waited for.
    fn drop(&mut self) {
        self.scheduler.stop();
        for core in self.cores.drain(..) {
            // If a core's thread has panicked, its runs are lost, and say so.
            let _ = core.join();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("engine", &self.engine).finish_non_exhaustive()
    }
}
