//! Repeated runs in this process.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use ambit_admit::Verified;
use ambit_core::{Outcome, Policy, Rejection, Stdin};
use ambit_engine::{
    Call,
    host::{EmptyInput, GuestInput},
};
use ambit_runtime::{Finished, LoadedModule, Module, RunRequest, Runtime, RuntimeConfig, Started, Streams};
use indicatif::ProgressBar;

use super::{LOOK, Repeat, Tally, conclude, progress, unstarted};
use crate::signals::OnSignal;

/// Runs it and prints what it took. Gives back the exit status.
pub(crate) fn repeat(
    repeat: Repeat,
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
    let runtime = Runtime::new(RuntimeConfig { cores, pool_guests, ..RuntimeConfig::default() })?;
    let loaded = match runtime.load(module, policy) {
        Ok(loaded) => loaded,
        Err(rejection) => return Ok(unstarted(&Outcome::Rejected(rejection))),
    };
    let compile_time = loaded.compile_time();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    on_signal.ends(move || stopped.store(true, Relaxed));
    let bar = progress(repeat);
    let work =
        Work { runtime: &runtime, module: loaded, policy, call, name, left: AtomicU64::new(times.get()), stop: &stop, bar: &bar };
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    let refused = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once.get()).map(|_| scope.spawn(|| work.run(&tally))).collect();
        workers.into_iter().filter_map(|worker| worker.join().expect("no panic").err()).next()
    });
    bar.finish_and_clear();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    conclude(repeat, tally, began, compile_time, refused, stop.load(Relaxed))
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
