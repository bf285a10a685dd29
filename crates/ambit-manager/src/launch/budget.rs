//! A bound on a process's CPU time, kept from outside: by the kernel's account, which the process has no hand in.

use std::time::{Duration, Instant};

use ambit_core::{Bound, Span};
use ambit_jail::Child;

/// How soon it is looked again at the least: less is not worth a wake-up.
const LEAST: Duration = Duration::from_micros(500);

/// CPU time that a process may use from some moment on.
#[derive(Debug, Clone, Copy)]
pub(super) struct CpuBudget {
    allowed: Duration,
    /// What it had used before.
    before: Duration,
    /// Threads that may use it at once.
    threads: u32,
}

/// Where a process stands with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It cannot be over before then.
    Within(Instant),
    /// It has used this much.
    Over(Duration),
}

impl CpuBudget {
    /// A budget that begins now; `None` if there is no bound.
    pub(super) fn begin(allowed: Bound<Span>, child: &Child, threads: u32) -> Option<Self> {
        let Bound::At(allowed) = allowed else { return None };
        Some(Self { allowed: allowed.duration(), before: child.cpu_time().unwrap_or_default(), threads })
    }

    /// What is allowed.
    pub(super) fn allowed(&self) -> Duration {
        self.allowed
    }

    /// Looks at the clock.
    pub(super) fn look(&self, child: &Child) -> Standing {
        // A process that is gone uses no more.
        let used = child.cpu_time().unwrap_or_default().saturating_sub(self.before);
        match self.allowed.checked_sub(used) {
            Some(left) if left > Duration::ZERO => Standing::Within(Instant::now() + (left / self.threads).max(LEAST)),
            _ => Standing::Over(used),
        }
    }
}
