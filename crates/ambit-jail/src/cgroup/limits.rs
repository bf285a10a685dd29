//! What a group bounds, and in which words the kernel is told.

use ambit_core::Cpus;

/// What a group bounds. `None` is not bounded by the group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupLimits {
    /// CPU time per wall time; whoever uses it up waits for the next period.
    pub cpus: Option<Cpus>,
    /// Bytes of memory, that of the kernel on the group's behalf included, and none of them swapped out. Rounded down to whole
    /// pages. Whoever goes beyond it is killed, in v2 the whole group at once.
    pub memory: Option<u64>,
    /// Tasks: threads, and processes with one thread. One more cannot be made (`EAGAIN`); joining the group is never refused.
    pub pids: Option<u64>,
}

/// What a controller bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Cpu,
    Memory,
    Pids,
}

impl Resource {
    pub(super) const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Pids];

    /// The kernel's name for it.
    pub(super) fn controller(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Pids => "pids",
        }
    }
}

impl GroupLimits {
    pub(super) fn bound(&self, resource: Resource) -> bool {
        let Self { cpus, memory, pids } = self;
        match resource {
            Resource::Cpu => cpus.is_some(),
            Resource::Memory => memory.is_some(),
            Resource::Pids => pids.is_some(),
        }
    }
}

/// CPU time in each period, both in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) quota: u64,
    pub(super) period: u64,
}

impl Quota {
    /// The period when there is no quota.
    pub(super) const PERIOD: u64 = 100_000;

    /// In periods of 100 ms; of a second, the longest the kernel takes, where the quota would fall below its least, 1 ms.
    pub(super) fn of(cpus: Cpus) -> Self {
        let period = if cpus.milli() < 10 { 1_000_000 } else { Self::PERIOD };
        Self { quota: cpus.milli().saturating_mul(period / 1000), period }
    }
}

/// A value, or the kernel's word for none.
pub(super) fn or_max(value: Option<u64>, none: &str) -> String {
    value.map_or_else(|| none.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_what_the_kernel_takes() {
        let check = |milli: u64, quota: u64, period: u64| {
            assert_eq!(Quota::of(Cpus::from_milli(milli)), Quota { quota, period }, "{milli}");
        };
        check(1000, 100_000, 100_000);
        check(250, 25_000, 100_000);
        check(2500, 250_000, 100_000);
        check(10, 1000, 100_000);
        check(9, 9000, 1_000_000);
        check(1, 1000, 1_000_000);
    }
}
