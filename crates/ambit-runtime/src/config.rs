//! How a runtime is set up.

use std::{fmt, io, time::Duration};

use ambit_core::{Bound, ByteSize, Count};
use ambit_engine::wasmtime::CompilerConfig;

use crate::{herald::Listener, pool_size};

/// How a runtime is set up.
pub struct RuntimeConfig {
    /// Threads that run guests. Default 1.
    pub cores: usize,
    /// How long a guest runs before others get their turn: 100 µs to 1 s. Default 1 ms.
    pub slice: Duration,
    /// How many guests the instance pool holds; 0 for none. More are allocated on demand, which takes longer. Default 256.
    pub pool_guests: u32,
    /// How many runs may be under way at once; more wait. Default unlimited.
    pub concurrency: Bound<Count>,
    /// How much memory may be reserved for runs and kept instances together: the sum of their limits `memory`. Runs beyond
    /// it wait. Default unlimited.
    pub memory: Bound<ByteSize>,
    /// How many runs of each tenant may wait for either; more are refused as `overloaded`. Default 10 000.
    pub queue: usize,
    /// How long one may wait before it is refused. Default 30 s.
    pub queue_wait: Duration,
    /// How many bytes of modules and their code are kept for modules that nobody uses at the moment. Default 256 MiB.
    pub cache: ByteSize,
    /// How the compiler works.
    pub compiler: CompilerConfig,
    /// How many modules are compiled at once. Default 1; the compiler itself uses several threads.
    pub compilers: usize,
    /// Hears of every run: that it was asked for, that its module was compiled for it, that it has ended. On the thread it
    /// happens on, which others wait for: be quick, and do not call the runtime.
    pub listener: Option<Listener>,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            cores: 1,
            slice: Duration::from_millis(1),
            pool_guests: 256,
            concurrency: Bound::Unlimited,
            memory: Bound::Unlimited,
            queue: 10_000,
            queue_wait: Duration::from_secs(30),
            cache: ByteSize::mib(256),
            compiler: CompilerConfig::default(),
            compilers: 1,
            listener: None,
        }
    }
}

/// The shortest and the longest slice.
const SLICES: std::ops::RangeInclusive<Duration> = Duration::from_micros(100)..=Duration::from_secs(1);
/// The most threads that run guests.
const MOST_CORES: usize = 1024;
/// The longest that a run may wait to be admitted: a day.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

impl RuntimeConfig {
    /// Whether all this can be had.
    pub(crate) fn check(&self) -> io::Result<()> {
        let refuse = |message: String| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        if !SLICES.contains(&self.slice) {
            return refuse(format!(
                "a slice of {:?}; it must last between {:?} and {:?}",
                self.slice,
                SLICES.start(),
                SLICES.end()
            ));
        }
        if !(1..=MOST_CORES).contains(&self.cores) {
            return refuse(format!("{} cores; there must be between 1 and {MOST_CORES}", self.cores));
        }
        if self.concurrency == Bound::At(Count(0)) {
            return refuse("a concurrency of 0: nothing could ever run".into());
        }
        if self.queue_wait > LONGEST_WAIT {
            return refuse(format!("a wait of {:?} in the queue; the longest is {LONGEST_WAIT:?}", self.queue_wait));
        }
        if self.pool_guests > 0 {
            pool_size::check(self.pool_guests)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RuntimeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeConfig")
            .field("cores", &self.cores)
            .field("slice", &self.slice)
            .field("pool_guests", &self.pool_guests)
            .field("concurrency", &self.concurrency)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
