//! From an admitted module to one outcome, with every step that touches the guest in a jailed process.
//!
//! ```text
//!            ┌─ compiler: enters its jail ── compiles ── ends
//! prepare ───┤                                  │ artifact, by descriptor
//!            └─ worker:   enters its jail ── admits ── loads ── runs ── ends
//! control:      reads and admits the module    waits for both, for the deadline and for whoever cancels
//! ```
//! The compiler is started before the module is known, so that it enters its jail while the module is read; the worker is started
//! when the compiler has its work, and enters while it compiles. An engine that works from the module itself has no compiler, and
//! its worker translates what it has admitted. Where there is a cache of artifacts it is the other way round: a
//! worker is needed in any case, a compiler only if the cache has nothing.

pub(crate) mod believe;
mod budget;
mod code_cache;
mod compile;
mod control;
mod drive;
mod ending;
pub(crate) mod module_file;
mod process;
mod pump;
mod rehearsal;
mod streams;
mod throttle;
mod verdict;
mod warm;

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use ambit_admit::Verified;
use ambit_core::{EngineId, Layer, Metering, Policy, RejectReason, Rejection, Report, RunId};
use ambit_jail::{JailError, Spawner, SyscallPolicy, UnknownSyscall, Use, cgroup::Cgroups, wire::Entry};
use ambit_store::ArtifactKey;

pub use code_cache::CodeCache;
pub use compile::Compiled;
pub use control::Control;
pub use streams::{Input, Output, Streams};
pub use warm::WarmWorkers;

use self::process::most_module;
use self::{
    code_cache::{Keeping, Looked},
    drive::Drive,
    process::Needs,
    warm::Waiting,
};
pub(crate) use self::{
    drive::{TURN, lost, nanos, still_talking, timeout},
    process::{Process, death},
    warm::entered,
};

/// How guests are launched.
#[derive(Debug, Clone)]
pub struct LaunchConfig {
    /// What runs modules. One that compiles none has no compiler's process, and nothing of the cache.
    pub engine: EngineId,
    /// Layers of isolation without which a run may go on where the kernel refuses them.
    pub dispensable: Vec<Layer>,
    /// System calls that are allowed to guests' processes beyond their list, or taken from it.
    pub syscalls: ambit_jail::ExtraSyscalls,
    /// The same for compilers, which need no more than they have: for showing that they need no less.
    pub compiler_syscalls: ambit_jail::ExtraSyscalls,
    /// Whether the root of a guest's process looks like a small system's.
    pub classic_root: bool,
    /// What was compiled before, and where what is compiled is kept. It can be opened while the first process of a run is on its way into
    /// its jail; what is not there when the run begins is compiled, and not kept.
    pub cache: Option<Arc<OnceLock<CodeCache>>>,
}

impl Default for LaunchConfig {
    fn default() -> Self {
        Self {
            engine: EngineId::Wasmtime,
            dispensable: Vec::new(),
            syscalls: ambit_jail::ExtraSyscalls::default(),
            compiler_syscalls: ambit_jail::ExtraSyscalls::default(),
            classic_root: false,
            cache: None,
        }
    }
}

impl LaunchConfig {
    /// Whether there are such system calls, and whether those that are to be allowed may be.
    ///
    /// # Errors
    /// One that there is not, or that can never be allowed.
    pub fn check(&self) -> Result<(), UnknownSyscall> {
        SyscallPolicy::of(self.engine, Use::Process, true).with(&self.syscalls).map(drop)
    }
}

/// Launches runs in processes of their own. Their processes die with the *thread* that prepares and runs them.
#[derive(Debug)]
pub struct Launcher {
    spawner: Spawner,
    cgroups: OnceLock<Cgroups>,
    config: LaunchConfig,
    keeping: Keeping,
}

/// A run whose first process is on its way into its jail. Dropping it ends that.
#[derive(Debug)]
pub struct Prepared {
    policy: Arc<Policy>,
    needs: Needs,
    begun: Begun,
}

/// With which process a run has begun.
#[derive(Debug)]
enum Begun {
    /// The one that is to compile its module.
    Compiler(Process),
    /// The one that is to run it, whether it has been compiled before or not, or is not to be; or why there is none, which is for the report.
    Unknown(Result<Process, Rejection>),
    /// The one that is to run what its module was compiled to; and who made it, if it was warm.
    Worker { worker: Process, code: Arc<Compiled>, warm: Option<Arc<Waiting>> },
}

/// What to run.
#[derive(Debug)]
pub struct LaunchRequest {
    /// The run's number.
    pub run: RunId,
    /// The module, admitted under the policy that was prepared for.
    pub module: Arc<Verified>,
    /// What to call.
    pub entry: Entry,
    /// What it is called: `argv[0]`, and the name in the report.
    pub name: String,
    /// Where its streams go.
    pub streams: Streams,
    /// Since when it is under way: deadline and wall time count from then.
    pub since: Instant,
}

/// What happens to a run while it is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchEvent<'a> {
    /// Its module is compiled, was before, or is not to be, and nothing of it has run yet: the guest begins once this has been taken.
    Compiled,
    /// It says something through `env.log`: one line, escaped.
    Log(&'a str),
    /// What the cache had of its module is not what was kept there: it is compiled anew. Why, in one line.
    ArtifactRefused(&'a str),
}

impl Launcher {
    /// Launches processes of this program, whose `main` must become what it was spawned for.
    ///
    /// # Errors
    /// There is no `/proc`, or it is of another PID namespace.
    pub fn new(config: LaunchConfig) -> Result<Self, Rejection> {
        Ok(Self::with(Spawner::this_program().map_err(|error| refused(&error))?, config))
    }

    /// Launches processes of another program.
    pub fn with(spawner: Spawner, config: LaunchConfig) -> Self {
        Self { spawner, cgroups: OnceLock::new(), config, keeping: Keeping::default() }
    }

    /// What runs modules.
    pub fn engine(&self) -> EngineId {
        self.config.engine
    }

    /// Begins a run under `policy`, one that was resolved for isolation `process`.
    ///
    /// # Errors
    /// A layer of isolation cannot be had.
    pub fn prepare(&self, policy: &Arc<Policy>) -> Result<Prepared, Rejection> {
        policy.grants.check()?;
        let needs = Needs::of(self.config.engine, policy, || self.cgroups());
        let begun = match self.config.cache {
            None if self.config.engine.compiles() => Begun::Compiler(self.spawn_compiler(policy)?),
            Some(_) | None => Begun::Unknown(self.spawn_worker(policy, &needs, most_module(policy))),
        };
        Ok(Prepared { policy: Arc::clone(policy), needs, begun })
    }

    /// Begins a run under `policy` of a module that is compiled already, for [`Metering::Kernel`].
    ///
    /// # Errors
    /// As [`Launcher::prepare`]; or a grant cannot be opened; or the module was compiled for guests that are stopped otherwise.
    pub fn prepare_compiled(&self, policy: &Arc<Policy>, code: &Arc<Compiled>) -> Result<Prepared, Rejection> {
        policy.grants.check()?;
        let needs = Needs::of(self.config.engine, policy, || self.cgroups());
        let worker = self.spawn_worker(policy, &needs, code.module_size())?;
        Prepared::compiled(policy, needs, worker, code, None)
    }

    /// Waits until what was compiled is kept for later runs, which none has waited for; what went wrong, each in a line. Dropping
    /// the launcher waits too.
    pub fn settle(&self) -> Vec<String> {
        self.keeping.settle()
    }

    /// What the cache has of a module, if there is a cache.
    fn look_for(&self, module: &Verified, policy: &Policy, metering: Metering) -> Option<Looked> {
        Some(self.cache()?.find(module, policy, metering))
    }

    /// Has what a module was compiled to kept.
    fn keep(&self, key: ArtifactKey, code: &Compiled) {
        if let (Some(cache), Some(_), Some(file)) = (&self.config.cache, self.cache(), code.to_keep()) {
            self.keeping.begin(cache, key, file);
        }
    }

    /// Has the cache forget what no worker would load.
    fn forget(&self, key: &ArtifactKey) {
        if let Some(cache) = self.cache() {
            cache.forget(key);
        }
    }

    fn cache(&self) -> Option<&CodeCache> {
        self.config.cache.as_ref()?.get()
    }

    pub(crate) fn cgroups(&self) -> &Cgroups {
        self.cgroups.get_or_init(|| {
            let cgroups = Cgroups::discover();
            // What others left behind that crashed.
            cgroups.sweep();
            cgroups
        })
    }

    /// Runs a module, and waits for its end. `on_event` is called from this thread. What was granted and cannot be opened makes it
    /// a rejected run.
    pub fn run(
        &self,
        prepared: Prepared,
        request: LaunchRequest,
        control: &Control,
        on_event: &mut dyn FnMut(LaunchEvent<'_>),
    ) -> Report {
        match Drive::begin(self, prepared, request, control) {
            Ok(drive) => drive.run(on_event),
            Err(report) => *report,
        }
    }
}

impl Prepared {
    /// A worker for a module that is compiled already.
    fn compiled(
        policy: &Arc<Policy>,
        needs: Needs,
        worker: Process,
        code: &Arc<Compiled>,
        warm: Option<Arc<Waiting>>,
    ) -> Result<Self, Rejection> {
        if code.metering() != Metering::Kernel {
            return Err(Rejection::new(RejectReason::Policy, "the module was compiled for guests that share a process"));
        }
        Ok(Self { policy: Arc::clone(policy), needs, begun: Begun::Worker { worker, code: Arc::clone(code), warm } })
    }
}

/// A jail that cannot be entered, as the reason why nothing ran.
pub(crate) fn refused(error: &JailError) -> Rejection {
    let remedy = match error.layer {
        Some(layer) => format!("`ambit doctor` says what this machine offers; --allow-missing {layer} goes without it"),
        None => "isolation `none` needs no process of its own".into(),
    };
    let what = error.layer.map_or_else(|| "a process of its own".into(), |layer| format!("the layer `{layer}`"));
    Rejection::new(RejectReason::Unenforceable, format!("isolation `process` needs {what}: {error}; {remedy}"))
}
