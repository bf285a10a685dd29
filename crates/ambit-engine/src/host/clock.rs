//! The clocks a guest sees.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Instant, SystemTime},
};

use ambit_core::Clock;

/// Nanoseconds between 1970 and 2000, where the fixed clock starts.
const YEAR_2000: u64 = 946_684_800_000_000_000;
/// What one reading advances the fixed clock by, in nanoseconds.
const FIXED_STEP: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;

/// The clocks a guest sees. The monotonic one starts at zero with the guest, so that it tells nothing of the host. Clones
/// are the same clocks.
#[derive(Debug, Clone)]
pub struct GuestClock {
    kind: Clock,
    start: Instant,
    /// Where the fixed clock stands, in nanoseconds since its start.
    fixed: Arc<AtomicU64>,
}

impl GuestClock {
    /// Clocks of this kind, starting now.
    pub fn new(kind: Clock) -> Self {
        Self { kind, start: Instant::now(), fixed: Arc::default() }
    }

    /// Nanoseconds since 1970.
    pub fn realtime(&mut self) -> u64 {
        let now = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        };
        match self.kind {
            Clock::Real => now(),
            Clock::Coarse => now() / MILLISECOND * MILLISECOND,
            Clock::Fixed => YEAR_2000 + self.step(),
        }
    }

    /// Nanoseconds since the guest started.
    pub fn monotonic(&mut self) -> u64 {
        match self.kind {
            Clock::Real => self.elapsed(),
            Clock::Coarse => self.elapsed() / MILLISECOND * MILLISECOND,
            Clock::Fixed => self.step(),
        }
    }

    /// The smallest difference the clocks show, in nanoseconds.
    pub fn resolution(&self) -> u64 {
        match self.kind {
            Clock::Real => 1,
            Clock::Coarse => MILLISECOND,
            Clock::Fixed => FIXED_STEP,
        }
    }

    /// Whether time passes only by readings and sleeps.
    pub fn is_fixed(&self) -> bool {
        self.kind == Clock::Fixed
    }

    /// Lets the fixed clock sleep: it jumps, and no time passes.
    pub(crate) fn skip(&mut self, nanos: u64) {
        self.fixed.store(self.stands().saturating_add(nanos).min(u64::MAX / 4), Relaxed);
    }

    /// Where the fixed clock stands, without reading it.
    pub(crate) fn stands(&self) -> u64 {
        self.fixed.load(Relaxed)
    }

    fn step(&mut self) -> u64 {
        self.skip(FIXED_STEP);
        self.stands()
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_clock_is_the_same_every_time() {
        let readings = || {
            let mut clock = GuestClock::new(Clock::Fixed);
            let first = (clock.realtime(), clock.monotonic());
            clock.skip(5_000_000_000);
            (first, clock.realtime())
        };
        assert_eq!(readings(), ((YEAR_2000 + 1_000, 2_000), YEAR_2000 + 5_000_003_000));
        assert_eq!(readings(), readings());
    }

    #[test]
    fn the_coarse_clock_hides_what_is_below_a_millisecond() {
        let mut clock = GuestClock::new(Clock::Coarse);
        for _ in 0..1000 {
            assert_eq!(clock.realtime() % MILLISECOND, 0);
            assert_eq!(clock.monotonic() % MILLISECOND, 0);
        }
    }
}
