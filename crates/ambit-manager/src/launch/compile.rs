//! Compiling a module in a process that can do nothing else.

use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Digest, LimitKey, Metering, Outcome, Policy, RejectReason, Rejection};
use ambit_jail::wire::{FromCompiler, ToCompiler, ToWorker, WireError};
use rustix::event::{PollFd, PollFlags};

use super::{
    Control, Launcher,
    believe::{self, CompilerSays},
    budget::{CpuBudget, Standing},
    control::Reason,
    drive::{TURN, is_over, lost, nanos, patience, still_talking, timeout},
    module_file,
    process::{MOST_ARTIFACT, Process, death},
    refused,
};

/// Threads that a compiler works with.
const THREADS: u32 = 2;
/// How many times its CPU budget a compiler may take by the clock on the wall: it may have to share its cores.
const WALL_FOR_CPU: u32 = 20;

/// What a module was compiled to: a file that nobody can change any more. Runs share it.
#[derive(Debug)]
pub struct Compiled {
    /// None for an engine that works from the module itself.
    file: Option<File>,
    module: Digest,
    module_size: u64,
    metering: Metering,
    /// None if that was not now.
    time: Option<Duration>,
}

impl Compiled {
    /// One that the cache had.
    pub(super) fn cached(file: File, module: &Verified, metering: Metering) -> Self {
        Self { file: Some(file), ..Self::not(module, metering) }
    }

    /// One of a module that its engine does not compile.
    pub(super) fn not(module: &Verified, metering: Metering) -> Self {
        Self { file: None, module: module.digest(), module_size: module.bytes().len() as u64, metering, time: None }
    }

    /// The module.
    pub fn module(&self) -> Digest {
        self.module
    }

    /// Bytes of the module.
    pub(crate) fn module_size(&self) -> u64 {
        self.module_size
    }

    /// How guests of it are stopped.
    pub fn metering(&self) -> Metering {
        self.metering
    }

    /// How long that took, by the monotonic clock; nothing if it had been done before.
    pub fn time(&self) -> Duration {
        self.time.unwrap_or_default()
    }

    /// Whether it was compiled before.
    pub fn from_cache(&self) -> bool {
        self.time.is_none() && self.file.is_some()
    }

    /// The file once more, to be kept.
    pub(super) fn to_keep(&self) -> Option<File> {
        self.file.as_ref()?.try_clone().ok()
    }

    /// The file, for a worker.
    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// What a worker is told to do with it, and with which file.
    pub(crate) fn told(&self, module: u32) -> (ToWorker, Option<BorrowedFd<'_>>) {
        match self.file() {
            Some(file) => (ToWorker::Artifact { module }, Some(file)),
            None => (ToWorker::Translate { module }, None),
        }
    }
}

/// A compilation under way.
#[derive(Debug)]
pub(super) struct Compilation {
    process: Process,
    policy: Arc<Policy>,
    module: Digest,
    module_size: u64,
    metering: Metering,
    artifact: File,
    began: Instant,
    budget: Option<CpuBudget>,
    entered: bool,
    /// What the compiler said of why it gives up.
    words: Option<String>,
}

impl Compilation {
    /// Tells the compiler what to compile. Should it be dead, that is heard next.
    pub(super) fn begin(
        process: Process,
        policy: &Arc<Policy>,
        metering: Metering,
        module: &Verified,
        deadline: Option<Instant>,
    ) -> Result<Self, Outcome> {
        let artifact = module_file::empty("ambit-artifact").map_err(|error| lost(format!("cannot make a file: {error}")))?;
        let bytes = module_file::of(module).map_err(|error| lost(format!("cannot hand over the module: {error}")))?;
        let compile = ToCompiler::Compile { policy: Box::new((**policy).clone()), metering };
        match process.channel.send(&compile, &[bytes.as_fd(), artifact.as_fd()], patience(deadline)) {
            Ok(()) | Err(WireError::Closed) => {}
            // Time is up, which is found out next.
            Err(WireError::Stuck(_)) if is_over(deadline) => {}
            Err(error) => return Err(lost(format!("cannot tell the compiler what to compile: {error}"))),
        }
        let budget = CpuBudget::begin(policy.limits.run.compile_time, &process.child, THREADS);
        let (policy, module_size, module) = (Arc::clone(policy), module.bytes().len() as u64, module.digest());
        Ok(Self {
            process,
            policy,
            module,
            module_size,
            metering,
            artifact,
            began: Instant::now(),
            budget,
            entered: false,
            words: None,
        })
    }

    /// Readable when there is something to hear.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.process.channel.socket()
    }

    /// What came of it, if that is known before the turn is over.
    pub(super) fn hear(&mut self, turn: Instant) -> Option<Result<Compiled, Outcome>> {
        while Instant::now() < turn {
            let said = match self.process.channel.try_receive::<FromCompiler>() {
                Ok(None) => return None,
                Ok(Some((said, _))) => said,
                Err(error) => return Some(Err(self.is_gone(&error))),
            };
            match believe::compiler(said) {
                CompilerSays::Entered => self.entered = true,
                CompilerSays::NotEntered(error) if !self.entered => return Some(Err(Outcome::Rejected(refused(&error)))),
                CompilerSays::NotEntered(_) => return Some(Err(lost("the compiler says what nobody has asked".into()))),
                CompilerSays::Compiled => return Some(self.compiled()),
                CompilerSays::Refused(rejection) => return Some(Err(Outcome::Rejected(rejection))),
                CompilerSays::Failed(reason) => self.words = Some(reason),
            }
        }
        None
    }

    /// Until when nothing is due; or that it has used up its time.
    pub(super) fn due(&self) -> Result<Option<Instant>, Outcome> {
        let Some(budget) = &self.budget else { return Ok(None) };
        let wall = self.began + budget.allowed() * WALL_FOR_CPU;
        match budget.look(&self.process.child) {
            Standing::Within(at) if wall > Instant::now() => Ok(Some(at.min(wall))),
            Standing::Within(_) | Standing::Over(_) => Err(too_long(budget.allowed())),
        }
    }

    fn compiled(&mut self) -> Result<Compiled, Outcome> {
        let time = self.began.elapsed();
        // It has no more to do. That it is gone is not waited for: the seal below is one on all who still have the file.
        self.process.child.kill();
        let file = self.artifact.try_clone().map_err(|error| lost(format!("cannot keep the artifact: {error}")))?;
        let size = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
        if size == 0 || size > MOST_ARTIFACT {
            return Err(lost(format!("the compiler gave an artifact of {size} bytes")));
        }
        module_file::seal(&file)
            .or_else(|_| {
                // Somebody has it mapped for writing, which only a compiler that was taken over does. Gone, it has not.
                self.process.end();
                module_file::seal(&file)
            })
            .map_err(|error| lost(format!("cannot seal the artifact: {error}")))?;
        Ok(Compiled {
            file: Some(file),
            module: self.module,
            module_size: self.module_size,
            metering: self.metering,
            time: Some(time),
        })
    }

    fn is_gone(&mut self, error: &WireError) -> Outcome {
        let words = self.words.take();
        match death(&mut self.process, words, error) {
            Ok(death) => death.of_compiler(&self.policy),
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }
}

impl Launcher {
    /// Compiles a module for runs under policies that compile alike, whose guests are stopped in this way. Blocks the thread, until
    /// `deadline` at the longest.
    ///
    /// # Errors
    /// How a run of it would have ended before it began.
    pub fn compile(
        &self,
        module: &Arc<Verified>,
        policy: &Arc<Policy>,
        metering: Metering,
        control: &Control,
        deadline: Option<Instant>,
    ) -> Result<Compiled, Outcome> {
        if !self.config.engine.compiles() {
            return Ok(Compiled::not(module, metering));
        }
        let began = Instant::now();
        let looked = self.look_for(module, policy, metering);
        let (key, code) = looked.map_or((None, None), |looked| {
            self.keeping.note(looked.refused);
            (Some(looked.key), looked.code)
        });
        if let Some(code) = code {
            return Ok(code);
        }
        let process = self.spawn_compiler(policy).map_err(Outcome::Rejected)?;
        let mut compilation = Compilation::begin(process, policy, metering, module, deadline)?;
        loop {
            let turn = Instant::now() + TURN;
            if let Some(compiled) = compilation.hear(turn) {
                if let (Ok(compiled), Some(key)) = (&compiled, key) {
                    self.keep(key, compiled);
                }
                return compiled;
            }
            match control.reason() {
                Some(Reason::Cancelled(by)) => return Err(Outcome::Cancelled { by }),
                Some(Reason::Limit(limit, allowed)) => return Err(Outcome::LimitExceeded { limit, allowed, used: None }),
                None => {}
            }
            let now = Instant::now();
            if let Some(deadline) = deadline.filter(|deadline| *deadline <= now) {
                let (allowed, used) = (nanos(deadline - began), Some(nanos(now - began)));
                return Err(Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed, used });
            }
            let due = compilation.due()?;
            let until = still_talking(turn).or(deadline.into_iter().chain(due).min());
            let watch = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
            // Woken for nothing, it looks around and waits again.
            let _ = rustix::event::poll(&mut [watch(control.event()), watch(compilation.socket())], timeout(until).as_ref());
        }
    }
}

/// The end of a compilation that takes longer than it may.
pub(super) fn too_long(allowed: Duration) -> Outcome {
    let message = format!(
        "the compiler has used up the limit `compile-time`, {allowed:?} of CPU time; raise it with --limit compile-time=TIME"
    );
    Outcome::Rejected(Rejection::new(RejectReason::CompileBudget, message))
}
