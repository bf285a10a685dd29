//! Workers that are in their jails before anybody wants them.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ambit_core::{Isolation, Metering, Policy, Rejection};
use ambit_jail::{
    Purpose, Rlimits,
    wire::{FromWorker, ToWorker},
};
use rustix::event::{PollFd, PollFlags};

use super::{
    Compiled, Launcher, Prepared,
    believe::{self, WorkerSays},
    drive::timeout,
    process::{Entered, Needs, Process, worker_rlimits},
    refused,
};

/// How long a worker may take to enter its jail.
const ENTRY: Duration = Duration::from_secs(10);
/// How long is waited after the first worker that does not come up, doubled with each that follows, to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Workers that wait for a job. Each serves one run and ends with it; others take their place.
///
/// Their root is empty and their list of system calls has none for files: runs with directories get a process that is made for
/// them. Limits are set before the job is told.
#[derive(Debug)]
pub struct WarmWorkers {
    launcher: Arc<Launcher>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// A mutex with a condition, since the thread that makes workers sleeps while there are enough.
    state: Mutex<State>,
    changed: Condvar,
    /// How many there are to be.
    count: usize,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Process>,
    stop: bool,
    /// How many in a row did not come up, and why the last did not.
    failures: u32,
    why: Option<Rejection>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WarmWorkers {
    /// Keeps `count` workers ready, from now on, for runs under policies like `expected`: others run too, and not as soon. They come up one after the other, on a thread of their own.
    ///
    /// # Errors
    /// There are no more threads.
    pub fn start(launcher: Arc<Launcher>, expected: Arc<Policy>, count: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), count });
        let thread = {
            let (launcher, shared) = (Arc::clone(&launcher), Arc::clone(&shared));
            // The one that its workers die with.
            thread::Builder::new().name("ambit-warm".into()).spawn(move || keep(&launcher, &expected, &shared))?
        };
        Ok(Self { launcher, shared, thread: Some(thread) })
    }

    /// How many are ready.
    pub fn ready(&self) -> usize {
        self.shared.state().ready.len()
    }

    /// The processes of those that are ready.
    pub fn pids(&self) -> Vec<i32> {
        self.shared.state().ready.iter().map(|worker| worker.child.pid().as_raw_nonzero().get()).collect()
    }

    /// How many in a row have not come up.
    pub fn failures(&self) -> u32 {
        self.shared.state().failures
    }

    /// Why the last one did not come up, if none has since.
    pub fn trouble(&self) -> Option<Rejection> {
        let state = self.shared.state();
        state.why.clone().filter(|_| state.failures > 0)
    }

    /// A worker for a run under `policy` of a module that is compiled already: a warm one if there is one that may serve it,
    /// otherwise one that is made now.
    ///
    /// # Errors
    /// As [`Launcher::prepare_compiled`].
    pub fn prepare(&self, policy: &Arc<Policy>, code: &Arc<Compiled>) -> Result<Prepared, Rejection> {
        policy.grants.check()?;
        let needs = Needs::of(policy, || self.launcher.cgroups());
        let files = !policy.grants.dirs.is_empty() || policy.grants.tmp.is_some();
        if files || needs.group.is_some() {
            return self.launcher.prepare_compiled(policy, code);
        }
        while let Some(worker) = self.take() {
            // One that died while it waited is nobody's.
            if worker.child.has_ended() {
                continue;
            }
            worker.child.limit(&worker_rlimits(policy, code.module_size())).map_err(|error| refused(&error))?;
            return Prepared::compiled(policy, needs, worker, code);
        }
        self.launcher.prepare_compiled(policy, code)
    }

    fn take(&self) -> Option<Process> {
        let worker = self.shared.state().ready.pop_front();
        self.shared.changed.notify_one();
        worker
    }
}

impl Drop for WarmWorkers {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// Makes workers while there are too few.
fn keep(launcher: &Launcher, expected: &Policy, shared: &Shared) {
    loop {
        let mut state = shared.state();
        while !state.stop && state.ready.len() >= shared.count {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop {
            state.ready.clear();
            return;
        }
        drop(state);
        let made = launcher.spawn(Purpose::Process, Rlimits::default(), Vec::new(), None, None).and_then(entered);
        let mut state = shared.state();
        match made {
            Ok(worker) => {
                let expect = ToWorker::Expect { policy: Box::new(expected.clone()), metering: Metering::Kernel };
                // One that takes nothing is dead, which is found out when it is taken.
                let _ = worker.channel.send(&expect, &[], Duration::ZERO);
                state.ready.push_back(worker);
                (state.failures, state.why) = (0, None);
            }
            Err(why) => {
                state.failures += 1;
                state.why = Some(why);
                let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(16)).min(LONGEST_PAUSE);
                // Woken by whoever takes one, it still waits: what fails at once would otherwise be tried at once.
                let until = Instant::now() + pause;
                while !state.stop && Instant::now() < until {
                    let left = until.saturating_duration_since(Instant::now());
                    state = shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

impl Launcher {
    /// Tries whether a worker can be had: one is made, enters its jail, and is ended.
    ///
    /// # Errors
    /// What stands against it.
    pub fn try_entering(&self) -> Result<(), Rejection> {
        self.spawn(Purpose::Process, Rlimits::default(), Vec::new(), None, None).and_then(entered).map(drop)
    }
}

/// Waits until a process is in its jail.
pub(crate) fn entered(mut process: Process) -> Result<Process, Rejection> {
    let until = Instant::now() + ENTRY;
    let failed = |step: &str, why: &str| {
        let error = io::Error::other(why.to_owned());
        Err(refused(&ambit_jail::JailError::other(step, &error)))
    };
    loop {
        match process.channel.try_receive::<FromWorker>() {
            Ok(Some((said, _))) => match believe::worker(said, Isolation::Process) {
                WorkerSays::Entered { layers, engine_version } => {
                    process.entered = Some(Entered { layers, engine_version });
                    return Ok(process);
                }
                WorkerSays::NotEntered(error) => return Err(refused(&error)),
                _ => return failed("start a worker", "it says what nobody has asked"),
            },
            Ok(None) => {}
            Err(error) => {
                return match super::process::death(&mut process, None, &error) {
                    Ok(death) => failed("start a worker", &death.describe("worker")),
                    Err(rejection) => Err(rejection),
                };
            }
        }
        if Instant::now() >= until {
            return failed("start a worker", "it does not enter its jail");
        }
        let mut watched = [PollFd::from_borrowed_fd(process.channel.socket(), PollFlags::IN)];
        // Woken for nothing, it looks and waits again.
        let _ = rustix::event::poll(&mut watched, timeout(Some(until)).as_ref());
    }
}
