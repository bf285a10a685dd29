//! A sign of life while a module compiles.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::ProgressBar;

/// Something that turns on stderr, if that is a terminal. Once it has ended it draws nothing more, so that it cannot wipe
/// what the guest says.
#[derive(Clone, Default)]
pub(crate) struct Spinner(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    NotYet,
    Shown(ProgressBar),
    Over,
}

impl Spinner {
    /// Shows it, unless it has ended.
    pub(crate) fn show(&self) {
        let mut state = self.state();
        if let State::NotYet = *state {
            // indicatif draws on a terminal only.
            let bar = ProgressBar::new_spinner().with_message("compiling");
            bar.enable_steady_tick(Duration::from_millis(100));
            *state = State::Shown(bar);
        }
    }

    /// Ends it: when this returns, it is gone.
    pub(crate) fn end(&self) {
        if let State::Shown(bar) = mem::replace(&mut *self.state(), State::Over) {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
