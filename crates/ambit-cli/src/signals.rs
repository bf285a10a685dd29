//! Ctrl-C and termination: the first ends the run, the second ends us.

use std::{
    fs,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    thread,
    time::Instant,
};

use anyhow::Context as _;

use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// What a signal ends.
#[derive(Clone, Default)]
pub(crate) struct OnSignal(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    end: Option<Box<dyn Fn() + Send>>,
    caught: u32,
    /// When the run was told to end.
    since: Option<Instant>,
}

impl OnSignal {
    /// Listens to signals from now on, on a thread of its own. Those that whoever started us has us ignore, as `nohup` does, are
    /// ignored.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on_signal = Self::default();
        let ignored = ignored();
        let is_ignored = |signal: i32| ignored >> (signal - 1) & 1 == 1;
        if is_ignored(SIGCHLD) {
            // The kernel would reap our processes, and keep to itself how they ended. Nobody looks at the flag.
            signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))
                .context("cannot hear of the end of processes")?;
        }
        let heard = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
        let mut signals = Signals::new(heard).context("cannot listen to signals")?;
        let state = on_signal.clone();
        let listening = thread::Builder::new().name("ambit-signals".into()).spawn(move || {
            for signal in signals.forever() {
                state.caught(signal);
            }
        });
        listening.context("cannot start a thread that listens to signals; `ulimit -u` says how many threads there may be")?;
        Ok(on_signal)
    }

    fn caught(&self, signal: i32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.caught += 1;
        match (&state.end, state.caught) {
            (Some(end), 1) => {
                end();
                state.since = Some(Instant::now());
            }
            // There is no run yet, or it would not go.
            _ => {
                // The default action of these signals ends the process; it cannot fail for them.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    }

    /// When a signal told the run to end.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since
    }

    /// What the first signal does from now on: called at once if that has come already, and found only the stage before.
    /// It must neither block nor come back here.
    pub(crate) fn ends(&self, end: impl Fn() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.caught > 0 {
            end();
        }
        state.end = Some(Box::new(end));
    }
}

/// The signals that are ignored, from the lowest bit on; none where nobody says so.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
