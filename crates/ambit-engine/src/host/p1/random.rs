//! Random bytes.

use super::{Fail, GuestMemory, Host, Progress, field, u};
use crate::host::step::yield_once;

/// What is filled before the thread is given back: 256 KiB take about half a millisecond.
const STRETCH: u32 = 256 << 10;

/// `random_get`: fills a buffer. A large one is filled in stretches, between which the guest can be ended.
///
/// # Errors
/// The buffer does not lie in the guest's memory; nothing is written then.
pub fn random_get(host: &mut Host, memory: &mut GuestMemory<'_>, buf: i32, len: i32) -> Result<Progress, Fail> {
    let (buf, len) = (u(buf), u(len));
    memory.slice(buf, len)?;
    let now = len.min(STRETCH);
    host.random.fill(memory.slice_mut(buf, now)?);
    if now == len {
        return Ok(Progress::Done);
    }
    let (rest, left) = (field(buf, now)?.cast_signed(), (len - now).cast_signed());
    Ok(Progress::wait(yield_once(), move |host, memory| random_get(host, memory, rest, left)))
}
