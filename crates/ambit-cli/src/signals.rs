//! Ctrl-C and termination: the first ends the run, the second ends us.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
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
    /// Listens to signals from now on, on a thread of its own.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on_signal = Self::default();
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let state = on_signal.clone();
        thread::Builder::new().name("ambit-signals".into()).spawn(move || {
            for signal in signals.forever() {
                state.caught(signal);
            }
        })?;
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
