//! The runtime: an engine, a ticker and a core.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::Waker,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Bound, Event, Policy, Rejection, RunId};
use ambit_engine::{
    Engine, Meter, Settings,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use tokio::sync::oneshot;

use crate::{
    bucket::Bucket,
    core_loop::{Core, Inbox, Listener},
    finished::{Finished, Identity},
    module::LoadedModule,
    request::{Module, RunRequest},
    resolve::{Resolved, resolve},
    running::Running,
    task::{Phase, Slice, Task},
    ticker::Ticker,
};

/// How a runtime is set up.
pub struct RuntimeConfig {
    /// How long a guest runs before others get their turn. Default 1 ms.
    pub slice: Duration,
    /// How many guests the instance pool holds; 0 for none. Default 256.
    pub pool_guests: u32,
    /// Hears of every run: of its end on the core's thread, so be quick; of its module on the thread that compiled it, which
    /// the guest waits for.
    pub listener: Option<Listener>,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { slice: Duration::from_millis(1), pool_guests: 256, listener: None }
    }
}

impl fmt::Debug for RuntimeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeConfig").field("slice", &self.slice).field("pool_guests", &self.pool_guests).finish_non_exhaustive()
    }
}

/// Runs guests in this process.
pub struct Runtime {
    engine: Arc<dyn Engine>,
    engine_version: Arc<str>,
    inbox: Arc<Inbox>,
    ticker: Arc<Ticker>,
    /// Timers and descriptors, driven by the core's thread.
    driver: tokio::runtime::Handle,
    core: Option<JoinHandle<()>>,
    /// Held by whoever runs a first slice on a thread of its own.
    inline: Mutex<()>,
    listener: Option<Listener>,
    next: AtomicU64,
}

impl Runtime {
    /// A runtime with Wasmtime.
    ///
    /// # Errors
    /// The operating system gives no threads, timers or descriptors.
    pub fn new(config: RuntimeConfig) -> io::Result<Self> {
        let engine = Arc::new(WasmtimeEngine::new(PoolConfig { guests: config.pool_guests }));
        Self::with_engine(config, engine)
    }

    /// A runtime with an engine of one's own.
    ///
    /// # Errors
    /// The operating system gives no threads, timers or descriptors.
    pub fn with_engine(config: RuntimeConfig, engine: Arc<dyn Engine>) -> io::Result<Self> {
        let RuntimeConfig { slice, pool_guests: _, listener } = config;
        let ticker = Arc::new(Ticker::start(Arc::clone(&engine), slice)?);
        let inbox = Arc::new(Inbox::default());
        let driver = tokio::runtime::Builder::new_current_thread().enable_time().enable_io().max_blocking_threads(2).build()?;
        let core = Core::new(Arc::clone(&inbox), Arc::clone(&ticker), listener.clone());
        let handle = driver.handle().clone();
        let core = thread::Builder::new().name("ambit-core".into()).spawn(move || driver.block_on(core))?;
        let engine_version = engine.capabilities().version.into();
        Ok(Self {
            engine,
            engine_version,
            inbox,
            ticker,
            driver: handle,
            core: Some(core),
            inline: Mutex::new(()),
            listener,
            next: AtomicU64::new(1),
        })
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Compiles and loads a module for runs under `policy`. Blocks, for seconds if the module is large.
    ///
    /// # Errors
    /// The engine does not accept the module.
    pub fn load(&self, module: &Arc<Verified>, policy: &Policy) -> Result<Arc<LoadedModule>, Rejection> {
        load(&*self.engine, module, Settings::shared_process(policy))
    }

    /// Starts a run. It has ended, one way or another, when the [`Running`] says so.
    ///
    /// # Errors
    /// Something was asked for that cannot be given or enforced; nothing ran.
    pub fn start(&self, request: RunRequest) -> Result<Running, Rejection> {
        let (task, identity) = self.prepare(request)?;
        Ok(self.enqueue(task, identity))
    }

    /// Starts a run and waits for its end, blocking the thread. If nobody else runs, its first slice runs on this thread:
    /// a call of microseconds costs no hand-over. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Runtime::start`].
    pub fn run(&self, request: RunRequest) -> Result<Finished, Rejection> {
        let (mut task, identity) = self.prepare(request)?;
        if self.inbox.load.load(Relaxed) == 0
            && matches!(task.phase, Phase::Running(_))
            && let Ok(_turn) = self.inline.try_lock()
        {
            let _driver = self.driver.enter();
            // Whatever it registers this waker with, it registers again when the core polls it, which is the first thing
            // the core does with it.
            if let Slice::Ended(end) = task.slice(&self.ticker, Waker::noop()) {
                task.close(&end, self.listener.as_ref());
                return Ok(Finished { identity, end: *end });
            }
        }
        Ok(self.enqueue(task, identity).wait())
    }

    /// Hands a task to the core.
    fn enqueue(&self, mut task: Task, identity: Identity) -> Running {
        let (sender, done) = oneshot::channel();
        task.done = Some(sender);
        let compiling = match &task.phase {
            Phase::Compiling { compiling, .. } => Some(Arc::clone(compiling)),
            Phase::Running(_) | Phase::Over => None,
        };
        let meter = Arc::clone(&task.meter);
        let running = Running { identity, inbox: Arc::clone(&self.inbox), meter, done, started: task.started, compiling };
        self.inbox.start(task);
        running
    }

    /// Resolves grants, takes a number, and makes the guest or has its module compiled.
    fn prepare(&self, request: RunRequest) -> Result<(Task, Identity), Rejection> {
        request.check()?;
        let RunRequest { module, policy, call, streams, since, name } = request;
        let now = Instant::now();
        let started = since.map_or(now, |since| since.min(now));
        let limits = policy.limits.run.clone();
        let deadline = match limits.wall_time {
            Bound::At(span) => Some(started + span.duration()),
            Bound::Unlimited => None,
        };
        let Resolved { host, scratch } = resolve(&policy.grants, streams, Arc::clone(&name))?;
        let id = RunId(self.next.fetch_add(1, Relaxed));
        let digest = module.verified().digest();
        let bucket = Bucket::new(limits.cpus, started);
        let meter = Arc::new(Meter::new(limits, policy.on_memory_refusal));
        let phase = match module {
            Module::Loaded(loaded) => Phase::Running(loaded.program.guest(host, Arc::clone(&meter), call)),
            Module::Verified(module) => {
                let compiling = Arc::new(AtomicBool::new(true));
                let module = self.compile(id, module, &policy, Arc::clone(&compiling));
                Phase::Compiling { module, host: Box::new(host), call, compiling }
            }
        };
        let identity = Identity {
            run: id,
            module: digest,
            name,
            policy: Arc::clone(&policy),
            engine: self.engine.id(),
            engine_version: Arc::clone(&self.engine_version),
        };
        if let Some(listener) = &self.listener {
            listener(&Event::Started { run: id, module: digest });
        }
        let task = Task {
            id,
            digest,
            phase,
            meter,
            policy,
            started,
            deadline,
            cpu: Duration::ZERO,
            bucket,
            throttled: false,
            compile_time: None,
            scratch,
            waker: None,
            done: None,
        };
        Ok((task, identity))
    }

    /// Compiles on a thread of its own. Nothing can stop it there: a run that ends meanwhile leaves it to finish.
    fn compile(
        &self,
        id: RunId,
        module: Arc<Verified>,
        policy: &Policy,
        compiling: Arc<AtomicBool>,
    ) -> oneshot::Receiver<Result<Arc<LoadedModule>, Rejection>> {
        let (sender, receiver) = oneshot::channel();
        let engine = Arc::clone(&self.engine);
        let settings = Settings::shared_process(policy);
        let listener = self.listener.clone();
        let spawned = thread::Builder::new().name("ambit-compile".into()).spawn(move || {
            let loaded = load(&*engine, &module, settings);
            compiling.store(false, Relaxed);
            // Before anybody can run it.
            if let (Ok(_), Some(listener)) = (&loaded, &listener) {
                listener(&Event::Compiled { run: id });
            }
            // Nobody may be waiting any more.
            let _ = sender.send(loaded);
        });
        // Without a thread the sender is dropped, and the run is lost with that reason.
        drop(spawned);
        receiver
    }
}

fn load(engine: &dyn Engine, module: &Arc<Verified>, settings: Settings) -> Result<Arc<LoadedModule>, Rejection> {
    let began = Instant::now();
    let artifact = engine.compile(module, &settings)?;
    let program = engine.load(&artifact)?;
    Ok(Arc::new(LoadedModule { verified: Arc::clone(module), settings, program, compile_time: began.elapsed() }))
}

impl Drop for Runtime {
    /// Cancels what still runs, and waits for the core. A guest inside one uninterruptible operation is waited for.
    fn drop(&mut self) {
        self.inbox.stop();
        if let Some(core) = self.core.take() {
            // If the core's thread has panicked, its runs are lost, and say so.
            let _ = core.join();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("engine", &self.engine).finish_non_exhaustive()
    }
}
