//! Repeated runs in this process.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Bound, EngineId, LimitKey, Outcome, Policy, Rejection, Stdin};
use ambit_engine::{
    Call,
    host::{EmptyInput, GuestInput},
};
use ambit_runtime::{Finished, LoadedModule, Module, RunRequest, Runtime, RuntimeConfig, Started, Streams};
use indicatif::ProgressBar;

use super::{LOOK, Repeat, Tally, conclude, progress, together::together, unstarted};
use crate::{engines, signals::OnSignal};

/// Runs it and prints what it took. Gives back the exit status.
pub(crate) fn repeat(
    repeat: Repeat,
    engine: EngineId,
    module: &Arc<Verified>,
    policy: &Arc<Policy>,
    call: &Call,
    name: &Arc<str>,
    on_signal: &OnSignal,
) -> anyhow::Result<u8> {
    let Repeat { times, at_once, .. } = repeat;
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = processors.min(at_once.get() as usize);
    let pool_guests = at_once.get().min(1000);
    let engine = match engines::engine(engine, pool_guests) {
        Ok(engine) => engine,
        Err(rejection) => return Ok(unstarted(&Outcome::Rejected(rejection))),
    };
    let runtime = Runtime::with_engine(RuntimeConfig { cores, pool_guests, ..RuntimeConfig::default() }, engine)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    on_signal.ends(move || stopped.store(true, Relaxed));
    let runtime = Arc::new(runtime);
    let loaded = match load(&runtime, module, policy, &stop) {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(unstarted(&outcome)),
    };
    let compile_time = loaded.compile_time();
    let bar = progress(repeat);
    let work =
        Work { runtime: &runtime, module: loaded, policy, call, name, left: AtomicU64::new(times.get()), stop: &stop, bar: &bar };
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    let refused = together(at_once.get().into(), || stop.store(true, Relaxed), |_| work.run(&tally));
    bar.finish_and_clear();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    conclude(repeat, tally, began, compile_time, refused, stop.load(Relaxed))
}

/// Compiles it, and waits no longer than its deadline or until somebody has enough. Nothing in this process can stop a compiler: it
/// goes on until the process ends, which is next.
fn load(
    runtime: &Arc<Runtime>,
    module: &Arc<Verified>,
    policy: &Arc<Policy>,
    stop: &AtomicBool,
) -> Result<Arc<LoadedModule>, Outcome> {
    let (tell, told) = mpsc::channel();
    let (began, wall) = (Instant::now(), policy.limits.run.wall_time);
    let (runtime, module, policy) = (Arc::clone(runtime), Arc::clone(module), Arc::clone(policy));
    let compile = move || tell.send(runtime.load(&module, &policy));
    if let Err(error) = thread::Builder::new().name("ambit-load".into()).spawn(compile) {
        return Err(Outcome::Lost { reason: format!("cannot start a thread to compile on: {error}") });
    }
    loop {
        match told.recv_timeout(LOOK) {
            Ok(loaded) => return loaded.map_err(Outcome::Rejected),
            Err(RecvTimeoutError::Disconnected) => return Err(Outcome::Lost { reason: "the compiler panicked".into() }),
            Err(RecvTimeoutError::Timeout) if stop.load(Relaxed) => return Err(Outcome::Cancelled { by: "user".into() }),
            Err(RecvTimeoutError::Timeout) => match wall {
                Bound::At(span) if began.elapsed() >= span.duration() => {
                    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                    let (allowed, used) = (nanos(span.duration()), Some(nanos(began.elapsed())));
                    return Err(Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed, used });
                }
                Bound::At(_) | Bound::Unlimited => {}
            },
        }
    }
}

/// What all workers do the same.
struct Work<'a> {
    runtime: &'a Runtime,
    module: Arc<LoadedModule>,
    policy: &'a Arc<Policy>,
    call: &'a Call,
    name: &'a Arc<str>,
    left: AtomicU64,
    stop: &'a AtomicBool,
    bar: &'a ProgressBar,
}

impl Work<'_> {
    fn run(&self, tally: &Mutex<Tally>) -> Result<(), Rejection> {
        let mut own = Tally::default();
        let mut refused = Ok(());
        while !self.stop.load(Relaxed) && self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            let began = Instant::now();
            match self.once() {
                Ok(finished) => {
                    own.count(began.elapsed(), finished.outcome());
                    self.bar.inc(1);
                }
                Err(rejection) => {
                    self.stop.store(true, Relaxed);
                    refused = Err(rejection);
                }
            }
        }
        tally.lock().unwrap_or_else(PoisonError::into_inner).add(own);
        refused
    }

    fn once(&self) -> Result<Finished, Rejection> {
        let request = RunRequest {
            module: Module::Loaded(Arc::clone(&self.module)),
            policy: Arc::clone(self.policy),
            call: self.call.clone(),
            streams: Streams { stdin: empty_if_inherited(self.policy), ..Streams::default() },
            since: None,
            tenant: None,
            name: Arc::clone(self.name),
        };
        let mut running = match self.runtime.start_here(request)? {
            Started::Finished(finished) => return Ok(finished),
            Started::Running(running) => running,
        };
        loop {
            running = match running.wait_until(Instant::now() + LOOK) {
                Ok(finished) => return Ok(finished),
                Err(running) => running,
            };
            if self.stop.load(Relaxed) {
                running.cancel("user");
            }
        }
    }
}

/// There is one inherited input, and many runs.
fn empty_if_inherited(policy: &Policy) -> Option<Box<dyn GuestInput>> {
    match policy.grants.stdin {
        Stdin::Inherit => Some(Box::new(EmptyInput)),
        Stdin::None | Stdin::File(_) => None,
    }
}
