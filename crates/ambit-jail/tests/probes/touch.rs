//! Memory by its address, as native code has it.

#![expect(unsafe_code, reason = "this is about memory that no Rust value owns")]

use std::hint::black_box;

const PAGE: usize = 4096;

/// Writes to each page of `bytes` from `address` on, which the caller has just mapped.
pub(crate) fn fill(address: u64, bytes: u64) {
    for page in (address..address + bytes).step_by(PAGE) {
        // SAFETY: the caller mapped it, and no Rust value lies in it. If it is not writable, this process ends, which is one of
        // the things that a probe may find.
        unsafe { (page as *mut u8).write_volatile(1) };
    }
}

/// Reads one byte of every `step` of `bytes` from `address` on.
pub(crate) fn look(address: u64, bytes: u64, step: u64) {
    for place in (address..address + bytes).step_by(usize::try_from(step).expect("64 bits")) {
        // SAFETY: as in `fill`.
        black_box(unsafe { (place as *const u8).read_volatile() });
    }
}
