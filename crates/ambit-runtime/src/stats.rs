//! What a runtime is doing, in numbers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use ambit_core::Outcome;

use crate::latency::{Histogram, Latency};

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunState {
    /// It waits to be admitted: as many runs as may are under way, or as much memory as may is reserved.
    Queued,
    /// Its module is being compiled.
    Compiling,
    /// It waits for its turn.
    Ready,
    /// It is on a core.
    Running,
    /// It waits for something: a timer, input, a host function.
    Waiting,
    /// Somebody paused it.
    Paused,
    /// It, or its tenant, has used up its share of the cores for the moment.
    Throttled,
}

impl RunState {
    /// Every one of them.
    pub const ALL: &'static [Self] =
        &[Self::Queued, Self::Compiling, Self::Ready, Self::Running, Self::Waiting, Self::Paused, Self::Throttled];
}

/// What a runtime is doing at one moment, and has done since it was made.
#[derive(Debug, Clone)]
pub struct SchedulerStats {
    /// Threads that run guests.
    pub cores: usize,
    /// Runs that have not ended, by what they are doing.
    pub runs: BTreeMap<RunState, usize>,
    /// Runs that have ended, by the kind of their outcome: `exited`, `trapped`, `limit-exceeded`, `rejected`, `cancelled`,
    /// `killed`, `lost`.
    pub ended: BTreeMap<&'static str, u64>,
    /// Slices given.
    pub slices: u64,
    /// Runs that ended on the thread of whoever asked for them, without a core.
    pub inline: u64,
    /// Instances that are kept between calls.
    pub instances: usize,
    /// Bytes reserved for runs and kept instances: the sum of their limits, not of what they use.
    pub reserved: u64,
    /// How long after its deadline, or after somebody wanted it ended, a run had ended.
    pub kill_latency: Latency,
    /// Compiled modules.
    pub cache: CacheStats,
    /// Those who share the cores.
    pub tenants: Vec<TenantStats>,
}

/// What one tenant is doing and has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantStats {
    /// Its name.
    pub name: Arc<str>,
    /// Its weight.
    pub weight: u32,
    /// Runs admitted and not ended.
    pub admitted: usize,
    /// Runs that wait for their turn.
    pub ready: usize,
    /// Runs that wait to be admitted.
    pub queued: usize,
    /// Whether it has used up its share of the cores for the moment.
    pub throttled: bool,
    /// Runs that have ended.
    pub ended: u64,
    /// CPU time of its runs, ending them included.
    pub cpu: Duration,
}

/// What the cache of compiled modules holds and has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Modules it holds.
    pub modules: usize,
    /// Bytes of modules and code it holds.
    pub bytes: u64,
    /// Requests that found their module compiled.
    pub hits: u64,
    /// Requests that found it being compiled already, and waited for that.
    pub joined: u64,
    /// Requests that had it compiled.
    pub misses: u64,
    /// Modules dropped to make room.
    pub evicted: u64,
}

/// Counters that many threads write to.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    ended: [AtomicU64; KINDS.len()],
    pub(crate) slices: AtomicU64,
    pub(crate) inline: AtomicU64,
    pub(crate) instances: AtomicUsize,
    pub(crate) kill_latency: Histogram,
}

const KINDS: [&str; 7] = ["exited", "trapped", "limit-exceeded", "rejected", "cancelled", "killed", "lost"];

impl Counters {
    pub(crate) fn count_end(&self, outcome: &Outcome) {
        let kind = match outcome {
            Outcome::Exited { .. } => 0,
            Outcome::Trapped { .. } => 1,
            Outcome::LimitExceeded { .. } => 2,
            Outcome::Rejected(_) => 3,
            Outcome::Cancelled { .. } => 4,
            Outcome::Killed { .. } => 5,
            Outcome::Lost { .. } => 6,
        };
        self.ended[kind].fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self) -> BTreeMap<&'static str, u64> {
        KINDS.iter().zip(&self.ended).map(|(&kind, count)| (kind, count.load(Relaxed))).collect()
    }
}
