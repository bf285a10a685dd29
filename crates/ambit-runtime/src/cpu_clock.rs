//! The CPU clock of the calling thread, and what it costs to ask it.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// CPU time the calling thread has used.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(secs, u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A stretch of work whose CPU time is wanted.
///
/// Asking the thread's CPU clock is a system call of half a microsecond, a sixth of a short call; the monotonic clock is
/// nearly free. So a stretch of less than [`SHORT`] is billed by the monotonic clock: never less than its CPU time, and more
/// only by an interrupt, since a thread that lost its core would have been away for longer. And a reading of less than
/// [`SHORT`] ago is carried forward by the same argument instead of being taken again.
pub(crate) struct Stretch {
    began: Reading,
}

/// Both clocks of a thread at one moment.
#[derive(Clone, Copy)]
struct Reading {
    cpu: Duration,
    wall: Instant,
}

/// What counts as short: a tenth of a slice, so that no slice is billed more than that too much or too little.
const SHORT: Duration = Duration::from_micros(100);

thread_local! {
    static LAST: Cell<Option<Reading>> = const { Cell::new(None) };
}

impl Reading {
    fn take() -> Self {
        Self { cpu: thread_cpu(), wall: Instant::now() }
    }

    fn fresh() -> Self {
        let wall = Instant::now();
        match LAST.get().map(|last| (last.cpu, wall.duration_since(last.wall))) {
            Some((cpu, since)) if since < SHORT => Self { cpu: cpu + since, wall },
            _ => Self::take(),
        }
    }
}

/// What a stretch took, and when it was over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    pub(crate) now: Instant,
}

impl Stretch {
    /// A stretch that begins now.
    pub(crate) fn begin() -> Self {
        Self { began: Reading::fresh() }
    }

    /// A stretch that began when the last one of this thread ended: what lay between them belongs to it.
    pub(crate) fn go_on() -> Self {
        Self { began: LAST.get().unwrap_or_else(Reading::fresh) }
    }

    /// CPU time since the beginning, on the same thread.
    pub(crate) fn used(&self) -> Used {
        let now = Instant::now();
        let wall = now.duration_since(self.began.wall);
        let end = if wall < SHORT { Reading { cpu: self.began.cpu + wall, wall: now } } else { Reading::take() };
        LAST.set(Some(end));
        Used { cpu: end.cpu.saturating_sub(self.began.cpu), now: end.wall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_is_not_billed_and_computing_is() {
        let stretch = Stretch::begin();
        std::thread::sleep(Duration::from_millis(50));
        assert!(stretch.used().cpu < Duration::from_millis(25), "{:?}", stretch.used().cpu);
        let stretch = Stretch::begin();
        let until = thread_cpu() + Duration::from_millis(20);
        while thread_cpu() < until {}
        assert!(stretch.used().cpu >= Duration::from_millis(20));
    }

    #[test]
    fn many_short_stretches_add_up_to_the_cpu_time_of_the_thread() {
        let before = thread_cpu();
        let mut billed = Duration::ZERO;
        for _ in 0..50_000 {
            let stretch = Stretch::begin();
            std::hint::black_box((0..200u64).fold(0, |sum, i| sum ^ std::hint::black_box(i)));
            billed += stretch.used().cpu;
        }
        let used = thread_cpu() - before;
        assert!(billed + used / 2 >= used, "{billed:?} billed, {used:?} used");
        assert!(billed <= used + used / 2, "{billed:?} billed, {used:?} used");
    }
}
