//! Repeated runs in jailed processes: one worker that they share, or one for each.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::RecvTimeoutError,
    },
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Bound, Isolation, Metering, Outcome, Policy, Rejection, RunId};
use ambit_manager::{
    Compiled, Control, Entry, LaunchRequest, Launcher, Streams, WarmWorkers,
    tenant::{Repeated, TenantLimits, TenantRun, TenantWorker},
};
use indicatif::ProgressBar;

use super::{LOOK, Repeat, Tally, conclude, progress, together::together, unstarted};
use crate::signals::OnSignal;

/// What is repeated.
pub(crate) struct Repeating {
    pub(crate) module: Arc<Verified>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) entry: Entry,
    pub(crate) name: String,
}

/// Runs it and prints what it took. Gives back the exit status.
pub(crate) fn repeat(
    repeat: Repeat,
    launcher: &Arc<Launcher>,
    isolation: Isolation,
    what: &Repeating,
    on_signal: &OnSignal,
) -> anyhow::Result<u8> {
    let control = Control::new()?;
    let (stop, cancel) = (Arc::new(AtomicBool::new(false)), control.clone());
    let stopped = Arc::clone(&stop);
    on_signal.ends(move || {
        stopped.store(true, Relaxed);
        cancel.cancel("user");
    });
    let metering = if isolation == Isolation::Tenant { Metering::Epochs } else { Metering::Kernel };
    let deadline = match what.policy.limits.run.wall_time {
        Bound::At(span) => Instant::now().checked_add(span.duration()),
        Bound::Unlimited => None,
    };
    let code = match launcher.compile(&what.module, &what.policy, metering, &control, deadline) {
        Ok(code) => Arc::new(code),
        Err(outcome) => return Ok(unstarted(&outcome)),
    };
    let bar = progress(repeat);
    let began = Instant::now();
    let tally = Mutex::new(Tally::default());
    let refused = if isolation == Isolation::Tenant {
        shared(repeat, launcher, what, &code, &stop, &bar, &tally)
    } else {
        alone(repeat, launcher, what, &code, &control, &bar, &tally)
    };
    bar.finish_and_clear();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    conclude(repeat, tally, began, code.time(), refused, stop.load(Relaxed))
}

/// In as many workers as there are to be runs at once.
fn shared(
    repeat: Repeat,
    launcher: &Arc<Launcher>,
    what: &Repeating,
    code: &Compiled,
    stop: &AtomicBool,
    bar: &ProgressBar,
    tally: &Mutex<Tally>,
) -> Option<Rejection> {
    let run = TenantRun { entry: what.entry.clone(), name: what.name.clone(), policy: None, keep_output: false };
    let (times, workers) = (repeat.times.get(), u64::from(repeat.at_once.get()).min(repeat.times.get()));
    let one = |times: u64| -> Result<(), Rejection> {
        let worker = TenantWorker::start(launcher, TenantLimits::default())?;
        let module = worker.load(&what.module, &what.policy, code)?;
        let told = worker.repeat(&module, &run, times)?;
        let mut done = 0;
        while !stop.load(Relaxed) {
            match told.recv_timeout(LOOK) {
                Ok(Repeated { took, ended, failure }) => {
                    done += took.len() as u64;
                    bar.inc(took.len() as u64);
                    let took = took.into_iter().map(|nanos| Duration::from_nanos(u64::from(nanos))).collect();
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.add(Tally { took, outcomes: ended.into_iter().collect(), failure });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if done < times && !stop.load(Relaxed) {
            let outcome = worker.over().unwrap_or_else(|| Outcome::Lost { reason: "the worker is gone".into() });
            tally.lock().unwrap_or_else(PoisonError::into_inner).untimed(&outcome);
        }
        Ok(())
    };
    let share = |worker: u64| times / workers + u64::from(worker < times % workers);
    together(workers, || stop.store(true, Relaxed), |worker| one(share(worker)))
}

/// Each run in a process of its own, which was in its jail before the run was asked for.
fn alone(
    repeat: Repeat,
    launcher: &Arc<Launcher>,
    what: &Repeating,
    code: &Arc<Compiled>,
    control: &Control,
    bar: &ProgressBar,
    tally: &Mutex<Tally>,
) -> Option<Rejection> {
    let failed = |error: std::io::Error| Rejection::new(ambit_core::RejectReason::Overloaded, error.to_string());
    let at_once = repeat.at_once.get();
    let warm = match WarmWorkers::start(Arc::clone(launcher), Arc::clone(&what.policy), at_once as usize + 1) {
        Ok(warm) => warm,
        Err(error) => return Some(failed(error)),
    };
    let left = AtomicU64::new(repeat.times.get());
    let some = |own: &mut Tally| -> Result<(), Rejection> {
        let next = || left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).ok();
        while let Some(number) = next().filter(|_| !control.is_ended()) {
            let since = Instant::now();
            let prepared = warm.prepare(&what.policy, code)?;
            let request = LaunchRequest {
                run: RunId(number),
                module: Arc::clone(&what.module),
                entry: what.entry.clone(),
                name: what.name.clone(),
                streams: Streams::default(),
                since,
            };
            let report = launcher.run(prepared, request, control, &mut |_| {});
            own.count(since.elapsed(), &report.outcome);
            bar.inc(1);
        }
        Ok(())
    };
    let one = |_| {
        let mut own = Tally::default();
        let refused = some(&mut own);
        tally.lock().unwrap_or_else(PoisonError::into_inner).add(own);
        refused
    };
    together(at_once.into(), || control.cancel("user"), one)
}
