//! One run from its first message to its report.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use ambit_core::{
    Bound, EngineId, Isolation, Layer, LimitKey, Outcome, RejectReason, Rejection, Report, ResultValue, Usage, Violation, escape,
};
use ambit_jail::{
    Exit,
    wire::{FromCompiler, FromWorker, GuestDir, RunJob, ToCompiler, ToWorker, WireError},
};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{
    Control, LaunchEvent, LaunchRequest, Prepared,
    believe::{self, Believed, CompilerSays, WorkerSays},
    budget::{CpuBudget, Standing},
    control::Reason,
    module_file,
    process::{MOST_ARTIFACT, Needs, PATIENCE, Process, layer_names},
    refused,
    streams::{self, Laid},
    throttle::Throttle,
    verdict::Death,
};

/// Threads that a compiler works with.
const COMPILER_THREADS: u32 = 2;
/// How many times its CPU budget a compiler may take by the clock on the wall: it may have to share its cores.
const WALL_FOR_CPU: u32 = 20;
/// How long what a guest has written is waited for to be taken, once it is over.
const DRAIN: Duration = Duration::from_secs(1);
/// How long they are listened to before anything else is looked at: whoever talks without end must not outlast its deadline.
const TURN: Duration = Duration::from_millis(5);
/// An escape is at most so many times as long as what it stands for.
const ESCAPED: u64 = 10;
/// The number that its one module has for a worker.
const MODULE: u32 = 1;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The compiler works.
    Compiling,
    /// The worker maps the artifact.
    Loading,
    /// The guest runs.
    Running,
}

/// How a run ended.
struct Ending {
    outcome: Outcome,
    results: Vec<ResultValue>,
    usage: Usage,
    violations: Vec<Violation>,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, results: Vec::new(), usage: Usage::default(), violations: Vec::new() }
    }
}

impl From<Rejection> for Ending {
    fn from(rejection: Rejection) -> Self {
        Outcome::Rejected(rejection).into()
    }
}

/// A run under way.
pub(super) struct Drive<'a> {
    prepared: Prepared,
    request: LaunchRequest,
    control: &'a Control,
    stage: Stage,
    deadline: Option<Instant>,
    began: Instant,
    compile_time: Option<Duration>,
    /// The compiler's budget, then the guest's.
    budget: Option<CpuBudget>,
    throttle: Option<Throttle>,
    /// Bytes of escaped messages that may still come. The worker keeps the limit itself, as long as it is the one that we
    /// started.
    log_left: u64,
    layers: Vec<Layer>,
    /// Known once the worker has entered its jail.
    engine_version: Option<String>,
    compiler_entered: bool,
    /// What the compiler and the worker said of why they give up.
    words: [Option<String>; 2],
}

impl<'a> Drive<'a> {
    pub(super) fn new(prepared: Prepared, request: LaunchRequest, control: &'a Control) -> Self {
        let deadline = match prepared.policy.limits.run.wall_time {
            Bound::At(span) => request.since.checked_add(span.duration()),
            Bound::Unlimited => None,
        };
        Self {
            stage: Stage::Compiling,
            deadline,
            began: Instant::now(),
            compile_time: None,
            budget: None,
            throttle: None,
            log_left: prepared.policy.limits.run.log_bytes.ceiling().saturating_mul(ESCAPED),
            layers: Vec::new(),
            engine_version: None,
            compiler_entered: false,
            words: [None, None],
            prepared,
            request,
            control,
        }
    }

    /// Runs it to its end.
    pub(super) fn run(mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Report {
        let streams = std::mem::take(&mut self.request.streams);
        let output = self.prepared.policy.limits.run.output;
        let laid = streams::lay(streams, output, self.control);
        let ending = match &laid {
            Ok(laid) => self.begin(laid).unwrap_or_else(|()| None),
            Err(error) => Some(lost(format!("cannot lay the guest's streams: {error}"))),
        };
        // The worker has its own by now; ours would keep the pipes open.
        let laid = laid.ok().map(Laid::handed_over);
        let ending = ending.unwrap_or_else(|| self.until_over(on_event));
        // Nothing of it goes on, whatever it was doing, before anybody hears that it is over.
        let exit = self.prepared.worker.end();
        self.prepared.compiler.end();
        if let Some(laid) = laid {
            laid.drain(DRAIN);
        }
        self.report(ending, exit)
    }

    /// Tells both what to do. An end, if that is impossible; nothing if one of them is dead, which is found out next.
    fn begin(&mut self, laid: &Laid) -> Result<Option<Ending>, ()> {
        let policy = &self.prepared.policy;
        let Needs { metering, .. } = self.prepared.needs;
        let bytes = match module_file::sealed("ambit-module", self.request.module.bytes()) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Some(lost(format!("cannot hand over the module: {error}")))),
        };
        let again = || bytes.try_clone().map_err(|_| ());
        let (compiler, worker) = (&self.prepared.compiler.channel, &self.prepared.worker.channel);
        let compile = ToCompiler::Compile { policy: Box::new((**policy).clone()), metering };
        compiler.send(&compile, &[reopened(&bytes)?.as_fd(), self.prepared.artifact.as_fd()], PATIENCE).map_err(drop)?;
        let module = ToWorker::Module { module: MODULE, policy: Box::new((**policy).clone()), metering };
        worker.send(&module, &[again()?.as_fd()], PATIENCE).map_err(drop)?;
        let job = ToWorker::Run(Box::new(RunJob {
            run: self.request.run.0,
            module: MODULE,
            policy: None,
            entry: self.request.entry.clone(),
            name: self.request.name.clone(),
            streams: laid.spec,
            dirs: guest_dirs(policy),
            page: false,
        }));
        let fds: Vec<BorrowedFd<'_>> = laid.fds.iter().map(AsFd::as_fd).collect();
        worker.send(&job, &fds, PATIENCE).map_err(drop)?;
        self.budget = CpuBudget::begin(policy.limits.run.compile_time, &self.prepared.compiler.child, COMPILER_THREADS);
        Ok(None)
    }

    fn until_over(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Ending {
        loop {
            let turn = Instant::now() + TURN;
            if let Some(ending) = self.hear_worker(on_event, turn).or_else(|| self.hear_compiler(turn)) {
                return ending;
            }
            // After both have been heard: what a guest did before its end counts.
            let until = match self.due() {
                Ok(until) => until,
                Err(ending) => return ending,
            };
            // Whoever was interrupted may have said more already, of which no socket would tell.
            let now = Instant::now();
            self.wait(if now < turn { until } else { Some(now) });
        }
    }

    /// Until when nothing is due; or what is.
    fn due(&mut self) -> Result<Option<Instant>, Ending> {
        match self.control.reason() {
            Some(Reason::Cancelled(by)) => return Err(Outcome::Cancelled { by }.into()),
            Some(Reason::Limit(limit, allowed)) => return Err(Outcome::LimitExceeded { limit, allowed, used: None }.into()),
            None => {}
        }
        let now = Instant::now();
        let mut until = self.deadline;
        let mut sooner = |at: Instant| until = Some(until.map_or(at, |until| until.min(at)));
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            let allowed = self.deadline.map_or(Duration::ZERO, |deadline| deadline - self.request.since);
            return Err(limit(LimitKey::WallTime, allowed, now - self.request.since));
        }
        let running = match self.stage {
            Stage::Compiling => &self.prepared.compiler,
            Stage::Loading | Stage::Running => &self.prepared.worker,
        };
        if let Some(budget) = &self.budget {
            match (budget.look(&running.child), self.stage) {
                (Standing::Within(at), _) => sooner(at),
                (Standing::Over(used), Stage::Running) => return Err(limit(LimitKey::CpuTime, budget.allowed(), used)),
                (Standing::Over(_), Stage::Compiling | Stage::Loading) => return Err(compiled_too_long(budget.allowed())),
            }
            if self.stage == Stage::Compiling {
                let at = self.began + budget.allowed() * WALL_FOR_CPU;
                if at <= now {
                    return Err(compiled_too_long(budget.allowed()));
                }
                sooner(at);
            }
        }
        if let Some(throttle) = &mut self.throttle {
            sooner(throttle.look(&self.prepared.worker.child));
        }
        Ok(until)
    }

    /// Waits until one of them says something, or ends, or it is time.
    fn wait(&self, until: Option<Instant>) {
        let timeout = until.map(|until| {
            let left = until.saturating_duration_since(Instant::now());
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(left.subsec_nanos()) }
        });
        let watch = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let Prepared { compiler, worker, .. } = &self.prepared;
        let mut fds = vec![watch(self.control.event()), watch(worker.channel.socket())];
        if self.stage == Stage::Compiling {
            fds.push(watch(compiler.channel.socket()));
        }
        // Woken for nothing, it looks around and waits again.
        let _ = rustix::event::poll(&mut fds, timeout.as_ref());
    }

    fn hear_compiler(&mut self, turn: Instant) -> Option<Ending> {
        while self.stage == Stage::Compiling && Instant::now() < turn {
            let said = match self.prepared.compiler.channel.try_receive::<FromCompiler>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(self.compiler_is_gone(&error)),
            };
            match believe::compiler(said) {
                CompilerSays::Entered => self.compiler_entered = true,
                CompilerSays::NotEntered(_) if self.compiler_entered => {
                    return Some(lost("the compiler says what nobody has asked".into()));
                }
                CompilerSays::NotEntered(error) => return Some(refused(&error).into()),
                CompilerSays::Compiled => return self.compiled(),
                CompilerSays::Refused(rejection) => return Some(rejection.into()),
                CompilerSays::Failed(reason) => self.words[0] = Some(reason),
            }
        }
        None
    }

    /// Hands the artifact over, as it is from now on.
    fn compiled(&mut self) -> Option<Ending> {
        self.compile_time = Some(self.began.elapsed());
        // Gone before the artifact is sealed: a compiler that was taken over could hold on to a mapping.
        self.prepared.compiler.end();
        let size = self.prepared.artifact.metadata().map_or(u64::MAX, |metadata| metadata.len());
        if size == 0 || size > MOST_ARTIFACT {
            return Some(lost(format!("the compiler gave an artifact of {size} bytes")));
        }
        if let Err(error) = module_file::seal(&self.prepared.artifact) {
            return Some(lost(format!("cannot seal the artifact: {error}")));
        }
        (self.stage, self.budget) = (Stage::Loading, None);
        let worker = &self.prepared.worker.channel;
        // A worker that is dead is found out next.
        let _ = worker.send(&ToWorker::Artifact { module: MODULE }, &[self.prepared.artifact.as_fd()], PATIENCE);
        None
    }

    fn hear_worker(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>), turn: Instant) -> Option<Ending> {
        while Instant::now() < turn {
            let said = match self.prepared.worker.channel.try_receive::<FromWorker>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(self.worker_is_gone(&error)),
            };
            match believe::worker(said, &self.prepared.policy) {
                WorkerSays::Entered(layers, version) if self.engine_version.is_none() => {
                    (self.layers, self.engine_version) = (layers, Some(version));
                }
                WorkerSays::NotEntered(error) if self.engine_version.is_none() => return Some(refused(&error).into()),
                WorkerSays::Refused(rejection) if self.stage != Stage::Running => return Some(rejection.into()),
                WorkerSays::Loaded if self.stage == Stage::Loading => self.running(on_event),
                WorkerSays::Log(text) if self.stage == Stage::Running => {
                    let Some(left) = self.log_left.checked_sub(text.len() as u64) else {
                        return Some(lost("the worker passes on more messages than its guest may send".into()));
                    };
                    self.log_left = left;
                    on_event(LaunchEvent::Log(&text));
                }
                WorkerSays::Ended(end) if self.stage == Stage::Running => {
                    let Believed { outcome, results, usage, violations } = *end;
                    return Some(Ending { outcome, results, usage, violations });
                }
                WorkerSays::Failed(reason) => self.words[1] = Some(reason),
                WorkerSays::Entered(..)
                | WorkerSays::NotEntered(_)
                | WorkerSays::Loaded
                | WorkerSays::Refused(_)
                | WorkerSays::Log(_)
                | WorkerSays::Ended(_) => return Some(lost("the worker says what nobody has asked".into())),
            }
        }
        None
    }

    fn running(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) {
        self.stage = Stage::Running;
        let (limits, child) = (&self.prepared.policy.limits.run, &self.prepared.worker.child);
        self.budget = CpuBudget::begin(limits.cpu_time, child, 1);
        self.throttle = self.prepared.needs.throttled.map(|share| Throttle::begin(share, child));
        on_event(LaunchEvent::Compiled);
    }

    fn compiler_is_gone(&mut self, error: &WireError) -> Ending {
        let words = self.words[0].take();
        match death(&mut self.prepared.compiler, words, error) {
            Ok(death) => death.of_compiler(&self.prepared.policy).into(),
            Err(rejection) => rejection.into(),
        }
    }

    fn worker_is_gone(&mut self, error: &WireError) -> Ending {
        let words = self.words[1].take();
        match death(&mut self.prepared.worker, words, error) {
            Ok(death) => {
                let (outcome, violations) = death.of_worker(&self.prepared.policy);
                Ending { violations, ..outcome.into() }
            }
            Err(rejection) => rejection.into(),
        }
    }

    fn report(self, ending: Ending, exit: Option<Exit>) -> Report {
        let Ending { outcome, results, usage, violations } = ending;
        let Self { prepared, request, compile_time, layers, engine_version, .. } = self;
        let kernel = exit.map(|exit| exit.cpu);
        let began = matches!(outcome, Outcome::Rejected(_)).then_some(()).is_none();
        let cpu = match (usage.cpu_ns.map(Duration::from_nanos), kernel) {
            (Some(said), Some(kernel)) => Some(said.min(kernel)),
            (None, Some(kernel)) if began => Some(kernel),
            (_, _) => None,
        };
        Report {
            run: request.run,
            outcome,
            results,
            usage: Usage {
                wall_ns: Some(nanos(request.since.elapsed())),
                cpu_ns: cpu.map(nanos),
                compile_ns: compile_time.map(nanos),
                ..usage
            },
            violations,
            policy: Some((*prepared.policy).clone()),
            module: Some(request.module.digest()),
            name: Some(escape(&request.name, 256)),
            engine: Some(EngineId::Wasmtime),
            engine_version,
            isolation: Isolation::Process,
            layers: layer_names(&layers),
        }
    }
}

/// Looks at a process that is gone, or speaks no sense and is ended for it. The step into its jail that failed, if it never got
/// so far as to say so.
fn death(process: &mut Process, words: Option<String>, error: &WireError) -> Result<Death, Rejection> {
    if !matches!(error, WireError::Closed) {
        process.child.kill();
    }
    let exit = process.child.wait().ok();
    if let Some(rejection) = process.failed_start() {
        return Err(rejection);
    }
    let out_of_memory = process.group.as_ref().is_some_and(|group| group.usage().oom_kills.is_some_and(|kills| kills > 0));
    let words = words.or_else(|| process.child.last_words());
    let words = words.or_else(|| (!matches!(error, WireError::Closed)).then(|| error.to_string()));
    Ok(Death { exit, out_of_memory, words })
}

/// The directories of the jail, as its guest knows them.
fn guest_dirs(policy: &ambit_core::Policy) -> Vec<GuestDir> {
    let dirs = policy.grants.dirs.iter();
    let dirs = dirs.map(|dir| GuestDir { guest: dir.guest.clone(), access: dir.access, capacity: None });
    let tmp = policy.grants.tmp.map(|size| GuestDir {
        guest: "/tmp".into(),
        access: ambit_core::Access::ReadWrite,
        capacity: Some(size.get()),
    });
    dirs.chain(tmp).collect()
}

/// The module once more, with a position of its own: two processes read it.
fn reopened(file: &impl AsFd) -> Result<std::fs::File, ()> {
    std::fs::File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file.as_fd()))).map_err(drop)
}

fn compiled_too_long(allowed: Duration) -> Ending {
    let message = format!(
        "the compiler has used up the limit `compile-time`, {allowed:?} of CPU time; raise it with --limit compile-time=TIME"
    );
    Rejection::new(RejectReason::CompileBudget, message).into()
}

fn limit(limit: LimitKey, allowed: Duration, used: Duration) -> Ending {
    Outcome::LimitExceeded { limit, allowed: nanos(allowed), used: Some(nanos(used)) }.into()
}

fn lost(reason: String) -> Ending {
    Outcome::Lost { reason }.into()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
