//! One run from its first message to its report.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use ambit_core::{ArtifactSource, Bound, Isolation, LimitKey, Outcome, Policy, Rejection, Report, Usage};
use ambit_jail::wire::{FromWorker, GuestDir, ModuleForm, RunJob, ToWorker, WireError};
use ambit_store::ArtifactKey;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{
    Begun, Control, LaunchEvent, LaunchRequest, Launcher, Prepared,
    believe::{self, Believed, WorkerSays, returns},
    budget::{CpuBudget, Standing},
    compile::{Compilation, Compiled, too_long},
    control::Reason,
    ending::Ending,
    module_file,
    process::{Entered, Needs, PATIENCE, Process, death, layer_names, worker_rlimits},
    refused,
    streams::{self, Laid},
    throttle::Throttle,
    verdict::Death,
    warm::Waiting,
};

/// How long what a guest has written is waited for to be taken, once it is over.
const DRAIN: Duration = Duration::from_secs(1);
/// How long anybody is listened to before anything else is looked at: who talks without end must not outlast its deadline.
pub(crate) const TURN: Duration = Duration::from_millis(5);
/// An escape is at most so many times as long as what it stands for.
const ESCAPED: u64 = 10;
/// How long a worker may take from being handed its artifact to being ready to run it: until then nothing but the deadline bounds
/// what it uses, and a run may have none. Long: it may still be entering its jail, and share its core with hundreds.
const LOADING: Duration = Duration::from_secs(30);
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
    /// The worker has said how the guest ended.
    Over,
}

/// A run under way.
pub(super) struct Drive<'a> {
    launcher: &'a Launcher,
    policy: Arc<Policy>,
    needs: Needs,
    worker: Process,
    /// Who made the worker, if it was warm.
    warm: Option<Arc<Waiting>>,
    request: LaunchRequest,
    /// What the worker is given of the module.
    given: (OwnedFd, ModuleForm),
    control: &'a Control,
    stage: Stage,
    deadline: Option<Instant>,
    /// When the worker was handed its artifact.
    handed: Option<Instant>,
    /// What its module was compiled to before.
    code: Option<Arc<Compiled>>,
    /// Where the code that the worker was handed came from.
    source: Option<ArtifactSource>,
    /// What its code is called in the cache.
    key: Option<ArtifactKey>,
    /// Why what the cache had is not used.
    refused_code: Option<String>,
    /// Kept until the end: to wait until its process is gone is for when nobody waits for anything else.
    compilation: Option<Compilation>,
    compile_time: Option<Duration>,
    /// CPU time that the worker had used before its guest began, which is none of the guest's.
    before: Option<Duration>,
    /// For making its module ready, if it does that itself.
    translation: Option<CpuBudget>,
    /// The guest's.
    budget: Option<CpuBudget>,
    throttle: Option<Throttle>,
    /// Bytes of escaped messages that may still come. The worker keeps the limit itself, as long as it is the one that was
    /// started.
    log_left: u64,
    /// What the worker said of why it gives up.
    words: Option<String>,
    /// Whether somebody has taken system calls from its list.
    denies_more: bool,
}

impl<'a> Drive<'a> {
    /// Tells the compiler what to compile, and only then makes the worker: it enters its jail while the compiler works.
    ///
    /// # Errors
    /// The report of a run that could not begin.
    pub(super) fn begin(
        launcher: &'a Launcher,
        prepared: Prepared,
        request: LaunchRequest,
        control: &'a Control,
    ) -> Result<Self, Box<Report>> {
        let Prepared { policy, needs, begun } = prepared;
        let deadline = match policy.limits.run.wall_time {
            Bound::At(span) => request.since.checked_add(span.duration()),
            Bound::Unlimited => None,
        };
        let given = module_file::for_worker(launcher.config.engine.compiles(), &request.module);
        let given = given.map_err(|error| lost(format!("cannot hand over the module: {error}")));
        let module = &request.module;
        let size = module.bytes().len() as u64;
        let compile = |compiler| Compilation::begin(compiler, &policy, needs.metering, module, deadline);
        let (mut key, mut refused_code) = (None, None);
        let begun = given.and_then(|given| match begun {
            Begun::Compiler(compiler) => {
                let compilation = compile(compiler)?;
                let worker = launcher.spawn_worker(&policy, &needs, size);
                Ok((given, worker.map_err(Outcome::Rejected)?, Some(compilation), None, None))
            }
            Begun::Unknown(worker) => {
                let worker = worker.map_err(Outcome::Rejected)?;
                let limited = worker.child.limit(&worker_rlimits(launcher.config.engine, &policy, size));
                limited.map_err(|error| Outcome::Rejected(refused(&error)))?;
                let code = if launcher.config.engine.compiles() {
                    launcher.look_for(module, &policy, needs.metering).and_then(|looked| {
                        (key, refused_code) = (Some(looked.key), looked.refused);
                        looked.code
                    })
                } else {
                    Some(Compiled::not(module, needs.metering))
                };
                let compilation = match code {
                    Some(_) => None,
                    None => Some(compile(launcher.spawn_compiler(&policy).map_err(Outcome::Rejected)?)?),
                };
                Ok((given, worker, compilation, code.map(Arc::new), None))
            }
            Begun::Worker { worker, code, warm } => Ok((given, worker, None, Some(code), warm)),
        });
        match begun {
            Ok((given, mut worker, compilation, code, warm)) => {
                let gives_value = returns(&request.module, &request.entry).is_some();
                worker.channel.takes_at_most(Launcher::most_said(&policy, gives_value));
                Ok(Self {
                    launcher,
                    given,
                    warm,
                    stage: Stage::Compiling,
                    deadline,
                    handed: None,
                    compilation,
                    code,
                    source: None,
                    key,
                    refused_code,
                    compile_time: None,
                    before: None,
                    translation: None,
                    budget: None,
                    throttle: None,
                    log_left: policy.limits.run.log_bytes.ceiling().saturating_mul(ESCAPED),
                    words: None,
                    denies_more: !launcher.config.syscalls.deny.is_empty(),
                    policy,
                    needs,
                    worker,
                    request,
                    control,
                })
            }
            Err(outcome) => Err(Box::new(Ending::from(outcome).report(launcher.config.engine, &policy, &request))),
        }
    }

    /// Runs it to its end.
    pub(super) fn run(mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>)) -> Report {
        if let Some(why) = self.refused_code.take() {
            on_event(LaunchEvent::ArtifactRefused(&why));
        }
        if self.code.is_some() {
            // It was before, or is never to be.
            on_event(LaunchEvent::Compiled);
        }
        let streams = std::mem::take(&mut self.request.streams);
        let output = self.policy.limits.run.output;
        let laid = streams::lay(streams, output, self.control);
        let begun = match &laid {
            Ok(laid) => self.tell_worker(laid),
            Err(error) => Err(lost(format!("cannot lay the guest's streams: {error}"))),
        };
        // The worker has its own by now; ours would keep the pipes open.
        let laid = laid.ok().map(Laid::handed_over);
        let ending = match begun {
            Ok(()) => self.until_over(on_event),
            Err(outcome) => outcome.into(),
        };
        // Nothing of it goes on, whatever it was doing, before anybody hears that it is over. A guest that has ended by itself leaves
        // but a process on its way out, and whoever made that may see it off.
        let seen_off = self.warm.take().filter(|_| self.stage == Stage::Over);
        let cpu = match seen_off {
            Some(_) => {
                self.worker.child.kill();
                self.worker.child.cpu_time()
            }
            None => self.worker.end().map(|exit| exit.cpu),
        };
        self.compilation = None;
        if let Some(laid) = laid {
            laid.drain(DRAIN);
        }
        // What the cache had and no worker would run is not had again.
        if let (Stage::Loading, Some(ArtifactSource::Cached), Some(key)) = (self.stage, self.source, &self.key) {
            self.launcher.forget(key);
        }
        let report = self.report(ending, cpu);
        if let Some(warm) = seen_off {
            warm.see_off(self.worker);
        }
        report
    }

    /// Tells the worker what to do. Should it be dead, that is found out next.
    fn tell_worker(&mut self, laid: &Laid) -> Result<(), Outcome> {
        let policy = &self.policy;
        let metering = self.needs.metering;
        let told = |sent: Result<(), WireError>| match sent {
            Ok(()) | Err(WireError::Closed) => Ok(()),
            // Time is up, which is found out next too.
            Err(WireError::Stuck(_)) if is_over(self.deadline) => Ok(()),
            Err(error) => Err(lost(format!("cannot tell the worker what to run: {error}"))),
        };
        let worker = &self.worker.channel;
        let (given, form) = &self.given;
        let module = ToWorker::Module { module: MODULE, form: *form, policy: Box::new((**policy).clone()), metering };
        told(worker.send(&module, &[given.as_fd()], patience(self.deadline)))?;
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
        if let Some(code) = self.code.take() {
            self.load(&code, code.from_cache().then_some(ArtifactSource::Cached));
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
        if let (Stage::Loading, false, Some(handed)) = (self.stage, self.translates(), self.handed) {
            if now >= handed + LOADING {
                return Err(lost(format!("the worker has not loaded its module within {LOADING:?}")));
            }
            sooner(handed + LOADING);
        }
        if let (Stage::Compiling, Some(compilation)) = (self.stage, &self.compilation)
            && let Some(at) = compilation.due()?
        {
            sooner(at);
        }
        if let (Stage::Loading, Some(budget)) = (self.stage, &self.translation) {
            match budget.look(&self.worker.child) {
                Standing::Within(at) => sooner(at),
                Standing::Over(_) => return Err(too_long(budget.allowed())),
            }
        }
        if let Some(budget) = &self.budget {
            match budget.look(&self.worker.child) {
                Standing::Within(at) => sooner(at),
                Standing::Over(used) => return Err(limit(LimitKey::CpuTime, budget.allowed(), used)),
            }
        }
        if let Some(throttle) = &mut self.throttle {
            sooner(throttle.look(&self.worker.child));
        }
        Ok(until)
    }

    /// Waits until one of them says something, or ends, or it is time.
    fn wait(&self, until: Option<Instant>) {
        let watch = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = vec![watch(self.control.event()), watch(self.worker.channel.socket())];
        let compiling = self.compilation.as_ref().filter(|_| self.stage == Stage::Compiling);
        fds.extend(compiling.map(|compilation| watch(compilation.socket())));
        // Woken for nothing, it looks around and waits again.
        let _ = rustix::event::poll(&mut fds, timeout(until).as_ref());
    }

    fn hear_compiler(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>), turn: Instant) -> Option<Ending> {
        let compiling = self.compilation.as_mut().filter(|_| self.stage == Stage::Compiling);
        match compiling?.hear(turn)? {
            Ok(code) => {
                self.compile_time = Some(code.time());
                // Before the worker has it: from then on the guest runs, whatever whoever listens is doing.
                on_event(LaunchEvent::Compiled);
                self.load(&code, Some(ArtifactSource::Compiled));
                // Once the worker has it: nothing waits for what is for later runs.
                if let Some(key) = self.key.take() {
                    self.launcher.keep(key, &code);
                }
                None
            }
            Err(outcome) => Some(outcome.into()),
        }
    }

    /// Hands the artifact over. A worker that is dead is found out next.
    fn load(&mut self, code: &Compiled, source: Option<ArtifactSource>) {
        self.stage = Stage::Loading;
        self.source = source;
        self.handed = Some(Instant::now());
        let (told, file) = code.told(MODULE);
        let _ = self.worker.channel.send(&told, file.as_slice(), patience(self.deadline));
    }

    /// Whether the worker makes its module ready to run itself, which is bounded as compiling it would be.
    fn translates(&self) -> bool {
        !self.launcher.config.engine.compiles()
    }

    fn hear_worker(&mut self, on_event: &mut dyn FnMut(LaunchEvent<'_>), turn: Instant) -> Option<Ending> {
        while Instant::now() < turn {
            let said = match self.worker.channel.try_receive::<FromWorker>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(self.worker_is_gone(&error)),
            };
            match believe::worker(said, Isolation::Process) {
                WorkerSays::Entered { layers, engine_version } if self.worker.entered.is_none() => {
                    if self.translates() {
                        self.translation = CpuBudget::begin(self.policy.limits.run.compile_time, &self.worker.child, 1);
                    }
                    self.worker.entered = Some(Entered { layers, engine_version });
                }
                WorkerSays::NotEntered(error) if self.worker.entered.is_none() => return Some(refused(&error).into()),
                WorkerSays::Loaded { refused: Some(rejection), .. } if self.stage != Stage::Running => {
                    return Some(rejection.into());
                }
                WorkerSays::Loaded { refused: None, .. } if self.stage == Stage::Loading => {
                    if let Err(rejection) = self.running() {
                        return Some(rejection.into());
                    }
                }
                WorkerSays::Log(text) if self.stage == Stage::Running => {
                    let Some(left) = self.log_left.checked_sub(text.len() as u64) else {
                        return Some(lost("the worker passes on more messages than its guest may send".into()).into());
                    };
                    self.log_left = left;
                    on_event(LaunchEvent::Log(&text));
                }
                WorkerSays::Ended(end) if self.stage == Stage::Running => {
                    self.stage = Stage::Over;
                    let returns = || returns(&self.request.module, &self.request.entry);
                    let Believed { outcome, results, value, usage, violations, .. } =
                        end.believe(&self.policy, Isolation::Process, returns);
                    return Some(Ending { outcome, results, value, usage, violations });
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

    fn running(&mut self) -> Result<(), Rejection> {
        self.stage = Stage::Running;
        if self.translates() {
            self.compile_time = self.handed.map(|handed| handed.elapsed());
        }
        self.before = self.worker.child.cpu_time();
        self.worker.bounds_cpu(true).map_err(|error| refused(&error))?;
        let (limits, child) = (&self.policy.limits.run, &self.worker.child);
        self.budget = CpuBudget::begin(limits.cpu_time, child, 1);
        self.throttle = self.needs.throttled.map(|share| Throttle::begin(share, child));
        Ok(())
    }

    fn worker_is_gone(&mut self, error: &WireError) -> Ending {
        let words = self.words.take();
        match death(&mut self.worker, words, error) {
            Ok(death) => {
                let translating = self.stage == Stage::Loading && self.translates();
                let of = if translating { Death::of_translator } else { Death::of_worker };
                let (outcome, violations) = of(&death, &self.policy, self.denies_more);
                Ending { violations, ..outcome.into() }
            }
            Err(rejection) => rejection.into(),
        }
    }

    /// `kernel` is the CPU time of the worker by the kernel's account.
    fn report(&mut self, mut ending: Ending, kernel: Option<Duration>) -> Report {
        // Of a guest that was ended there is no other account.
        if let Some(page) = self.worker.page.as_ref().filter(|_| ending.usage == Usage::default() && self.stage == Stage::Running) {
            let fuelled = self.policy.limits.run.fuel.finite().is_some();
            ending.usage = Usage::of_counters(|counter| page.counters()[counter as usize].load(Relaxed), fuelled);
        }
        let began = !matches!(ending.outcome, Outcome::Rejected(_));
        let kernel = kernel.zip(self.before).map(|(all, before)| all.saturating_sub(before));
        let cpu = match (ending.usage.cpu_ns.map(Duration::from_nanos), kernel) {
            (Some(said), Some(kernel)) => Some(said.min(kernel)),
            (None, Some(kernel)) if began => Some(kernel),
            (_, _) => None,
        };
        ending.usage.cpu_ns = cpu.map(nanos);
        // Whether its module was compiled before the worker refused the run is anybody's guess.
        ending.usage.compile_ns = self.compile_time.filter(|_| began).map(nanos);
        let entered = self.worker.entered.take();
        Report {
            engine_version: entered.as_ref().filter(|_| began).map(|entered| entered.engine_version.clone()),
            layers: entered.map(|entered| layer_names(&entered.layers)).unwrap_or_default(),
            artifact: self.source.filter(|_| began),
            ..ending.report(self.launcher.config.engine, &self.policy, &self.request)
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
