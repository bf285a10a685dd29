//! The module of a run, for as long as its deadline and its user allow.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Instant,
};

use ambit_admit::AdmitRules;
use ambit_core::{Bound, LimitKey, Outcome, Policy, Rejection};

use ambit_manager::CodeCache;

use super::{
    module_source::{Found, ModuleSource},
    signed::SignatureDemand,
};
use crate::signals::OnSignal;

/// Reads and admits the module, and looks at its signatures, on a thread of its own, until the deadline or a signal: the file may be a pipe that nothing is
/// written to, and a large module takes a second to check.
///
/// # Errors
/// How the run ended before it had a module.
pub(super) fn read_in_time(
    source: ModuleSource,
    signatures: SignatureDemand,
    policy: &Policy,
    began: Instant,
    on_signal: &OnSignal,
    cache: Option<Arc<OnceLock<CodeCache>>>,
) -> Result<Result<Found, Rejection>, Outcome> {
    let rules = AdmitRules::from_policy(policy);
    let (sender, receiver) = mpsc::channel();
    let interrupted = sender.clone();
    on_signal.ends(move || {
        // Nobody may be waiting any more: then the next stage is told.
        let _ = interrupted.send(Err(Outcome::Cancelled { by: "user".into() }));
    });
    let started = thread::Builder::new().name("ambit-read".into()).spawn(move || {
        let read = catch_unwind(AssertUnwindSafe(|| {
            let cache = cache.as_ref().and_then(|cache| cache.get());
            source.read_signed(&rules, cache, &signatures)
        }));
        // Nor here.
        let _ = sender.send(read.map_err(|_| Outcome::Lost { reason: "reading the module panicked".into() }));
    });
    if let Err(error) = started {
        let reason = format!("cannot start a thread to read the module: {error}; `ulimit -u` says how many there may be");
        return Err(Outcome::Lost { reason });
    }
    let Bound::At(allowed) = policy.limits.run.wall_time else {
        return receiver.recv().expect("what a signal does holds a sender");
    };
    let left = allowed.duration().saturating_sub(began.elapsed());
    receiver.recv_timeout(left).unwrap_or_else(|_| {
        Err(Outcome::LimitExceeded {
            limit: LimitKey::WallTime,
            allowed: u64::try_from(allowed.duration().as_nanos()).unwrap_or(u64::MAX),
            used: u64::try_from(began.elapsed().as_nanos()).ok(),
        })
    })
}
