//! The import module `env`: the least a guest can be given.

use super::{GuestMemory, Host, Stop};

/// `env.log(ptr, len)`: one message of UTF-8 text.
///
/// # Errors
/// The message does not lie in memory, which traps, or is beyond `log-bytes`, which ends the run.
pub fn env_log(host: &mut Host, memory: &GuestMemory<'_>, ptr: i32, len: i32) -> Result<(), Stop> {
    let (ptr, len) = (ptr.cast_unsigned(), len.cast_unsigned());
    let bytes = memory
        .slice(ptr, len)
        .map_err(|_| Stop::Trap(format!("env.log: {len} bytes at {ptr:#x} do not lie in the guest's memory")))?;
    host.log.message(bytes, &host.meter)
}

/// `env.time() → i64`: seconds since 1970.
pub fn env_time(host: &mut Host) -> i64 {
    i64::try_from(host.clock.realtime() / 1_000_000_000).unwrap_or(i64::MAX)
}

/// `env.random() → i32`: 32 random bits.
pub fn env_random(host: &mut Host) -> i32 {
    host.random.next_u32().cast_signed()
}
