//! Sets up a runtime.

use std::{fmt, sync::Arc, thread, time::Duration};

use ambit_core::{Bound, ByteSize, Count, EngineId, Event, RejectReason, Rejection};
use ambit_engine::{
    Engine, HostFunctions,
    wasmi::WasmiEngine,
    wasmtime::{CompilerConfig, PoolConfig, WasmtimeEngine},
};
use ambit_runtime::RuntimeConfig;

use crate::{error::Error, interface::Interface, policy::PolicyBuilder, runtime::Runtime};

/// Sets up a [`Runtime`]: what each guest may use and reach, and what all of them share. Whatever is wrong or cannot be kept
/// is an error of [`RuntimeBuilder::build`].
///
/// ```
/// use ambit::{Runtime, Units};
///
/// let runtime = Runtime::builder()
///     .memory(64.mib()) // of each guest
///     .timeout(2.secs())
///     .cpus(0.5)
///     .cores(2) // of all guests together
///     .total_memory(4.gib())
///     .build()?;
///
/// let error = Runtime::builder().profile("minimal").memory(64.mib()).build().expect_err("more than it allows");
/// assert_eq!(error.to_string(), "policy: limit `memory` is 64MiB, but the policy allows at most 4MiB");
/// let error = Runtime::builder().grant("net", "example.org:443").build().expect_err("nothing could keep it");
/// assert!(error.to_string().starts_with("unenforceable: grant `net`"));
/// # Ok::<(), ambit::Error>(())
/// ```
#[must_use = "it says how a runtime is to be; `build` makes it"]
pub struct RuntimeBuilder {
    policy: PolicyBuilder,
    config: RuntimeConfig,
    engine: EngineId,
    /// What was said of a pool and of a compiler, which not every engine has.
    pool: Option<u32>,
    compiler: Option<CompilerConfig>,
    functions: HostFunctions,
    interfaces: Vec<(String, Interface)>,
}

impl Default for RuntimeBuilder {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            policy: PolicyBuilder::default(),
            config: RuntimeConfig { cores, ..RuntimeConfig::default() },
            engine: EngineId::Wasmtime,
            pool: None,
            compiler: None,
            functions: HostFunctions::new(),
            interfaces: Vec::new(),
        }
    }
}

/// What each guest may use and reach, unless its module has another policy: as [`PolicyBuilder`].
impl RuntimeBuilder {
    /// The profile to start from: see [`PolicyBuilder::new`]. Default `default`.
    pub fn profile(self, name: &str) -> Self {
        self.guests(|policy| policy.profile(name))
    }

    /// All memories, tables and the GC heap of a guest together. Default 64 MiB.
    pub fn memory(self, size: ByteSize) -> Self {
        self.guests(|policy| policy.memory(size))
    }

    /// From the beginning of a call or run to its end, waiting included. Default 30 s.
    pub fn timeout(self, time: Duration) -> Self {
        self.guests(|policy| policy.timeout(time))
    }

    /// Instructions of a call or run, roughly. Default unlimited, and not metered.
    pub fn fuel(self, fuel: u64) -> Self {
        self.guests(|policy| policy.fuel(fuel))
    }

    /// A guest's share of a core, over periods of 100 ms: 0.01 to 1. Default 1.
    pub fn cpus(self, cpus: f64) -> Self {
        self.guests(|policy| policy.cpus(cpus))
    }

    /// Any limit by its name: see [`PolicyBuilder::limit`].
    pub fn limit(self, name: &str, value: &str) -> Self {
        self.guests(|policy| policy.limit(name, value))
    }

    /// Any grant by its name: see [`PolicyBuilder::grant`].
    pub fn grant(self, name: &str, value: &str) -> Self {
        self.guests(|policy| policy.grant(name, value))
    }

    /// All that a [`PolicyBuilder`] can say: `.guests(|policy| policy.stack(1.mib()).deterministic(7))`.
    pub fn guests(mut self, say: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Self {
        self.policy = say(self.policy);
        self
    }
}

/// What all guests share.
impl RuntimeBuilder {
    /// What runs modules. Default Wasmtime. Wasmi interprets them: what it cannot run or bound is refused by name, when the module is
    /// loaded; it has no pool, no compiler and no components.
    pub fn engine(mut self, engine: EngineId) -> Self {
        self.engine = engine;
        self
    }

    /// Threads that run guests: 1 to 1024. Default as many as the machine has cores for this process.
    pub fn cores(mut self, cores: usize) -> Self {
        self.config.cores = cores;
        self
    }

    /// How many calls and runs may be under way at once; more wait. Default unlimited.
    pub fn concurrency(mut self, runs: u64) -> Self {
        self.config.concurrency = Bound::At(Count(runs));
        self
    }

    /// How much memory may be reserved for calls, runs and kept instances together: the sum of their limits, not of what they
    /// use. Calls and runs beyond it wait. Default unlimited.
    pub fn total_memory(mut self, size: ByteSize) -> Self {
        self.config.memory = Bound::At(size);
        self
    }

    /// How many may wait for either, and for how long; more are refused as `overloaded`. Default 10 000 and 30 s.
    pub fn queue(mut self, runs: usize, wait: Duration) -> Self {
        (self.config.queue, self.config.queue_wait) = (runs, wait);
        self
    }

    /// How long a guest runs before others get their turn: 100 µs to 1 s. Default 1 ms.
    pub fn slice(mut self, slice: Duration) -> Self {
        self.config.slice = slice;
        self
    }

    /// How many instances the pool holds; 0 for none. More are allocated on demand, which takes longer. Default 256.
    pub fn pool(mut self, guests: u32) -> Self {
        self.pool = Some(guests);
        self
    }

    /// How many bytes of modules and their code are kept for modules that nobody has any more. Default 256 MiB.
    pub fn cache(mut self, size: ByteSize) -> Self {
        self.config.cache = size;
        self
    }

    /// How the compiler works: what it optimises for, and whether on several threads. Default for speed, on several.
    pub fn compiler(mut self, compiler: CompilerConfig) -> Self {
        self.compiler = Some(compiler);
        self
    }

    /// Hears of every call and run: that it was asked for and that it has ended. On the thread it happens on, which others
    /// wait for: it must be quick, and must not call the runtime.
    pub fn listener(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.config.listener = Some(Arc::new(listener));
        self
    }

    /// Functions of one's own that core modules may import, each behind a grant (`.grant("functions", "NAME")`).
    pub fn functions(mut self, functions: HostFunctions) -> Self {
        self.functions = functions;
        self
    }

    /// An interface of one's own that components may import, behind a grant (`.grant("functions", "NAME")`).
    pub fn interface(mut self, grant: &str, interface: Interface) -> Self {
        self.interfaces.push((grant.to_owned(), interface));
        self
    }

    /// Makes the runtime and starts its threads.
    ///
    /// # Errors
    /// Something that was said is out of its range, beyond the profile's ceilings, or cannot be enforced here; or the
    /// operating system gives no threads, timers or descriptors.
    pub fn build(self) -> Result<Runtime, Error> {
        let Self { policy, mut config, engine, pool, compiler, mut functions, interfaces } = self;
        if engine == EngineId::Wasmi {
            let said = [("pool", pool.is_some()), ("compiler", compiler.is_some()), ("interface", !interfaces.is_empty())];
            if let Some((what, _)) = said.iter().find(|(_, said)| *said) {
                return Err(unenforceable(format!("`{what}` says nothing to wasmi, which has none; say it of wasmtime")));
            }
        }
        (config.pool_guests, config.compiler) = (pool.unwrap_or(config.pool_guests), compiler.unwrap_or(config.compiler));
        for (grant, interface) in interfaces {
            interface.add_to(&grant, &mut functions)?;
        }
        let policy = policy.build()?;
        functions.admitted(&policy.grants)?;
        let engine: Arc<dyn Engine> = match engine {
            EngineId::Wasmtime => {
                let engine = WasmtimeEngine::with_functions(PoolConfig { guests: config.pool_guests }, functions);
                Arc::new(engine.with_compiler(config.compiler))
            }
            EngineId::Wasmi => Arc::new(WasmiEngine::with_functions(functions)),
            EngineId::Wasmer => return Err(unenforceable("engine `wasmer` is not built in".into())),
        };
        let runtime = ambit_runtime::Runtime::with_engine(config, engine).map_err(Error::Setup)?;
        Ok(Runtime::new_with(runtime, policy))
    }
}

fn unenforceable(message: String) -> Error {
    Rejection::new(RejectReason::Unenforceable, message).into()
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeBuilder")
            .field("policy", &self.policy)
            .field("config", &self.config)
            .field("engine", &self.engine)
            .field("pool", &self.pool)
            .field("compiler", &self.compiler)
            .field("functions", &self.functions)
            .field("interfaces", &self.interfaces)
            .finish()
    }
}
