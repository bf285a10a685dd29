//! Ctrl-C and termination: the first ends the guest, the second ends us.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

use ambit_runtime::Canceller;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// What a signal ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnSignal(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    canceller: Option<Canceller>,
    caught: u32,
    /// When the guest was told to end.
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
        match (&state.canceller, state.caught) {
            (Some(canceller), 1) => {
                canceller.cancel("user");
                state.since = Some(Instant::now());
            }
            // Nothing runs yet, or it would not go.
            _ => {
                // The default action of these signals ends the process; it cannot fail for them.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    }

    /// When a signal told the guest to end.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).since
    }

    /// What the next signal ends.
    pub(crate) fn cancel(&self, canceller: Canceller) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).canceller = Some(canceller);
    }
}
