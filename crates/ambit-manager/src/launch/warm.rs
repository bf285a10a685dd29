//! Workers that are in their jails before anybody wants them.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ambit_core::{Isolation, Policy, Rejection};
use ambit_jail::{
    Purpose, Rlimits,
    wire::{FromWorker, REHEARSAL},
};
use rustix::event::{PollFd, PollFlags};

use super::{
    Compiled, Launcher, Prepared,
    believe::{self, WorkerSays},
    drive::timeout,
    process::{Entered, Needs, Process, worker_rlimits},
    refused,
    rehearsal::Rehearsal,
};

/// How long a worker may take to enter its jail.
const ENTRY: Duration = Duration::from_secs(10);
/// How long is waited after the first worker that does not come up, doubled with each that follows, to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Workers that wait for a job. Each serves one run and ends with it; others take their place.
///
/// Dropping it ends those that wait, and those on which a run is under way, which is `lost` then.
///
/// Their root is empty and their list of system calls has none for files: runs with directories get a process that is made for
/// them. Limits are set before the job is told.
#[derive(Debug)]
pub struct WarmWorkers {
    launcher: Arc<Launcher>,
    waiting: Arc<Waiting>,
    thread: Option<JoinHandle<()>>,
}

/// Those that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    /// A mutex with a condition, since the thread that makes workers sleeps while there are enough.
    state: Mutex<State>,
    changed: Condvar,
    /// How many there are to be.
    count: usize,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Process>,
    /// Processes whose guest is over, and which are not reaped yet.
    spent: Vec<Process>,
    stop: bool,
    /// How many in a row did not come up, and why the last did not.
    failures: u32,
    why: Option<Rejection>,
    /// Why the last that did could not rehearse.
    unrehearsed: Option<Rejection>,
}

impl Waiting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the thread that made a process wait until it is gone. It has been killed.
    pub(super) fn see_off(&self, process: Process) {
        self.state().spent.push(process);
        self.changed.notify_one();
    }
}

impl WarmWorkers {
    /// Keeps `count` workers ready, from now on, for runs under policies like `expected`: others run too, and not as soon. They come
    /// up one after the other, on a thread of their own.
    ///
    /// # Errors
    /// There are no more threads.
    pub fn start(launcher: Arc<Launcher>, expected: Arc<Policy>, count: usize) -> io::Result<Self> {
        let waiting = Arc::new(Waiting { state: Mutex::default(), changed: Condvar::new(), count });
        let thread = {
            let (launcher, waiting) = (Arc::clone(&launcher), Arc::clone(&waiting));
            // The one that its workers die with.
            thread::Builder::new().name("ambit-warm".into()).spawn(move || keep(&launcher, &expected, &waiting))?
        };
        Ok(Self { launcher, waiting, thread: Some(thread) })
    }

    /// How many are ready.
    pub fn ready(&self) -> usize {
        self.waiting.state().ready.len()
    }

    /// The processes of those that are ready.
    pub fn pids(&self) -> Vec<i32> {
        self.waiting.state().ready.iter().map(|worker| worker.child.pid().as_raw_nonzero().get()).collect()
    }

    /// How many in a row have not come up.
    pub fn failures(&self) -> u32 {
        self.waiting.state().failures
    }

    /// Why the last one did not come up, if none has since.
    pub fn trouble(&self) -> Option<Rejection> {
        let state = self.waiting.state();
        state.why.clone().filter(|_| state.failures > 0)
    }

    /// Why the last one could not rehearse, if it could not: a policy may leave too little for it. Runs on it take longer, and are no
    /// different otherwise.
    pub fn unrehearsed(&self) -> Option<Rejection> {
        self.waiting.state().unrehearsed.clone()
    }

    /// A worker for a run under `policy` of a module that is compiled already: a warm one if there is one that may serve it,
    /// otherwise one that is made now.
    ///
    /// # Errors
    /// As [`Launcher::prepare_compiled`].
    pub fn prepare(&self, policy: &Arc<Policy>, code: &Arc<Compiled>) -> Result<Prepared, Rejection> {
        policy.grants.check()?;
        let needs = Needs::of(self.launcher.config.engine, policy, || self.launcher.cgroups());
        let files = !policy.grants.dirs.is_empty() || policy.grants.tmp.is_some();
        if files || needs.group.is_some() {
            return self.launcher.prepare_compiled(policy, code);
        }
        while let Some(worker) = self.take() {
            // One that died while it waited is nobody's.
            if worker.child.has_ended() {
                continue;
            }
            worker
                .child
                .limit(&worker_rlimits(self.launcher.config.engine, policy, code.module_size()))
                .map_err(|error| refused(&error))?;
            return Prepared::compiled(policy, needs, worker, code, Some(Arc::clone(&self.waiting)));
        }
        self.launcher.prepare_compiled(policy, code)
    }

    fn take(&self) -> Option<Process> {
        let worker = self.waiting.state().ready.pop_front();
        self.waiting.changed.notify_one();
        worker
    }
}

impl Drop for WarmWorkers {
    fn drop(&mut self) {
        self.waiting.state().stop = true;
        self.waiting.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// Makes workers while there are too few.
fn keep(launcher: &Launcher, expected: &Arc<Policy>, waiting: &Waiting) {
    let rehearsal = Rehearsal::compiled(launcher, expected);
    loop {
        let mut state = waiting.state();
        while !state.stop && state.spent.is_empty() && state.ready.len() >= waiting.count {
            state = waiting.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (stop, full, spent) = (state.stop, state.ready.len() >= waiting.count, std::mem::take(&mut state.spent));
        if stop {
            state.ready.clear();
        }
        drop(state);
        drop(spent);
        if stop {
            return;
        }
        if full {
            continue;
        }
        let made = launcher.spawn(Purpose::Process, Rlimits::default(), Vec::new(), None, None).and_then(entered);
        let made = made.and_then(|worker| match &rehearsal {
            Ok(rehearsal) => rehearsal.by(worker),
            Err(why) => Ok((worker, Some(why.clone()))),
        });
        let mut state = waiting.state();
        match made {
            Ok((worker, unrehearsed)) => {
                state.ready.push_back(worker);
                (state.failures, state.why, state.unrehearsed) = (0, None, unrehearsed);
            }
            Err(why) => {
                state.failures += 1;
                state.why = Some(why);
                let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(16)).min(LONGEST_PAUSE);
                // Woken by whoever takes one, it still waits: what fails at once would otherwise be tried at once.
                let until = Instant::now() + pause;
                while !state.stop && Instant::now() < until {
                    let left = until.saturating_duration_since(Instant::now());
                    state = waiting.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                    let spent = std::mem::take(&mut state.spent);
                    drop(state);
                    drop(spent);
                    state = waiting.state();
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
    match said(&mut process, "enter its jail")? {
        WorkerSays::Entered { layers, engine_version } => {
            process.entered = Some(Entered { layers, engine_version });
            Ok(process)
        }
        WorkerSays::NotEntered(error) => Err(refused(&error)),
        _ => Err(not_started("it says what nobody has asked")),
    }
}

/// Waits until a process that is in its jail has rehearsed, or says why it cannot.
pub(super) fn rehearsed(mut process: Process) -> Result<(Process, Option<Rejection>), Rejection> {
    match said(&mut process, "rehearse")? {
        WorkerSays::Loaded { module: REHEARSAL, refused } => Ok((process, refused)),
        WorkerSays::Failed(why) => Err(not_started(&why)),
        _ => Err(not_started("it says what nobody has asked")),
    }
}

/// What a fresh process says next, which is to be that it has done so.
fn said(process: &mut Process, to: &str) -> Result<WorkerSays, Rejection> {
    let until = Instant::now() + ENTRY;
    loop {
        match process.channel.try_receive::<FromWorker>() {
            Ok(Some((said, _))) => return Ok(believe::worker(said, Isolation::Process)),
            Ok(None) => {}
            Err(error) => {
                let death = super::process::death(process, None, &error)?;
                return Err(not_started(&death.describe("worker")));
            }
        }
        if Instant::now() >= until {
            return Err(not_started(&format!("it does not {to}")));
        }
        let mut watched = [PollFd::from_borrowed_fd(process.channel.socket(), PollFlags::IN)];
        // Woken for nothing, it looks and waits again.
        let _ = rustix::event::poll(&mut watched, timeout(Some(until)).as_ref());
    }
}

fn not_started(why: &str) -> Rejection {
    refused(&ambit_jail::JailError::other("start a worker", &io::Error::other(why.to_owned())))
}
