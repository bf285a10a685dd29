//! What one guest has used and been refused, shared by its engine, its host functions and its scheduler.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use ambit_core::{Counter, LimitKey, OnMemoryRefusal, RunLimits, Usage, Violation};

use crate::counters::Counters;

/// The account of one guest: the memory budget, counters, refusals and violations.
#[derive(Debug)]
pub struct Meter {
    limits: RunLimits,
    on_memory_refusal: OnMemoryRefusal,
    memory: Budget,
    table_elements: Budget,
    output: Budget,
    log_bytes: Budget,
    disk: Budget,
    files: Budget,
    open_files: Budget,
    /// Bytes that the host keeps for the guest.
    kept: AtomicU64,
    /// Fuel that earlier calls of a kept guest used.
    fuel_before: AtomicU64,
    counters: Counters,
    /// A mutex, since it is touched only when something was refused.
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    /// The last growth of memory or tables that was refused.
    refused: Option<Excess>,
    /// The limit that must end the run.
    fatal: Option<Excess>,
    violations: Vec<Violation>,
}

/// A limit, and how much was asked for beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// Which limit.
    pub limit: LimitKey,
    /// The limit in base units.
    pub allowed: u64,
    /// What it would have come to.
    pub used: u64,
}

/// An amount in use against a ceiling.
#[derive(Debug)]
struct Budget {
    key: LimitKey,
    ceiling: u64,
    now: Counter,
    peak: Counter,
}

impl Budget {
    fn new(limits: &RunLimits, key: LimitKey, now: Counter, peak: Counter) -> Self {
        Self { key, ceiling: limits.get(key).ceiling(), now, peak }
    }

    fn get(&self, counters: &Counters) -> u64 {
        counters.at(self.now).load(Relaxed)
    }

    fn take(&self, counters: &Counters, amount: u64) -> Result<(), Excess> {
        let total = self.get(counters).saturating_add(amount);
        if total > self.ceiling {
            return Err(Excess { limit: self.key, allowed: self.ceiling, used: total });
        }
        counters.at(self.now).store(total, Relaxed);
        let peak = counters.at(self.peak);
        if total > peak.load(Relaxed) {
            peak.store(total, Relaxed);
        }
        Ok(())
    }

    fn give(&self, counters: &Counters, amount: u64) {
        counters.at(self.now).store(self.get(counters).saturating_sub(amount), Relaxed);
    }
}

impl Meter {
    /// Bytes a table element is charged with.
    pub const TABLE_ELEMENT: u64 = 8;

    /// An account with nothing used.
    pub fn new(limits: RunLimits, on_memory_refusal: OnMemoryRefusal) -> Self {
        Self::with(limits, on_memory_refusal, Counters::own())
    }

    /// The same, with its counters in a page that another process looks at, by [`Counter`]'s places. The page must be new: what
    /// stands there is taken as used.
    pub fn in_page(limits: RunLimits, on_memory_refusal: OnMemoryRefusal, page: &'static [AtomicU64; Counter::PLACES]) -> Self {
        Self::with(limits, on_memory_refusal, Counters::Shared(page))
    }

    fn with(limits: RunLimits, on_memory_refusal: OnMemoryRefusal, counters: Counters) -> Self {
        use Counter::{Disk, Files, LogBytes, Memory, MemoryPeak, OpenFiles, Output, TableElements, TableElementsPeak, Unasked};
        let budget = |key, now, peak| Budget::new(&limits, key, now, peak);
        Self {
            memory: budget(LimitKey::Memory, Memory, MemoryPeak),
            table_elements: budget(LimitKey::TableElements, TableElements, TableElementsPeak),
            output: budget(LimitKey::Output, Output, Unasked),
            log_bytes: budget(LimitKey::LogBytes, LogBytes, Unasked),
            disk: budget(LimitKey::Disk, Disk, Unasked),
            files: budget(LimitKey::Files, Files, Unasked),
            open_files: budget(LimitKey::OpenFiles, OpenFiles, Unasked),
            kept: AtomicU64::new(0),
            fuel_before: AtomicU64::new(0),
            counters,
            record: Mutex::default(),
            on_memory_refusal,
            limits,
        }
    }

    /// The limits of this guest.
    pub fn limits(&self) -> &RunLimits {
        &self.limits
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // A panic while it was held leaves a list of violations at worst one short.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- memory ----

    /// Charges a growth of linear memory or GC heap.
    ///
    /// # Errors
    /// The budget does not allow it; the refusal is remembered.
    pub fn grow_memory(&self, bytes: u64) -> Result<(), Excess> {
        self.memory.take(&self.counters, bytes).inspect_err(|&excess| self.refuse(excess))
    }

    /// Takes back all memory and tables: what was made of the guest is gone, and it is made again.
    pub(crate) fn release_all(&self) {
        self.memory.give(&self.counters, self.memory.get(&self.counters));
        self.table_elements.give(&self.counters, self.table_elements.get(&self.counters));
    }

    /// Takes back what [`Meter::grow_memory`] charged.
    pub fn release_memory(&self, bytes: u64) {
        self.memory.give(&self.counters, bytes);
    }

    /// Charges a growth of tables, against their own limit and against memory.
    ///
    /// # Errors
    /// One of the two does not allow it; the refusal is remembered.
    pub fn grow_table(&self, elements: u64) -> Result<(), Excess> {
        self.table_elements.take(&self.counters, elements).inspect_err(|&excess| self.refuse(excess))?;
        self.grow_memory(elements.saturating_mul(Self::TABLE_ELEMENT))
            .inspect_err(|_| self.table_elements.give(&self.counters, elements))
    }

    /// Takes back what [`Meter::grow_table`] charged.
    pub fn release_table(&self, elements: u64) {
        self.table_elements.give(&self.counters, elements);
        self.memory.give(&self.counters, elements.saturating_mul(Self::TABLE_ELEMENT));
    }

    fn refuse(&self, excess: Excess) {
        let mut record = self.record();
        record.refused = Some(excess);
        let unit = if excess.limit == LimitKey::Memory { "bytes" } else { "elements" };
        Violation::record(&mut record.violations, excess.limit.name(), || {
            format!("growth to {} {unit}; allow it with --limit {}={}", excess.used, excess.limit, excess.used)
        });
        if self.on_memory_refusal == OnMemoryRefusal::End {
            record.fatal.get_or_insert(excess);
        }
    }

    /// The last refused growth, if there was one.
    pub fn refused(&self) -> Option<Excess> {
        self.record().refused
    }

    // ---- limits that end the run ----

    /// Notes that this limit must end the run.
    pub fn end(&self, excess: Excess) {
        self.record().fatal.get_or_insert(excess);
    }

    /// The limit that must end the run, if one was passed.
    pub fn fatal(&self) -> Option<Excess> {
        self.record().fatal
    }

    /// Charges output. As many bytes as the limit allows may be written; what is left over ends the run.
    pub(crate) fn take_output(&self, bytes: u64) -> Result<(), Excess> {
        self.output.take(&self.counters, bytes).inspect_err(|&excess| self.end(excess))
    }

    /// How many more bytes of output the limit allows.
    pub(crate) fn output_left(&self) -> u64 {
        self.output.ceiling - self.output.get(&self.counters)
    }

    /// Charges a log message.
    pub(crate) fn take_log(&self, bytes: u64) -> Result<(), Excess> {
        self.log_bytes.take(&self.counters, bytes).inspect_err(|&excess| self.end(excess))
    }

    /// Charges bytes that the host keeps for the guest beyond one call, such as output that nobody has taken yet. They are
    /// part of its memory, and more than either limit allows ends the run.
    pub(crate) fn keep_buffer(&self, bytes: u64) -> Result<(), Excess> {
        let allowed = self.limits.host_buffers.ceiling();
        let used = self.kept.load(Relaxed).saturating_add(bytes);
        let kept =
            if used > allowed { Err(Excess { limit: LimitKey::HostBuffers, allowed, used }) } else { self.grow_memory(bytes) };
        kept.inspect_err(|&excess| self.end(excess))?;
        self.kept.store(used, Relaxed);
        Ok(())
    }

    /// Takes back what [`Meter::keep_buffer`] charged.
    pub(crate) fn release_buffer(&self, bytes: u64) {
        self.kept.store(self.kept.load(Relaxed).saturating_sub(bytes), Relaxed);
        self.release_memory(bytes);
    }

    // ---- limits that fail a call ----

    /// Charges bytes written to files.
    pub(crate) fn take_disk(&self, bytes: u64) -> Result<(), Excess> {
        self.disk.take(&self.counters, bytes).inspect_err(|excess| self.violate_limit(excess, "write"))
    }

    /// Takes back what was charged and then not written.
    pub(crate) fn give_disk(&self, bytes: u64) {
        self.disk.give(&self.counters, bytes);
    }

    /// Charges a file, directory or link about to be created.
    pub(crate) fn take_file(&self) -> Result<(), Excess> {
        self.files.take(&self.counters, 1).inspect_err(|excess| self.violate_limit(excess, "create"))
    }

    /// Takes back a file that was then not created.
    pub(crate) fn give_file(&self) {
        self.files.give(&self.counters, 1);
    }

    /// Charges an open descriptor.
    pub(crate) fn take_open(&self) -> Result<(), Excess> {
        self.open_files.take(&self.counters, 1).inspect_err(|excess| self.violate_limit(excess, "open"))
    }

    /// Takes back a closed descriptor.
    pub(crate) fn give_open(&self) {
        self.open_files.give(&self.counters, 1);
    }

    /// Whether a file may reach `size`.
    pub(crate) fn check_file_size(&self, size: u64) -> Result<(), Excess> {
        let allowed = self.limits.file_size.ceiling();
        if size <= allowed {
            return Ok(());
        }
        let excess = Excess { limit: LimitKey::FileSize, allowed, used: size };
        self.violate_limit(&excess, "file size");
        Err(excess)
    }

    fn violate_limit(&self, excess: &Excess, what: &str) {
        let Excess { limit, used, .. } = excess;
        self.violate(limit.name(), || format!("{what} beyond the limit; allow it with --limit {limit}={used} or more"));
    }

    /// Records an attempt beyond a grant or limit.
    pub fn violate(&self, rule: &str, attempt: impl FnOnce() -> String) {
        Violation::record(&mut self.record().violations, rule, attempt);
    }

    /// The violations so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.record().violations.clone()
    }

    // ---- counters ----

    /// Counts a call of a host function.
    pub(crate) fn host_call(&self) {
        let calls = self.counters.at(Counter::HostCalls);
        calls.store(calls.load(Relaxed) + 1, Relaxed);
    }

    /// Notes that calls of host functions are not counted for this guest, as for components.
    pub(crate) fn host_calls_are_unknown(&self) {
        self.counters.at(Counter::HostCalls).store(Counter::UNKNOWN, Relaxed);
    }

    /// Begins another call of a kept guest: fuel is counted from zero again, on top of what was used, and a growth that was
    /// refused to an earlier call does not explain a failure of this one.
    pub fn next_call(&self) {
        self.fuel_before.store(self.fuel(), Relaxed);
        self.record().refused = None;
    }

    /// Notes how much fuel this call has used. Never goes back: some engines read 0 after a trap.
    pub fn note_fuel(&self, used: u64) {
        self.counters.at(Counter::Fuel).fetch_max(self.fuel_before.load(Relaxed).saturating_add(used), Relaxed);
    }

    /// Fuel used so far, by all calls.
    pub fn fuel(&self) -> u64 {
        self.counters.at(Counter::Fuel).load(Relaxed)
    }

    /// Notes how long instantiation took, start functions included.
    pub fn note_instantiate(&self, time: Duration) {
        self.counters.at(Counter::Instantiate).store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    /// Memory charged at this moment, in bytes.
    pub fn memory_now(&self) -> u64 {
        self.memory.get(&self.counters)
    }

    /// What this account knows of the usage; times are the scheduler's to add.
    pub fn usage(&self) -> Usage {
        Usage::of_counters(|counter| self.counters.at(counter).load(Relaxed), self.limits.fuel.finite().is_some())
    }
}

#[cfg(test)]
mod tests {
    use ambit_core::{Bound, ByteSize};

    use super::*;

    fn meter() -> Meter {
        let limits = RunLimits { memory: Bound::At(ByteSize::mib(1)), ..RunLimits::default() };
        Meter::new(limits, OnMemoryRefusal::Continue)
    }

    #[test]
    fn memory_is_one_budget_over_everything() {
        let meter = meter();
        assert_eq!(meter.grow_memory(900 << 10), Ok(()));
        assert_eq!(meter.grow_table(10_000), Ok(()));
        let excess = meter.grow_memory(64 << 10).expect_err("900 KiB + 80 kB + 64 KiB is more than 1 MiB");
        assert_eq!((excess.limit, excess.allowed), (LimitKey::Memory, 1 << 20));
        assert_eq!(meter.refused(), Some(excess));
        assert_eq!(meter.fatal(), None);
        assert_eq!(meter.violations()[0].rule, "memory");
    }

    #[test]
    fn what_failed_is_taken_back() {
        let meter = meter();
        for _ in 0..1000 {
            assert_eq!(meter.grow_memory(512 << 10), Ok(()));
            meter.release_memory(512 << 10);
            assert!(meter.grow_table(90_000).is_ok());
            meter.release_table(90_000);
            assert!(meter.grow_table(100_001).is_err());
            assert!(meter.grow_memory(u64::MAX).is_err());
        }
        assert_eq!(meter.memory_now(), 0);
        assert_eq!(meter.violations().iter().map(|v| v.count).sum::<u64>(), 2000);
    }

    #[test]
    fn every_call_has_its_own_fuel_and_refusals() {
        let meter = meter();
        meter.note_fuel(70);
        meter.note_fuel(60);
        assert!(meter.grow_memory(2 << 20).is_err());
        meter.next_call();
        assert_eq!((meter.fuel(), meter.refused()), (70, None));
        meter.note_fuel(5);
        assert_eq!(meter.fuel(), 75);
        assert_eq!(meter.violations().len(), 1, "what was attempted is remembered");
    }

    #[test]
    fn a_refusal_ends_the_run_where_the_policy_says_so() {
        let meter = Meter::new(RunLimits::default(), OnMemoryRefusal::End);
        assert!(meter.grow_memory(65 << 20).is_err());
        assert_eq!(meter.fatal().map(|excess| excess.limit), Some(LimitKey::Memory));
    }
}
