//! One run from its first message to its report.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use ambit_core::{
    Bound, EngineId, Isolation, Layer, LimitKey, Outcome, RejectReason, Rejection, Report, ResultValue, Usage, Violation, escape,
    escape_again,
};
use ambit_jail::{
    Exit,
    wire::{FromCompiler, FromWorker, GuestDir, RunJob, ToCompiler, ToWorker, WireError},
};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{
    Control, LaunchEvent, LaunchRequest, Prepared,
    believe::{Believed, believe, believe_rejection},
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
/// How long a process that has closed its socket is waited for to end, as it does at once if that is why it has.
const LINGER: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// How many messages of a process are heard before it is looked at the clock again: what it says need have no end.
const AT_ONCE: usize = 64;
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
    layers: Vec<Layer>,
    engine_version: Option<String>,
    /// What the compiler and the worker said of why they give up.
    words: [Option<String>; 2],
    /// Not all that they have said has been heard.
    more: bool,
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
            layers: Vec::new(),
            engine_version: None,
            words: [None, None],
            more: false,
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
            Ok(laid) => self.begin(laid),
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

    /// Tells both what to do. An end, if that is impossible; nothing if one of them is dead or the time is up, which is found
    /// out next.
    fn begin(&mut self, laid: &Laid) -> Option<Ending> {
        match self.tell(laid) {
            Ok(()) | Err(WireError::Closed) => None,
            Err(WireError::Stuck(_)) if self.is_overdue(Instant::now()) => None,
            Err(error) => Some(lost(format!("cannot tell the processes what to do: {error}"))),
        }
    }

    fn tell(&mut self, laid: &Laid) -> Result<(), WireError> {
        let policy = &self.prepared.policy;
        let Needs { metering, .. } = self.prepared.needs;
        let bytes = module_file::sealed("ambit-module", self.request.module.bytes()).map_err(WireError::Socket)?;
        let left = self.deadline.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(Instant::now()));
        let patience = left.min(PATIENCE);
        let (compiler, worker) = (&self.prepared.compiler.channel, &self.prepared.worker.channel);
        let compile = ToCompiler::Compile { policy: Box::new((**policy).clone()), metering };
        let again = reopened(&bytes).map_err(WireError::Socket)?;
        compiler.send(&compile, &[again.as_fd(), self.prepared.artifact.as_fd()], patience)?;
        let module = ToWorker::Module { module: MODULE, policy: Box::new((**policy).clone()), metering };
        worker.send(&module, &[bytes.as_fd()], patience)?;
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
        worker.send(&job, &fds, patience)?;
        self.budget = CpuBudget::begin(policy.limits.run.compile_time, &self.prepared.compiler.child, COMPILER_THREADS);
        Ok(())
    }

    fn until_over(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Ending {
        loop {
            if let Some(ending) = self.hear_worker(on_event).or_else(|| self.hear_compiler(on_event)) {
                return ending;
            }
            // After both have been heard: what a guest did before its end counts.
            let until = match self.due() {
                Ok(until) => until,
                Err(ending) => return ending,
            };
            if !std::mem::take(&mut self.more) {
                self.wait(until);
            }
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
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
        if self.is_overdue(now) {
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

    fn hear_compiler(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Option<Ending> {
        for _ in 0..AT_ONCE {
            if self.stage != Stage::Compiling {
                return None;
            }
            let said = match self.prepared.compiler.channel.try_receive::<FromCompiler>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(self.compiler_is_gone(&error)),
            };
            match said {
                FromCompiler::Entered(_) => {}
                FromCompiler::NotEntered(error) => return Some(believe_rejection(refused(&error)).into()),
                FromCompiler::Compiled => return self.compiled(on_event),
                FromCompiler::Rejected(rejection) => return Some(believe_rejection(rejection).into()),
                FromCompiler::Failed(text) => self.words[0] = Some(escape_again(&text, 512)),
            }
        }
        self.more = true;
        None
    }

    /// Hands the artifact over, as it is from now on.
    fn compiled(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Option<Ending> {
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
        // Before the worker has it: from then on the guest runs, whatever whoever listens is doing.
        on_event(LaunchEvent::Compiled);
        let worker = &self.prepared.worker.channel;
        // A worker that is dead is found out next.
        let _ = worker.send(&ToWorker::Artifact { module: MODULE }, &[self.prepared.artifact.as_fd()], PATIENCE);
        None
    }

    fn hear_worker(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Option<Ending> {
        for _ in 0..AT_ONCE {
            let said = match self.prepared.worker.channel.try_receive::<FromWorker>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(self.worker_is_gone(&error)),
            };
            match said {
                FromWorker::Entered { layers, engine_version } if self.layers.is_empty() => {
                    (self.layers, self.engine_version) = (layers, Some(escape(engine_version, 64)));
                }
                FromWorker::NotEntered(error) if self.layers.is_empty() => return Some(believe_rejection(refused(&error)).into()),
                FromWorker::Loaded { refused: Some(rejection), .. } if self.stage != Stage::Running => {
                    return Some(believe_rejection(rejection).into());
                }
                FromWorker::Loaded { refused: None, .. } if self.stage == Stage::Loading => self.running(),
                FromWorker::Log { text, .. } if self.stage == Stage::Running => {
                    on_event(LaunchEvent::Log(&escape_again(&text, text.len())));
                }
                FromWorker::Ended(end) if self.stage == Stage::Running => {
                    let Believed { outcome, results, usage, violations } = believe(*end, &self.prepared.policy);
                    return Some(Ending { outcome, results, usage, violations });
                }
                FromWorker::Failed(text) => self.words[1] = Some(escape_again(&text, 512)),
                FromWorker::Entered { .. }
                | FromWorker::NotEntered(_)
                | FromWorker::Loaded { .. }
                | FromWorker::Log { .. }
                | FromWorker::Ended(_) => return Some(lost("the worker says what nobody has asked".into())),
            }
        }
        self.more = true;
        None
    }

    fn running(&mut self) {
        self.stage = Stage::Running;
        let (limits, child) = (&self.prepared.policy.limits.run, &self.prepared.worker.child);
        self.budget = CpuBudget::begin(limits.cpu_time, child, 1);
        self.throttle = self.prepared.needs.throttled.map(|share| Throttle::begin(share, child));
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
        let began = !matches!(outcome, Outcome::Rejected(_));
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
            // What was refused was run by none.
            engine: began.then_some(EngineId::Wasmtime),
            engine_version: engine_version.filter(|_| began),
            isolation: Isolation::Process,
            layers: layer_names(&layers),
        }
    }
}

/// Looks at a process that is gone, or speaks no sense and is ended for it. The step into its jail that failed, if it never got
/// so far as to say so.
fn death(process: &mut Process, words: Option<String>, error: &WireError) -> Result<Death, Rejection> {
    if matches!(error, WireError::Closed) {
        let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(process.child.pidfd(), PollFlags::IN)], Some(&LINGER));
    }
    let goes_on = matches!(error, WireError::Closed) && !process.child.has_ended();
    process.child.kill();
    let exit = process.child.wait().ok();
    if let Some(rejection) = process.failed_start() {
        return Err(rejection);
    }
    let out_of_memory = process.group.as_ref().is_some_and(|group| group.usage().oom_kills.is_some_and(|kills| kills > 0));
    let words = words.or_else(|| process.child.last_words());
    let words = words.or_else(|| goes_on.then(|| "it closed its socket and went on".into()));
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
fn reopened(file: &impl AsFd) -> std::io::Result<std::fs::File> {
    std::fs::File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file.as_fd())))
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
