//! A worker that the guests of one tenant share, kept warm: one wall around them all, and microseconds to a run.
//!
//! ```text
//! start ─► in its jail ─load(Compiled)─► TenantModule ─run─► Pending ─wait─► TenantEnd
//! ```
//! Its guests yield to its scheduler, which ends each at its deadline. One that does not stop when it must takes the worker with
//! it: the control process ends it a quarter of a second later, and what else ran there is lost.

mod listen;

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{
    Bound, ComponentType, ComponentValue, Cpus, Layer, LimitKey, Metering, Outcome, Policy, RejectReason, Rejection, ResultValue,
    Usage, Violation, escape,
};
use ambit_jail::{
    Purpose, Rlimits,
    cgroup::GroupLimits,
    wire::{Entry, RunJob, Sender, Stream, StreamsSpec, ToWorker, WireError},
};
use rustix::event::{EventfdFlags, eventfd};

use self::listen::listen;
use crate::launch::{Compiled, Launcher, Process, believe::returns, entered, lost, module_file, nanos};

/// How long after it was told to stop a guest may take before its worker is ended.
/// A little less than a quarter of a second, so that the worker is gone soon after one.
pub const GRACE: Duration = Duration::from_millis(230);
/// How long a worker is waited for to take what it is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the guests of a tenant may use together.
#[derive(Debug, Clone, Copy, Default)]
pub struct TenantLimits {
    /// Bytes of memory of the whole worker, its program included; `None` for no bound but those of its guests.
    pub memory: Option<u64>,
    /// Cores; a worker uses one at the most.
    pub cpus: Option<Cpus>,
}

/// A worker that guests share. Dropping it ends it and whatever runs there.
#[derive(Debug)]
pub struct TenantWorker {
    shared: Arc<Shared>,
    sender: Sender,
    layers: Vec<Layer>,
    pid: i32,
    thread: Option<JoinHandle<()>>,
}

/// A module that a worker has loaded. Once nobody has it any more, the worker forgets it; runs under way keep it.
#[derive(Debug, Clone)]
pub struct TenantModule(Arc<Loaded>);

#[derive(Debug)]
struct Loaded {
    number: u32,
    module: Arc<Verified>,
    policy: Arc<Policy>,
    sender: Sender,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // A worker that takes nothing now keeps it to its end.
        let _ = self.sender.send(&ToWorker::Forget { module: self.number }, &[], Duration::ZERO);
    }
}

/// What to run.
#[derive(Debug, Clone)]
pub struct TenantRun {
    /// What to call.
    pub entry: Entry,
    /// `argv[0]`.
    pub name: String,
    /// Its limits and grants; `None` for those that the module was loaded for. Others must compile alike.
    pub policy: Option<Arc<Policy>>,
    /// Whether what it writes is kept, within the limit `output`, or thrown away.
    pub keep_output: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantEnd {
    /// How.
    pub outcome: Outcome,
    /// What an invoked function of a core module returned.
    pub results: Vec<ResultValue>,
    /// What an invoked function of a component returned, if it returns anything.
    pub value: Option<ComponentValue>,
    /// What it used.
    pub usage: Usage,
    /// What it attempted beyond its grants and limits.
    pub violations: Vec<Violation>,
    /// What was kept of its output.
    pub stdout: Vec<u8>,
    /// The same of its standard error.
    pub stderr: Vec<u8>,
}

/// What came of repeated runs since it was last told.
#[derive(Debug, Clone, Default)]
pub struct Repeated {
    /// How long each took, in nanoseconds.
    pub took: Vec<u32>,
    /// How they ended, in a word or two, and how many did.
    pub ended: Vec<(String, u64)>,
    /// The first that was no success.
    pub failure: Option<Outcome>,
}

/// A run under way.
#[derive(Debug)]
pub struct Pending {
    run: u64,
    end: mpsc::Receiver<TenantEnd>,
    shared: Arc<Shared>,
    sender: Sender,
}

#[derive(Debug)]
struct Shared {
    /// Held for a look or an entry, never while anything is waited for.
    state: Mutex<State>,
    /// Wakes the thread that listens: something is due earlier, or it is over.
    wake: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    runs: HashMap<u64, Waiting>,
    repeats: HashMap<u64, Repeating>,
    loading: HashMap<u32, mpsc::Sender<Option<Rejection>>>,
    next: u64,
    next_module: u32,
    stop: bool,
    /// How it ended.
    over: Option<Outcome>,
}

#[derive(Debug)]
struct Waiting {
    end: mpsc::Sender<TenantEnd>,
    policy: Arc<Policy>,
    /// What it returns, if it calls a component's function.
    returns: Option<ComponentType>,
    since: Instant,
    /// When it must have ended, and what it has ended with if it has not.
    due: Option<Due>,
}

#[derive(Debug)]
struct Repeating {
    tell: mpsc::Sender<Repeated>,
    policy: Arc<Policy>,
    /// How many have not ended yet.
    left: u64,
}

#[derive(Debug, Clone)]
struct Due {
    at: Instant,
    outcome: Outcome,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Cannot fail but by overflow, and then it is awake.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl TenantWorker {
    /// Starts a worker, and waits until it is in its jail.
    ///
    /// # Errors
    /// A layer of isolation or a control group cannot be had.
    pub fn start(launcher: &Arc<Launcher>, limits: TenantLimits) -> Result<Self, Rejection> {
        let failed = |error: io::Error| Rejection::new(RejectReason::Overloaded, format!("cannot start a worker: {error}"));
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
        let shared = Arc::new(Shared { state: Mutex::default(), wake });
        let (started, is_started) = mpsc::channel();
        let thread = {
            let (launcher, shared) = (Arc::clone(launcher), Arc::clone(&shared));
            // The thread that the worker dies with is the one that listens to it.
            let listener = move || match spawn(&launcher, limits).and_then(entered) {
                Ok(process) => {
                    let layers = process.entered.as_ref().map(|entered| entered.layers.clone()).unwrap_or_default();
                    let pid = process.child.pid().as_raw_nonzero().get();
                    let _ = started.send(Ok((process.channel.sender().clone(), layers, pid)));
                    listen(process, &shared);
                }
                Err(rejection) => drop(started.send(Err(rejection))),
            };
            thread::Builder::new().name("ambit-tenant".into()).spawn(listener).map_err(failed)?
        };
        let started = is_started.recv().unwrap_or_else(|_| Err(failed(io::Error::other("its thread ended"))));
        let (sender, layers, pid) = started?;
        Ok(Self { shared, sender, layers, pid, thread: Some(thread) })
    }

    /// Its process, for looking at.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The layers of isolation around it.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// How it ended, if it has.
    pub fn over(&self) -> Option<Outcome> {
        self.shared.state().over.clone()
    }

    /// Loads a module for runs under `policy`, one that was resolved for isolation `tenant`. Blocks the thread.
    ///
    /// # Errors
    /// It was compiled for something else, or needs what guests that share a process cannot have.
    pub fn load(&self, module: &Arc<Verified>, policy: &Arc<Policy>, code: &Compiled) -> Result<TenantModule, Rejection> {
        policy.grants.check()?;
        if code.module() != module.digest() || code.metering() != Metering::Epochs {
            return Err(Rejection::new(
                RejectReason::Policy,
                "the artifact is of another module, or for guests with a process each",
            ));
        }
        let failed = |why: String| Rejection::new(RejectReason::Overloaded, format!("cannot load the module: {why}"));
        let (given, form) = module_file::for_worker(code.file().is_some(), module).map_err(|error| failed(error.to_string()))?;
        let (loaded, is_loaded) = mpsc::channel();
        let number = {
            let mut state = self.shared.state();
            if let Some(over) = &state.over {
                return Err(failed(format!("the worker is over: {}", over.in_a_word())));
            }
            state.next_module += 1;
            let number = state.next_module;
            state.loading.insert(number, loaded);
            number
        };
        let policy_sent = Box::new((**policy).clone());
        let take = ToWorker::Module { module: number, form, policy: policy_sent, metering: Metering::Epochs };
        let told = self.sender.send(&take, &[given.as_fd()], PATIENCE);
        let (code, file) = code.told(number);
        told.and_then(|()| self.sender.send(&code, file.as_slice(), PATIENCE)).map_err(|error| failed(error.to_string()))?;
        match is_loaded.recv() {
            Ok(None) => {
                let (module, policy, sender) = (Arc::clone(module), Arc::clone(policy), self.sender.clone());
                Ok(TenantModule(Arc::new(Loaded { number, module, policy, sender })))
            }
            Ok(Some(rejection)) => Err(rejection),
            Err(_) => Err(failed("the worker is gone".into())),
        }
    }

    /// Starts a run. Many may be under way at once.
    ///
    /// # Errors
    /// The worker is over, or takes nothing; or a policy of its own does not grant what the module imports.
    pub fn run(&self, module: &TenantModule, run: &TenantRun) -> Result<Pending, Rejection> {
        let (end, is_over) = mpsc::channel();
        let since = Instant::now();
        let policy = module.policy_of(run)?;
        let wall = match policy.limits.run.wall_time {
            Bound::At(span) => Some(span.duration()),
            Bound::Unlimited => None,
        };
        let due = wall.and_then(|wall| {
            let outcome = Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed: nanos(wall), used: None };
            Some(Due { at: since.checked_add(wall + GRACE)?, outcome })
        });
        let returns = returns(&module.0.module, &run.entry);
        let waiting = Waiting { end, policy, returns, since, due };
        let timed = waiting.due.is_some();
        let number = self.enter(|state, number| drop(state.runs.insert(number, waiting)))?;
        let kept = if run.keep_output { Stream::Kept } else { Stream::Nothing };
        let told = self.sender.send(&ToWorker::Run(Box::new(job(module, run, number, kept))), &[], PATIENCE);
        if let Err(error) = told {
            self.shared.state().runs.remove(&number);
            return Err(unreachable(&error));
        }
        if timed {
            self.shared.wake();
        }
        Ok(Pending { run: number, end: is_over, shared: Arc::clone(&self.shared), sender: self.sender.clone() })
    }

    /// Runs it this often, one after the other, each on a fresh instance, inside the worker. What came of them is told about
    /// ten times a second, until the other end hangs up: then all are over, or the worker is.
    ///
    /// # Errors
    /// As [`TenantWorker::run`].
    pub fn repeat(&self, module: &TenantModule, run: &TenantRun, times: u64) -> Result<mpsc::Receiver<Repeated>, Rejection> {
        let (tell, told) = mpsc::channel();
        let repeating = Repeating { tell, policy: module.policy_of(run)?, left: times };
        let number = self.enter(|state, number| drop(state.repeats.insert(number, repeating)))?;
        let job = Box::new(job(module, run, number, Stream::Nothing));
        self.sender.send(&ToWorker::Repeat { job, times }, &[], PATIENCE).map_err(|error| unreachable(&error))?;
        Ok(told)
    }

    fn enter(&self, insert: impl FnOnce(&mut State, u64)) -> Result<u64, Rejection> {
        let mut state = self.shared.state();
        if let Some(over) = &state.over {
            let message = format!("the worker is over: {}", over.in_a_word());
            return Err(Rejection::new(RejectReason::Overloaded, message));
        }
        state.next += 1;
        let number = state.next;
        insert(&mut state, number);
        Ok(number)
    }
}

impl TenantModule {
    /// What a run of it is under.
    fn policy_of(&self, run: &TenantRun) -> Result<Arc<Policy>, Rejection> {
        let Some(policy) = &run.policy else { return Ok(Arc::clone(&self.0.policy)) };
        policy.grants.check()?;
        Ok(Arc::clone(policy))
    }
}

impl Drop for TenantWorker {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // It has told everybody already.
            let _ = thread.join();
        }
    }
}

impl Pending {
    /// Waits for its end.
    pub fn wait(self) -> TenantEnd {
        // Who hangs up without a word has lost it.
        self.end.recv().unwrap_or_else(|_| ended(lost("the worker is gone".into())))
    }

    /// Ends it as `cancelled` by `by`, unless it has ended. If it does not stop, its worker is ended.
    pub fn cancel(&self, by: &str) {
        let outcome = Outcome::Cancelled { by: escape(by, 128) };
        if let Some(waiting) = self.shared.state().runs.get_mut(&self.run) {
            waiting.due = Some(Due { at: Instant::now() + GRACE, outcome });
        }
        // A worker that takes nothing is found out when it is due.
        let _ = self.sender.send(&ToWorker::Cancel { run: self.run }, &[], Duration::ZERO);
        self.shared.wake();
    }
}

fn unreachable(error: &WireError) -> Rejection {
    Rejection::new(RejectReason::Overloaded, format!("the worker cannot be reached: {error}"))
}

fn job(module: &TenantModule, run: &TenantRun, number: u64, output: Stream) -> RunJob {
    RunJob {
        run: number,
        module: module.0.number,
        policy: run.policy.as_ref().map(|policy| Box::new((**policy).clone())),
        entry: run.entry.clone(),
        name: run.name.clone(),
        streams: StreamsSpec { stdin: Stream::Nothing, stdout: output, stderr: output, log: false },
        dirs: Vec::new(),
    }
}

fn ended(outcome: Outcome) -> TenantEnd {
    TenantEnd {
        outcome,
        results: Vec::new(),
        value: None,
        usage: Usage::default(),
        violations: Vec::new(),
        stdout: Vec::new(),
        stderr: Vec::new(),
    }
}

fn spawn(launcher: &Launcher, limits: TenantLimits) -> Result<Process, Rejection> {
    let TenantLimits { memory, cpus } = limits;
    // The kernel's limit on writable memory counts what a pool has reserved, whoever uses it: memory is a group's to bound.
    let group = (memory.is_some() || cpus.is_some())
        .then(|| launcher.group("tenant", GroupLimits { cpus, memory, pids: None }))
        .transpose()?;
    launcher.spawn(Purpose::Tenant, Rlimits::default(), Vec::new(), None, group)
}
