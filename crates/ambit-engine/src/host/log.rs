//! Where a guest's log messages go, and how many may.

use std::{
    fmt,
    time::{Duration, Instant},
};

use ambit_core::escape;

use super::Stop;
use crate::meter::Meter;

/// Where a guest's log messages go.
pub trait GuestLog: Send {
    /// Takes one message: a single line, escaped. `false` if it could not be taken now; it must not block.
    fn message(&mut self, text: &str) -> bool;
}

/// Throws messages away.
#[derive(Debug, Clone, Copy)]
pub struct DiscardLog;

impl GuestLog for DiscardLog {
    fn message(&mut self, _text: &str) -> bool {
        true
    }
}

impl<F: FnMut(&str) -> bool + Send> GuestLog for F {
    fn message(&mut self, text: &str) -> bool {
        self(text)
    }
}

/// A log behind its limits.
pub(crate) struct LogGate {
    sink: Box<dyn GuestLog>,
    /// Since when the messages of this second are counted; none were yet.
    second: Option<Instant>,
    in_second: u64,
}

impl LogGate {
    pub(crate) fn new(sink: Box<dyn GuestLog>) -> Self {
        Self { sink, second: None, in_second: 0 }
    }

    /// Passes a message on, drops it if it is one too many this second, or ends the run if it is one byte too many.
    pub(crate) fn message(&mut self, bytes: &[u8], meter: &Meter) -> Result<(), Stop> {
        meter.take_log(bytes.len() as u64).map_err(|_| Stop::Limit)?;
        if self.second.is_none_or(|second| second.elapsed() >= Duration::from_secs(1)) {
            (self.second, self.in_second) = (Some(Instant::now()), 0);
        }
        self.in_second += 1;
        if self.in_second > meter.limits().log_rate.ceiling() {
            meter.violate("log-rate", || "messages dropped; allow more with --limit log-rate=…".into());
            return Ok(());
        }
        // An escape is at most ten times as long as what it stands for.
        if !self.sink.message(&escape(bytes, bytes.len().saturating_mul(10))) {
            meter.violate("log", || "messages dropped: whoever reads the log does not keep up".into());
        }
        Ok(())
    }
}

impl fmt::Debug for LogGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogGate").field("in_second", &self.in_second).finish_non_exhaustive()
    }
}
