//! How long something took, over many times: a histogram of fixed size.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Buckets a power of two is divided into: a value is known to an eighth.
const STEPS: usize = 8;
/// Powers of two covered, in nanoseconds: up to four hours.
const POWERS: usize = 44;

/// A histogram that many threads write to. A duration is rounded up by at most an eighth.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; STEPS * POWERS],
    longest: AtomicU64,
}

/// A summary of how long something took. All zero if it never happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// How often it happened.
    pub count: u64,
    /// Half took at most this long; rounded up by at most an eighth, as the next two.
    pub p50: Duration,
    /// 90 of 100 took at most this long.
    pub p90: Duration,
    /// 99 of 100 took at most this long.
    pub p99: Duration,
    /// The longest, exactly.
    pub max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; STEPS * POWERS], longest: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)].fetch_add(1, Relaxed);
        self.longest.fetch_max(nanos, Relaxed);
    }

    pub(crate) fn summary(&self) -> Latency {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let longest = self.longest.load(Relaxed);
        let quantile = |hundredths: u64| {
            let wanted = (count * hundredths).div_ceil(100).max(1);
            let mut seen = 0;
            let found = counts.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            Duration::from_nanos(found.map_or(0, |found| upper(found).min(longest)))
        };
        Latency { count, p50: quantile(50), p90: quantile(90), p99: quantile(99), max: Duration::from_nanos(longest) }
    }
}

/// The bucket of a value: its highest bit and the three after it.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(STEPS as u64);
    let power = nanos.ilog2() as usize;
    let step = usize::try_from(nanos >> (power - 3)).map_or(0, |leading| leading & (STEPS - 1));
    ((power - 3) * STEPS + step).min(STEPS * POWERS - 1)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let (power, step) = (bucket / STEPS + 3, bucket % STEPS);
    ((STEPS as u64 + step as u64 + 1) << (power - 3)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_an_eighth() {
        let histogram = Histogram::default();
        assert_eq!(histogram.summary(), Latency::default());
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        let Latency { count, p50, p90, p99, max } = histogram.summary();
        assert_eq!((count, max), (1000, Duration::from_millis(1)));
        for (found, exact) in [(p50, 500), (p90, 900), (p99, 990)] {
            let exact = Duration::from_micros(exact);
            assert!(found >= exact && found <= exact + exact / 7, "{found:?} for {exact:?}");
        }
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for shift in 0..46 {
            for value in [1_u64 << shift, (1 << shift) + 1, (3 << shift) / 2, (2 << shift) - 1] {
                let found = bucket(value);
                assert!(upper(found) >= value || found == STEPS * POWERS - 1, "{value}");
                assert!(found == 0 || upper(found - 1) < value || found == STEPS * POWERS - 1, "{value}");
            }
        }
        assert_eq!(bucket(u64::MAX), STEPS * POWERS - 1);
    }
}
