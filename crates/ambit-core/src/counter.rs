//! What is counted of a guest while it runs, and where each count stands in a page that two processes share.

use crate::usage::Usage;

/// A count. Its number is its place in a page of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    /// Memory charged at this moment.
    Memory,
    /// The most of it.
    MemoryPeak,
    /// Elements of tables.
    TableElements,
    /// The most of them.
    TableElementsPeak,
    /// Bytes written to standard output and standard error.
    Output,
    /// Bytes of log messages.
    LogBytes,
    /// Bytes by which files grew.
    Disk,
    /// Files made.
    Files,
    /// Files open.
    OpenFiles,
    /// Fuel used.
    Fuel,
    /// Calls of host functions; [`Counter::UNKNOWN`] if they are not counted.
    HostCalls,
    /// Nanoseconds that instantiation took; 0 while it is not known.
    Instantiate,
    /// What nobody asks for: the most of a count of which only the present matters.
    Unasked,
}

impl Counter {
    /// How many places a page has.
    pub const PLACES: usize = 64;
    /// What a counter holds that does not count.
    pub const UNKNOWN: u64 = u64::MAX;
}

impl Usage {
    /// What counters say; with fuel if the guest is metered by it. Times are for others to add.
    pub fn of_counters(at: impl Fn(Counter) -> u64, fuelled: bool) -> Self {
        Self {
            fuel: fuelled.then(|| at(Counter::Fuel)),
            peak_memory_bytes: Some(at(Counter::MemoryPeak)),
            output_bytes: Some(at(Counter::Output)),
            disk_bytes: Some(at(Counter::Disk)),
            files_created: Some(at(Counter::Files)),
            host_calls: Some(at(Counter::HostCalls)).filter(|&calls| calls != Counter::UNKNOWN),
            instantiate_ns: Some(at(Counter::Instantiate)).filter(|&nanos| nanos > 0),
            ..Self::default()
        }
    }
}
