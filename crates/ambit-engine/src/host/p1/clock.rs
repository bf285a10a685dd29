//! Clocks.

use super::{Errno, GuestMemory, Host, Now, u};

/// The clock since 1970.
pub(super) const REALTIME: u32 = 0;
/// The clock since the guest's start.
pub(super) const MONOTONIC: u32 = 1;

/// What a clock shows; [`Errno::Inval`] for CPU-time clocks, which a guest is not given.
pub(super) fn now(host: &mut Host, id: u32) -> Result<u64, Errno> {
    match id {
        REALTIME => Ok(host.clock.realtime()),
        MONOTONIC => Ok(host.clock.monotonic()),
        _ => Err(Errno::Inval),
    }
}

/// `clock_res_get`: the smallest difference a clock shows, in nanoseconds.
///
/// # Errors
/// An unknown clock, or an address outside the guest's memory.
pub fn clock_res_get(host: &mut Host, memory: &mut GuestMemory<'_>, id: i32, out: i32) -> Now {
    now(host, u(id))?;
    Ok(memory.write_u64(u(out), host.clock.resolution())?)
}

/// `clock_time_get`: what a clock shows, in nanoseconds.
///
/// # Errors
/// An unknown clock, or an address outside the guest's memory.
pub fn clock_time_get(host: &mut Host, memory: &mut GuestMemory<'_>, id: i32, _precision: i64, out: i32) -> Now {
    let now = now(host, u(id))?;
    Ok(memory.write_u64(u(out), now)?)
}
