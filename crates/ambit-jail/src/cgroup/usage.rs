//! What a group has used.

/// What a group has used since it was made. What this host does not count is absent, never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupUsage {
    /// CPU time, in nanoseconds: exact to a microsecond in v2.
    pub cpu_ns: Option<u64>,
    /// Bytes of memory charged to it now.
    pub memory_now: Option<u64>,
    /// The most there have been; v2 counts it from Linux 5.19 on.
    pub memory_peak: Option<u64>,
    /// Processes that were killed because the group had no memory left.
    pub oom_kills: Option<u64>,
}

impl GroupUsage {
    /// What one version counts, and where it does not, the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.or(other.cpu_ns),
            memory_now: self.memory_now.or(other.memory_now),
            memory_peak: self.memory_peak.or(other.memory_peak),
            oom_kills: self.oom_kills.or(other.oom_kills),
        }
    }
}
