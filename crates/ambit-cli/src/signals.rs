//! Ctrl-C and termination: the first ends the guest, the second ends us.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use ambit_runtime::Canceller;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// What a signal ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnSignal(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    canceller: Option<Canceller>,
    caught: u32,
}

impl OnSignal {
    /// Listens to signals from now on, on a thread of its own.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let on_signal = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
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
            (Some(canceller), 1) => canceller.cancel("user"),
            // Nothing runs yet, or it would not go.
            _ => {
                // The default action of these signals ends the process; it cannot fail for them.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    }

    /// What the next signal ends.
    pub(crate) fn cancel(&self, canceller: Canceller) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).canceller = Some(canceller);
    }
}
