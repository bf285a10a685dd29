//! Those who share the cores.

use std::sync::{
    Arc, Weak,
    atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};

use ambit_core::{Bound, Count, Cpus};

use crate::scheduler::Scheduler;

/// What a tenant may have of a runtime, all its guests together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantConfig {
    /// What it is called in statistics and errors.
    pub name: Arc<str>,
    /// Its share of the CPU while others want it too, in proportion to their weights: 1 to 10 000. Default 100.
    pub weight: u32,
    /// The most CPU it may have, whoever else wants it; in cores. Default unlimited.
    pub cpus: Bound<Cpus>,
    /// How many of its guests may run at once; more wait in the runtime's queue. Default unlimited.
    pub concurrency: Bound<Count>,
}

impl TenantConfig {
    /// The least and the greatest weight.
    pub const WEIGHTS: std::ops::RangeInclusive<u32> = 1..=10_000;

    /// A tenant of this name, with the defaults.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), weight: 100, cpus: Bound::Unlimited, concurrency: Bound::Unlimited }
    }
}

/// One of those who share a runtime: its guests get their share of the CPU together. Clones are the same tenant; when the
/// last one is dropped and its runs are over, its place is free.
#[derive(Debug, Clone)]
pub struct Tenant(pub(crate) Arc<TenantShared>);

impl Tenant {
    /// What it may have.
    pub fn config(&self) -> &TenantConfig {
        &self.0.config
    }
}

#[derive(Debug)]
pub(crate) struct TenantShared {
    pub(crate) config: TenantConfig,
    /// Its place in the queue.
    pub(crate) lane: usize,
    /// Runs admitted and not ended.
    pub(crate) running: AtomicUsize,
    /// CPU time of its runs, in nanoseconds.
    cpu: AtomicU64,
    /// The part of it that its place in the queue has not been charged with yet.
    uncharged: AtomicU64,
    /// Runs that have ended.
    pub(crate) ended: AtomicU64,
    scheduler: Weak<Scheduler>,
}

impl TenantShared {
    /// Whether it is one of this scheduler's.
    pub(crate) fn belongs_to(&self, scheduler: &Arc<Scheduler>) -> bool {
        std::ptr::eq(self.scheduler.as_ptr(), Arc::as_ptr(scheduler))
    }

    pub(crate) fn new(config: TenantConfig, lane: usize, scheduler: Weak<Scheduler>) -> Self {
        Self {
            config,
            lane,
            running: AtomicUsize::new(0),
            cpu: AtomicU64::new(0),
            uncharged: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            scheduler,
        }
    }

    /// How many of its runs may be admitted at once.
    pub(crate) fn concurrency(&self) -> usize {
        match self.config.concurrency {
            Bound::At(count) => usize::try_from(count.0).unwrap_or(usize::MAX),
            Bound::Unlimited => usize::MAX,
        }
    }

    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu.load(Relaxed)
    }

    /// Notes CPU time that its place in the queue is charged with by somebody else.
    pub(crate) fn note_cpu(&self, nanos: u64) {
        self.cpu.fetch_add(nanos, Relaxed);
    }

    /// Notes CPU time that its place in the queue is to be charged with later.
    pub(crate) fn note_uncharged(&self, nanos: u64) {
        self.note_cpu(nanos);
        self.uncharged.fetch_add(nanos, SeqCst);
    }

    /// Takes what its place in the queue is to be charged with.
    pub(crate) fn take_uncharged(&self) -> u64 {
        if self.uncharged.load(Relaxed) == 0 { 0 } else { self.uncharged.swap(0, SeqCst) }
    }
}

impl Drop for TenantShared {
    fn drop(&mut self) {
        if let Some(scheduler) = self.scheduler.upgrade() {
            scheduler.forget_tenant(self.lane);
        }
    }
}
