//! Where a meter counts: in memory of its own, or in a page that another process looks at.

use std::sync::atomic::AtomicU64;

use ambit_core::Counter;

/// The counters of one guest.
///
/// They are atomics because the scheduler and monitors read them while the guest runs; only the guest's own thread writes them,
/// so relaxed ordering and load-then-store are enough.
#[derive(Debug)]
pub(crate) enum Counters {
    Own([AtomicU64; Counter::Unasked as usize + 1]),
    Shared(&'static [AtomicU64; Counter::PLACES]),
}

impl Counters {
    pub(crate) const fn own() -> Self {
        Self::Own([const { AtomicU64::new(0) }; Counter::Unasked as usize + 1])
    }

    pub(crate) fn at(&self, counter: Counter) -> &AtomicU64 {
        match self {
            Counters::Own(all) => &all[counter as usize],
            Counters::Shared(all) => &all[counter as usize],
        }
    }
}
