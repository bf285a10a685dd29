//! Where messages of `env.log` go.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use ambit_engine::host::GuestLog;

/// Where messages of `env.log` go; clones lead to the same place.
#[derive(Clone)]
pub(crate) struct Log(Arc<dyn Fn(&str) + Send + Sync>);

impl Log {
    pub(crate) fn new(log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(log))
    }
}

impl GuestLog for Log {
    fn message(&mut self, text: &str) -> bool {
        (self.0)(text);
        true
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// How many messages are kept.
const MOST: usize = 10_000;

/// Keeps messages in memory: at most [`MOST`] at a time, and of no more bytes than the limit `log-bytes` allows, times ten where
/// all of it is escaped. Those that are too many are dropped, and a violation says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptLog(Arc<Mutex<Vec<String>>>);

impl KeptLog {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl GuestLog for KeptLog {
    fn message(&mut self, text: &str) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = kept.len() < MOST;
        if room {
            kept.push(text.to_owned());
        }
        room
    }
}
