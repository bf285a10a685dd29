//! How many runs may be under way at once, and how much memory they may have reserved together.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use ambit_core::{Bound, ByteSize, Count};

use crate::{scheduler::Scheduler, tenant::TenantShared};

/// The runtime's totals. Entering is a few atomic additions when there is room.
#[derive(Debug)]
pub(crate) struct Gate {
    concurrency: usize,
    memory: u64,
    running: AtomicUsize,
    reserved: AtomicU64,
    /// Runs that wait for room.
    pub(crate) waiting: AtomicUsize,
    /// One of them waits for room in the runtime, not in its own tenant: nobody passes it.
    pub(crate) short: AtomicBool,
}

impl Gate {
    pub(crate) fn new(concurrency: Bound<Count>, memory: Bound<ByteSize>) -> Self {
        let concurrency = match concurrency {
            Bound::At(count) => usize::try_from(count.0).unwrap_or(usize::MAX),
            Bound::Unlimited => usize::MAX,
        };
        let memory = match memory {
            Bound::At(size) => size.get(),
            Bound::Unlimited => u64::MAX,
        };
        Self {
            concurrency,
            memory,
            running: AtomicUsize::new(0),
            reserved: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            short: AtomicBool::new(false),
        }
    }

    /// All the memory that may be reserved, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    pub(crate) fn reserved(&self) -> u64 {
        self.reserved.load(SeqCst)
    }

    /// Takes room for a run, if there is any.
    fn enter(&self, tenant: &TenantShared, asks: Asks) -> bool {
        let Asks { runs, memory } = asks;
        let entered = add_up_to(&self.running, runs, self.concurrency);
        if !entered {
            return false;
        }
        if !add_up_to(&tenant.running, runs, tenant.concurrency()) {
            self.running.fetch_sub(runs, SeqCst);
            return false;
        }
        let reserved = self.reserved.fetch_update(SeqCst, SeqCst, |reserved| {
            reserved.checked_add(memory).filter(|&total| total <= self.memory || memory == 0)
        });
        if reserved.is_err() {
            tenant.running.fetch_sub(runs, SeqCst);
            self.running.fetch_sub(runs, SeqCst);
            return false;
        }
        true
    }

    fn leave(&self, tenant: &TenantShared, asks: Asks) {
        let Asks { runs, memory } = asks;
        self.reserved.fetch_sub(memory, SeqCst);
        tenant.running.fetch_sub(runs, SeqCst);
        self.running.fetch_sub(runs, SeqCst);
    }
}

fn add_up_to(counter: &AtomicUsize, more: usize, most: usize) -> bool {
    counter.fetch_update(SeqCst, SeqCst, |now| now.checked_add(more).filter(|&total| total <= most || more == 0)).is_ok()
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asks {
    /// 1 for a run, 0 for an instance that is kept between runs.
    pub(crate) runs: usize,
    /// Bytes.
    pub(crate) memory: u64,
}

/// Room that was taken; it is given back exactly once, when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    scheduler: Arc<Scheduler>,
    tenant: Arc<TenantShared>,
    asks: Asks,
}

impl Permit {
    /// Room for a run, if there is any at this moment.
    pub(crate) fn take(scheduler: &Arc<Scheduler>, tenant: &Arc<TenantShared>, asks: Asks) -> Option<Self> {
        scheduler.gate.enter(tenant, asks).then(|| Self { scheduler: Arc::clone(scheduler), tenant: Arc::clone(tenant), asks })
    }

    /// Gives back the room for running and keeps that for memory.
    pub(crate) fn between_runs(mut self) -> Self {
        let memory = std::mem::replace(&mut self.asks.memory, 0);
        self.give_back();
        self.asks = Asks { runs: 0, memory };
        self
    }

    fn give_back(&self) {
        self.scheduler.gate.leave(&self.tenant, self.asks);
        // Whoever waits has said so before it last looked for room.
        if self.scheduler.gate.waiting.load(SeqCst) > 0 {
            Scheduler::admit(&self.scheduler);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}
