//! A share of a core, where no control group can keep it: the process is stopped while it is ahead of its share.

use std::time::{Duration, Instant};

use ambit_core::Cpus;
use ambit_jail::Child;

/// The share is counted over this long: as much may be used at once as it comes to in that time.
const PERIOD: Duration = Duration::from_millis(100);
/// A stopped process rests this long beyond its debt, so that it is not stopped and let go again at every turn.
const REST: Duration = Duration::from_millis(20);
/// How soon it is looked again at the least.
const LEAST: Duration = Duration::from_millis(1);

/// Keeps a process to a share of a core by stopping it and letting it go on.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Cores, below 1.
    share: f64,
    began: Instant,
    /// CPU time it had used then.
    before: Duration,
    stopped: bool,
}

impl Throttle {
    /// Begins now.
    pub(super) fn begin(share: Cpus, child: &Child) -> Self {
        let share = share.milli() as f64 / 1000.0;
        Self { share, began: Instant::now(), before: child.cpu_time().unwrap_or_default(), stopped: false }
    }

    /// Stops the process or lets it go on, and says when to look again.
    pub(super) fn look(&mut self, child: &Child) -> Instant {
        let now = Instant::now();
        let used = child.cpu_time().unwrap_or_default().saturating_sub(self.before);
        let earned = (now - self.began).mul_f64(self.share) + PERIOD.mul_f64(self.share);
        // What was not used within a period is gone: nobody saves up.
        if earned > used + PERIOD.mul_f64(self.share) * 2 {
            (self.began, self.before) = (now, self.before + used);
            return now + PERIOD.mul_f64(self.share).max(LEAST);
        }
        match used.checked_sub(earned) {
            // With the core to itself it cannot be ahead before then.
            None => {
                if self.stopped {
                    child.resume();
                    self.stopped = false;
                }
                now + (earned - used).max(LEAST)
            }
            Some(ahead) => {
                if !self.stopped {
                    child.stop();
                    self.stopped = true;
                }
                now + ahead.div_f64(self.share) + REST
            }
        }
    }
}
