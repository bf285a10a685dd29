//! A share of the cores: a token bucket of CPU time over 100 ms.

use std::time::{Duration, Instant};

use ambit_core::{Bound, Cpus};

const PERIOD: Duration = Duration::from_millis(100);
/// How long a rest lasts beyond the time in which the debt is paid.
const REST: Duration = Duration::from_millis(20);

/// What a guest or a tenant may use of the cores. Full at the start; refills by its share; holds at most one period's worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    /// Thousandths of a core; `None` needs no bucket.
    share: Option<u32>,
    /// CPU time left, in nanoseconds; below zero after a slice that took more.
    tokens: i64,
    filled: Instant,
}

impl Bucket {
    /// A guest's, which never has more than one core anyway.
    pub(crate) fn of_guest(cpus: Bound<Cpus>, now: Instant) -> Self {
        Self::new(share(cpus).filter(|&milli| milli < 1000), now)
    }

    /// A tenant's.
    pub(crate) fn of_tenant(cpus: Bound<Cpus>, now: Instant) -> Self {
        Self::new(share(cpus), now)
    }

    fn new(share: Option<u32>, now: Instant) -> Self {
        let mut bucket = Self { share, tokens: 0, filled: now };
        bucket.tokens = bucket.most();
        bucket
    }

    /// Whether this is less than there is.
    pub(crate) fn is_limited(&self) -> bool {
        self.share.is_some()
    }

    fn most(&self) -> i64 {
        self.gain(PERIOD)
    }

    fn gain(&self, time: Duration) -> i64 {
        let share = u64::from(self.share.unwrap_or(1000));
        i64::try_from(u128::from(share) * time.as_nanos() / 1000).unwrap_or(i64::MAX)
    }

    /// Charges a slice. Gives back when its owner may run again, if that is not now.
    pub(crate) fn charge(&mut self, cpu: Duration, now: Instant) -> Option<Instant> {
        let share = self.share?;
        let gained = self.gain(now.saturating_duration_since(self.filled));
        self.filled = now;
        self.tokens = self.tokens.saturating_add(gained).min(self.most());
        self.tokens = self.tokens.saturating_sub(i64::try_from(cpu.as_nanos()).unwrap_or(i64::MAX));
        let debt = u64::try_from(-self.tokens).ok().filter(|&debt| debt > 0)?;
        // Not until the debt is paid, but until there is something to spend: stopping and starting has its price.
        Some(now + Duration::from_nanos(debt.saturating_mul(1000) / u64::from(share)) + REST)
    }
}

/// Thousandths of a core.
fn share(cpus: Bound<Cpus>) -> Option<u32> {
    match cpus {
        Bound::At(cpus) => u32::try_from(cpus.milli()).ok(),
        Bound::Unlimited => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_core_is_never_throttled() {
        let now = Instant::now();
        let mut bucket = Bucket::of_guest(Bound::At(Cpus::from_milli(1000)), now);
        assert_eq!(bucket.charge(Duration::from_secs(10), now), None);
    }

    #[test]
    fn a_quarter_core_gets_a_quarter() {
        let start = Instant::now();
        let (mut now, mut used) = (start, Duration::ZERO);
        let mut bucket = Bucket::of_guest(Bound::At(Cpus::from_milli(250)), start);
        let slice = Duration::from_millis(1);
        while now < start + Duration::from_secs(10) {
            now += slice;
            used += slice;
            if let Some(again) = bucket.charge(slice, now) {
                now = again;
            }
        }
        let share = used.as_secs_f64() / 10.0;
        assert!((0.25..0.26).contains(&share), "{share}");
    }
}
