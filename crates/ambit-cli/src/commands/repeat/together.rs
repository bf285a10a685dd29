//! Threads that work on the same.

use std::thread;

use ambit_core::{RejectReason, Rejection};

/// Runs `one` on `count` threads, each with its number, and waits for all: why one of them did not do its share, if that is so. Where
/// not all threads can be had, those that there are are told to `stop`.
pub(super) fn together(count: u64, stop: impl FnOnce(), one: impl Fn(u64) -> Result<(), Rejection> + Sync) -> Option<Rejection> {
    thread::scope(|scope| {
        let one = &one;
        let mut threads = Vec::new();
        let mut refused = None;
        for number in 0..count {
            match thread::Builder::new().spawn_scoped(scope, move || one(number)) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    let message = format!("only {number} of {count} threads can be had: {error}; try a lower --concurrency");
                    refused = Some(Rejection::new(RejectReason::Overloaded, message));
                    stop();
                    break;
                }
            }
        }
        let ended: Vec<Option<Rejection>> = threads.into_iter().map(|thread| thread.join().expect("no panic").err()).collect();
        refused.or_else(|| ended.into_iter().flatten().next())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    #[test]
    fn all_work_and_the_first_refusal_is_told() {
        let sum = AtomicU64::new(0);
        let refused = together(
            4,
            || panic!("there are four threads"),
            |number| {
                sum.fetch_add(number, Relaxed);
                if number == 2 { Err(Rejection::new(RejectReason::Policy, "two")) } else { Ok(()) }
            },
        );
        assert_eq!((sum.load(Relaxed), refused.map(|rejection| rejection.message)), (6, Some("two".into())));
    }
}
