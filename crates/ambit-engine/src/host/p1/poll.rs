//! Waiting.

use std::{
    future::Future,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use super::{Errno, Fail, GuestMemory, Host, Progress, clock, field, u};
use crate::host::{descriptor::Descriptor, step::yield_once};

/// The most subscriptions one call may have; real programs use a handful.
const MOST: u32 = 4096;
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;
const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;
const ABSOLUTE: u16 = 1;
/// Far enough: tokio's timer cannot hold more, and no run lasts a year.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// `sched_yield`: ends the slice.
///
/// # Errors
/// Never.
pub fn sched_yield(_host: &mut Host, _memory: &mut GuestMemory<'_>) -> Result<Progress, Fail> {
    Ok(Progress::wait(yield_once(), |_, _| Ok(Progress::Done)))
}

/// One thing a guest waits for.
struct Subscription {
    userdata: u64,
    kind: u8,
    /// What is wrong with it, which is an event of its own.
    error: Option<Errno>,
    /// When it is due, for clocks.
    due: Option<Instant>,
    fd: i32,
}

/// `poll_oneoff`: waits until one of several things happens.
///
/// # Errors
/// There are none, or more than 4096, or an address lies outside memory.
pub fn poll_oneoff(
    host: &mut Host,
    memory: &mut GuestMemory<'_>,
    subscriptions: i32,
    events: i32,
    count: i32,
    out: i32,
) -> Result<Progress, Fail> {
    if count == 0 || u(count) > MOST {
        return Err(Errno::Inval.into());
    }
    memory.slice(u(events), u(count) * EVENT)?;
    let mut nanos_to_skip = None::<u64>;
    let list = (0..u(count))
        .map(|i| subscription(host, memory, field(u(subscriptions), i * SUBSCRIPTION)?, &mut nanos_to_skip))
        .collect::<Result<Vec<_>, Errno>>()?;
    if host.clock.is_fixed() {
        // Time does not pass by itself: the sleep is over at once, on a clock that has jumped.
        host.clock.skip(nanos_to_skip.unwrap_or(0));
    }
    settle(host, memory, list, events, out)
}

fn subscription(host: &mut Host, memory: &GuestMemory<'_>, at: u32, skip: &mut Option<u64>) -> Result<Subscription, Errno> {
    let mut parsed = Subscription {
        userdata: memory.read_u64(at)?,
        kind: memory.read_u8(field(at, 8)?)?,
        error: None,
        due: None,
        fd: memory.read_u32(field(at, 16)?)?.cast_signed(),
    };
    match parsed.kind {
        CLOCK => {
            let timeout = memory.read_u64(field(at, 24)?)?;
            let absolute = memory.read_u16(field(at, 40)?)? & ABSOLUTE != 0;
            match clock::now(host, parsed.fd.cast_unsigned()) {
                Ok(now) => {
                    let left = if absolute { timeout.saturating_sub(now) } else { timeout };
                    *skip = Some(skip.map_or(left, |least| least.min(left)));
                    let wait = if host.clock.is_fixed() { Duration::ZERO } else { Duration::from_nanos(left).min(LONGEST) };
                    parsed.due = Some(Instant::now() + wait);
                }
                Err(errno) => parsed.error = Some(errno),
            }
        }
        FD_READ | FD_WRITE => parsed.error = host.descriptors.get(parsed.fd).err(),
        _ => return Err(Errno::Inval),
    }
    Ok(parsed)
}

/// Writes the events that have happened, or waits for the first.
fn settle(host: &mut Host, memory: &mut GuestMemory<'_>, list: Vec<Subscription>, events: i32, out: i32) -> Result<Progress, Fail> {
    let now = Instant::now();
    let mut happened = 0;
    for item in &list {
        let ready = match (item.error, item.due) {
            (Some(_), _) => true,
            (None, Some(due)) => due <= now,
            (None, None) => is_ready(host, item)?,
        };
        if ready {
            let mut event = [0; EVENT as usize];
            event[..8].copy_from_slice(&item.userdata.to_le_bytes());
            let errno = item.error.map_or(0, |errno| errno as u16);
            event[8..10].copy_from_slice(&errno.to_le_bytes());
            event[10] = item.kind;
            if item.kind != CLOCK && item.error.is_none() {
                event[16..24].copy_from_slice(&1u64.to_le_bytes());
            }
            memory.write(field(u(events), happened * EVENT)?, &event)?;
            happened += 1;
        }
    }
    if happened > 0 {
        memory.write_u32(u(out), happened)?;
        return Ok(Progress::Done);
    }
    let mut waits: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    if let Some(due) = list.iter().filter_map(|item| item.due).min() {
        waits.push(Box::pin(tokio::time::sleep_until(due.into())));
    }
    let waits_for = |fd: &dyn Fn(&Descriptor) -> bool| {
        list.iter().any(|item| host.descriptors.get(item.fd).is_ok_and(fd) && item.due.is_none())
    };
    if waits_for(&|descriptor| matches!(descriptor, Descriptor::Stdin)) {
        waits.push(host.stdin.readable());
    }
    if waits_for(&|descriptor| matches!(descriptor, Descriptor::Stdout)) {
        waits.push(host.stdout.writable());
    }
    if waits_for(&|descriptor| matches!(descriptor, Descriptor::Stderr)) {
        waits.push(host.stderr.writable());
    }
    let first = std::future::poll_fn(move |cx| {
        let ready = waits.iter_mut().any(|wait| wait.as_mut().poll(cx).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    });
    Ok(Progress::wait(first, move |host, memory| settle(host, memory, list, events, out)))
}

fn is_ready(host: &Host, item: &Subscription) -> Result<bool, Errno> {
    Ok(match (host.descriptors.get(item.fd)?, item.kind) {
        (Descriptor::Stdin, FD_READ) => host.stdin.is_ready(),
        (Descriptor::Stdout, FD_WRITE) => host.stdout.is_ready(),
        (Descriptor::Stderr, FD_WRITE) => host.stderr.is_ready(),
        // Files are always ready, and so is what can only fail.
        _ => true,
    })
}
