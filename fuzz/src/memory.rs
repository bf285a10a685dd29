//! What is allocated on behalf of a message.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What the constant part of a message comes to: the most results, frames and violations of a run's end, twice over.
const SOME: usize = 128 << 10;

/// Calls `f`, and expects that it allocates no more than some, and `times` as much as the `bytes` that it is about. What it
/// gave back in between counts too: whoever cannot allocate it once cannot allocate it in turns either.
pub(crate) fn bounded<T>(bytes: usize, times: usize, f: impl FnOnce() -> T) -> T {
    let region = Region::new(COUNTED);
    let value = f();
    let used = region.change();
    // What is made longer in place, or moved to be longer, counts as what it became longer by.
    let most = SOME + times * bytes;
    assert!(used.bytes_allocated <= most, "{bytes} bytes took {} of memory, of at most {most}", used.bytes_allocated);
    value
}
