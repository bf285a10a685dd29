//! One run from its first message to its report.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use ambit_core::{Bound, EngineId, Isolation, LimitKey, Outcome, Rejection, Report, ResultValue, Usage, Violation, escape};
use ambit_jail::{
    Exit,
    wire::{FromWorker, GuestDir, RunJob, ToWorker, WireError},
};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{
    Control, LaunchEvent, LaunchRequest, Prepared,
    believe::{self, Believed, WorkerSays},
    budget::{CpuBudget, Standing},
    compile::{Compilation, Compiled},
    control::Reason,
    module_file,
    process::{Entered, PATIENCE, death, layer_names, worker_rlimits},
    refused,
    streams::{self, Laid},
    throttle::Throttle,
};

/// How long what a guest has written is waited for to be taken, once it is over.
const DRAIN: Duration = Duration::from_secs(1);
/// How long anybody is listened to before anything else is looked at: who talks without end must not outlast its deadline.
pub(crate) const TURN: Duration = Duration::from_millis(5);
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
    /// Kept until the end: to wait until its process is gone is for when nobody waits for anything else.
    compilation: Option<Compilation>,
    compile_time: Option<Duration>,
    /// The guest's.
    budget: Option<CpuBudget>,
    throttle: Option<Throttle>,
    /// Bytes of escaped messages that may still come. The worker keeps the limit itself, as long as it is the one that was
    /// started.
    log_left: u64,
    /// What the worker said of why it gives up.
    words: Option<String>,
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
            compilation: None,
            compile_time: None,
            budget: None,
            throttle: None,
            log_left: prepared.policy.limits.run.log_bytes.ceiling().saturating_mul(ESCAPED),
            words: None,
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
        let begun = match &laid {
            Ok(laid) => self.begin(laid),
            Err(error) => Err(lost(format!("cannot lay the guest's streams: {error}"))),
        };
        // The worker has its own by now; ours would keep the pipes open.
        let laid = laid.ok().map(Laid::handed_over);
        let ending = match begun {
            Ok(()) => self.until_over(on_event),
            Err(outcome) => outcome.into(),
        };
        // Nothing of it goes on, whatever it was doing, before anybody hears that it is over.
        let exit = self.prepared.worker.end();
        self.compilation = None;
        if let Some(laid) = laid {
            laid.drain(DRAIN);
        }
        self.report(ending, exit)
    }

    /// Tells both what to do. Should one of them be dead, that is found out next.
    fn begin(&mut self, laid: &Laid) -> Result<(), Outcome> {
        let policy = &self.prepared.policy;
        let metering = self.prepared.needs.metering;
        let bytes = module_file::sealed("ambit-module", self.request.module.bytes());
        let bytes = bytes.map_err(|error| lost(format!("cannot hand over the module: {error}")))?;
        let told = |sent: Result<(), WireError>| match sent {
            Ok(()) | Err(WireError::Closed) => Ok(()),
            // Time is up, which is found out next too.
            Err(WireError::Stuck(_)) if is_over(self.deadline) => Ok(()),
            Err(error) => Err(lost(format!("cannot tell the worker what to run: {error}"))),
        };
        if let Some(compiler) = self.prepared.compiler.take() {
            self.compilation = Some(Compilation::begin(compiler, policy, metering, &self.request.module, &bytes, self.deadline)?);
        }
        // Now that it is known how large the module is.
        let tight = worker_rlimits(policy, self.request.module.bytes().len() as u64);
        self.prepared.worker.child.limit(&tight).or_else(|error| match self.prepared.worker.child.has_ended() {
            // Found out next.
            true => Ok(()),
            false => Err(Outcome::Rejected(refused(&error))),
        })?;
        let worker = &self.prepared.worker.channel;
        let module = ToWorker::Module { module: MODULE, policy: Box::new((**policy).clone()), metering };
        told(worker.send(&module, &[bytes.as_fd()], patience(self.deadline)))?;
        let job = ToWorker::Run(Box::new(RunJob {
            run: self.request.run.0,
            module: MODULE,
            policy: None,
            entry: self.request.entry.clone(),
            name: self.request.name.clone(),
            streams: laid.spec,
            dirs: guest_dirs(policy),
        }));
        let fds: Vec<BorrowedFd<'_>> = laid.fds.iter().map(AsFd::as_fd).collect();
        told(worker.send(&job, &fds, patience(self.deadline)))?;
        if let Some(code) = self.prepared.code.take() {
            self.load(&code);
        }
        Ok(())
    }

    fn until_over(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Ending {
        loop {
            let turn = Instant::now() + TURN;
            if let Some(ending) = self.hear_worker(on_event, turn).or_else(|| self.hear_compiler(on_event, turn)) {
                return ending;
            }
            // After both have been heard: what a guest did before its end counts.
            let until = match self.due() {
                Ok(until) => until,
                Err(outcome) => return outcome.into(),
            };
            self.wait(still_talking(turn).or(until));
        }
    }

    /// Until when nothing is due; or what is.
    fn due(&mut self) -> Result<Option<Instant>, Outcome> {
        match self.control.reason() {
            Some(Reason::Cancelled(by)) => return Err(Outcome::Cancelled { by }),
            Some(Reason::Limit(limit, allowed)) => return Err(Outcome::LimitExceeded { limit, allowed, used: None }),
            None => {}
        }
        let now = Instant::now();
        let mut until = self.deadline;
        let mut sooner = |at: Instant| until = Some(until.map_or(at, |until| until.min(at)));
        if is_over(self.deadline) {
            let allowed = self.deadline.map_or(Duration::ZERO, |deadline| deadline - self.request.since);
            return Err(limit(LimitKey::WallTime, allowed, now - self.request.since));
        }
        if let (Stage::Compiling, Some(compilation)) = (self.stage, &self.compilation)
            && let Some(at) = compilation.due()?
        {
            sooner(at);
        }
        if let Some(budget) = &self.budget {
            match budget.look(&self.prepared.worker.child) {
                Standing::Within(at) => sooner(at),
                Standing::Over(used) => return Err(limit(LimitKey::CpuTime, budget.allowed(), used)),
            }
        }
        if let Some(throttle) = &mut self.throttle {
            sooner(throttle.look(&self.prepared.worker.child));
        }
        Ok(until)
    }

    /// Waits until one of them says something, or ends, or it is time.
    fn wait(&self, until: Option<Instant>) {
        let watch = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = vec![watch(self.control.event()), watch(self.prepared.worker.channel.socket())];
        let compiling = self.compilation.as_ref().filter(|_| self.stage == Stage::Compiling);
        fds.extend(compiling.map(|compilation| watch(compilation.socket())));
        // Woken for nothing, it looks around and waits again.
        let _ = rustix::event::poll(&mut fds, timeout(until).as_ref());
    }

    fn hear_compiler(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>), turn: Instant) -> Option<Ending> {
        let compiled = self.compilation.as_mut()?.hear(turn)?;
        self.compilation = None;
        match compiled {
            Ok(code) => {
                self.compile_time = Some(code.time());
                // Before the worker has it: from then on the guest runs, whatever whoever listens is doing.
                on_event(LaunchEvent::Compiled);
                self.load(&code);
                None
            }
            Err(outcome) => Some(outcome.into()),
        }
    }

    /// Hands the artifact over. A worker that is dead is found out next.
    fn load(&mut self, code: &Compiled) {
        self.stage = Stage::Loading;
        let worker = &self.prepared.worker.channel;
        let _ = worker.send(&ToWorker::Artifact { module: MODULE }, &[code.file()], patience(self.deadline));
    }

    fn hear_worker(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>), turn: Instant) -> Option<Ending> {
        while Instant::now() < turn {
            let said = match self.prepared.worker.channel.try_receive::<FromWorker>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(self.worker_is_gone(&error)),
            };
            match believe::worker(said, Isolation::Process) {
                WorkerSays::Entered { layers, engine_version } if self.prepared.worker.entered.is_none() => {
                    self.prepared.worker.entered = Some(Entered { layers, engine_version });
                }
                WorkerSays::NotEntered(error) if self.prepared.worker.entered.is_none() => return Some(refused(&error).into()),
                WorkerSays::Loaded { refused: Some(rejection), .. } if self.stage != Stage::Running => {
                    return Some(rejection.into());
                }
                WorkerSays::Loaded { refused: None, .. } if self.stage == Stage::Loading => self.running(),
                WorkerSays::Log(text) if self.stage == Stage::Running => {
                    let Some(left) = self.log_left.checked_sub(text.len() as u64) else {
                        return Some(lost("the worker passes on more messages than its guest may send".into()).into());
                    };
                    self.log_left = left;
                    on_event(LaunchEvent::Log(&text));
                }
                WorkerSays::Ended(end) if self.stage == Stage::Running => {
                    let Believed { outcome, results, usage, violations, .. } =
                        end.believe(&self.prepared.policy, Isolation::Process);
                    return Some(Ending { outcome, results, usage, violations });
                }
                WorkerSays::Failed(reason) => self.words = Some(reason),
                WorkerSays::Entered { .. }
                | WorkerSays::NotEntered(_)
                | WorkerSays::Loaded { .. }
                | WorkerSays::Log(_)
                | WorkerSays::Ended(_)
                | WorkerSays::Repeated(_) => {
                    return Some(lost("the worker says what nobody has asked".into()).into());
                }
            }
        }
        None
    }

    fn running(&mut self) {
        self.stage = Stage::Running;
        let (limits, child) = (&self.prepared.policy.limits.run, &self.prepared.worker.child);
        self.budget = CpuBudget::begin(limits.cpu_time, child, 1);
        self.throttle = self.prepared.needs.throttled.map(|share| Throttle::begin(share, child));
    }

    fn worker_is_gone(&mut self, error: &WireError) -> Ending {
        let words = self.words.take();
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
        let Self { prepared, request, compile_time, stage, .. } = self;
        // Of a guest that was ended there is no other account.
        let usage = match (&prepared.worker.page, usage == Usage::default() && stage == Stage::Running) {
            (Some(page), true) => {
                let fuelled = prepared.policy.limits.run.fuel.finite().is_some();
                Usage::of_counters(|counter| page.counters()[counter as usize].load(Relaxed), fuelled)
            }
            _ => usage,
        };
        let entered = prepared.worker.entered;
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
            engine_version: entered.as_ref().filter(|_| began).map(|entered| entered.engine_version.clone()),
            isolation: Isolation::Process,
            layers: entered.map(|entered| layer_names(&entered.layers)).unwrap_or_default(),
        }
    }
}

/// Now, if a turn is over: whoever was interrupted may have said more already, of which no socket would tell.
pub(crate) fn still_talking(turn: Instant) -> Option<Instant> {
    let now = Instant::now();
    (now >= turn).then_some(now)
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

fn limit(limit: LimitKey, allowed: Duration, used: Duration) -> Outcome {
    Outcome::LimitExceeded { limit, allowed: nanos(allowed), used: Some(nanos(used)) }
}

pub(crate) fn lost(reason: String) -> Outcome {
    Outcome::Lost { reason }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether the time is up.
pub(super) fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

/// How long a process is waited for to take what it is told: no longer than the run may take.
pub(super) fn patience(deadline: Option<Instant>) -> Duration {
    deadline.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(Instant::now()).min(PATIENCE))
}

/// The time until then, for waiting.
pub(crate) fn timeout(until: Option<Instant>) -> Option<Timespec> {
    let left = until?.saturating_duration_since(Instant::now());
    Some(Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(left.subsec_nanos()) })
}
