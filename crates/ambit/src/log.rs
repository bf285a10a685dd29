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

/// Keeps messages in memory. Bounded by the limit `log-bytes`, times ten where all of it is escaped.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptLog(Arc<Mutex<Vec<String>>>);

impl KeptLog {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl GuestLog for KeptLog {
    fn message(&mut self, text: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        true
    }
}
