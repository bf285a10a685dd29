//! What a worker says of a run, made into what may be believed: a worker that a guest has taken over can say anything.
//!
//! It can lie about its own run, since only it knows how that went. It cannot say what only its parent knows, name another
//! limit than there was, put more on record than fits, or move a cursor.

use ambit_core::{
    Frame, Isolation, LimitKey, Outcome, Policy, RejectReason, Rejection, ResultValue, Usage, Violation, escape_again,
};
use ambit_jail::wire::RunEnd;

/// The most frames of a trace, as the engine has it too.
const MOST_FRAMES: usize = 64;
/// The most results of a function.
const MOST_RESULTS: usize = 1000;
/// The longest line of text.
const LONGEST: usize = 2048;

/// What of a run's end is believed.
#[derive(Debug)]
pub(crate) struct Believed {
    pub(crate) outcome: Outcome,
    pub(crate) results: Vec<ResultValue>,
    pub(crate) usage: Usage,
    pub(crate) violations: Vec<Violation>,
    /// What was kept of its output.
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Goes through what a worker says field by field. At isolation `tenant` it schedules its guests itself, and so knows of times.
pub(crate) fn believe(end: RunEnd, policy: &Policy, isolation: Isolation) -> Believed {
    let RunEnd { run: _, outcome, mut results, usage, violations, mut stdout, mut stderr } = end;
    results.truncate(MOST_RESULTS);
    // The limit is on both together, and the worker keeps it; here it bounds what a worker that does not can have kept.
    let most = usize::try_from(policy.limits.run.output.ceiling()).unwrap_or(usize::MAX);
    stdout.truncate(most);
    stderr.truncate(most);
    Believed {
        outcome: believe_outcome(outcome, policy, isolation),
        results,
        usage: believe_usage(usage, policy),
        violations: believe_violations(violations),
        stdout,
        stderr,
    }
}

fn line(text: &str) -> String {
    escape_again(text, LONGEST)
}

fn believe_outcome(outcome: Outcome, policy: &Policy, isolation: Isolation) -> Outcome {
    match outcome {
        Outcome::Exited { code } => Outcome::Exited { code },
        Outcome::Trapped { trap, message, frames } => {
            let frames = frames.into_iter().take(MOST_FRAMES).map(believe_frame).collect();
            Outcome::Trapped { trap, message: line(&message), frames }
        }
        Outcome::LimitExceeded { limit, allowed: _, used } if is_workers(limit, isolation) && is_set(limit, policy) => {
            Outcome::LimitExceeded { limit, allowed: policy.limits.run.get(limit).ceiling(), used }
        }
        Outcome::Rejected(rejection) => Outcome::Rejected(believe_rejection(rejection)),
        Outcome::Lost { reason } => Outcome::Lost { reason: line(&reason) },
        Outcome::Cancelled { by } if isolation == Isolation::Tenant => Outcome::Cancelled { by: escape_again(&by, 128) },
        Outcome::LimitExceeded { .. } | Outcome::Cancelled { .. } | Outcome::Killed { .. } => {
            Outcome::Lost { reason: "the worker says what only the control process can know".into() }
        }
    }
}

/// What a worker says of why it refused something.
pub(crate) fn believe_rejection(Rejection { reason, message }: Rejection) -> Rejection {
    match reason {
        RejectReason::InvalidModule
        | RejectReason::UnsupportedFeature
        | RejectReason::ImportDenied
        | RejectReason::Unenforceable
        | RejectReason::Policy
        | RejectReason::NotFound
        | RejectReason::Overloaded => Rejection::new(reason, line(&message)),
        // Signatures, quarantines and a compiler's time are not the worker's to say.
        RejectReason::Signature | RejectReason::Quarantined | RejectReason::CompileBudget => {
            Rejection::new(RejectReason::Policy, line(&message))
        }
    }
}

/// Whether there is such a limit, so that something can go beyond it.
fn is_set(limit: LimitKey, policy: &Policy) -> bool {
    policy.limits.run.get(limit).finite().is_some()
}

/// Whether a limit is one that a worker enforces itself.
fn is_workers(limit: LimitKey, isolation: Isolation) -> bool {
    match limit {
        LimitKey::Memory
        | LimitKey::TableElements
        | LimitKey::Tables
        | LimitKey::Memories
        | LimitKey::Instances
        | LimitKey::Handles
        | LimitKey::ResourceTable
        | LimitKey::HostBuffers
        | LimitKey::Stack
        | LimitKey::Fuel
        | LimitKey::Output
        | LimitKey::LogBytes
        | LimitKey::LogRate
        | LimitKey::Disk
        | LimitKey::FileSize
        | LimitKey::Files
        | LimitKey::OpenFiles => true,
        LimitKey::CpuTime | LimitKey::WallTime => isolation == Isolation::Tenant,
        LimitKey::Cpus
        | LimitKey::Connections
        | LimitKey::NetBytes
        | LimitKey::ModuleSize
        | LimitKey::CompileTime
        | LimitKey::CompileMemory => false,
    }
}

fn believe_frame(Frame { function, module, offset, source }: Frame) -> Frame {
    Frame {
        function: line(&function),
        module: module.map(|module| line(&module)),
        offset,
        source: source.map(|source| line(&source)),
    }
}

/// Times are the control process's to say; what is left is what only the worker counts.
fn believe_usage(usage: Usage, policy: &Policy) -> Usage {
    let Usage {
        wall_ns: _,
        cpu_ns,
        fuel,
        peak_memory_bytes,
        output_bytes,
        disk_bytes,
        files_created,
        host_calls,
        compile_ns: _,
        instantiate_ns,
        queue_ns: _,
    } = usage;
    let metered = policy.limits.run.fuel.finite().is_some();
    Usage {
        cpu_ns,
        fuel: fuel.filter(|_| metered),
        peak_memory_bytes,
        output_bytes,
        disk_bytes,
        files_created,
        host_calls,
        instantiate_ns,
        ..Usage::default()
    }
}

fn believe_violations(violations: Vec<Violation>) -> Vec<Violation> {
    let kept = violations.into_iter().take(Violation::MAX_KEPT);
    kept.map(|Violation { rule, attempt, count }| Violation { rule: escape_again(&rule, 64), attempt: line(&attempt), count })
        .collect()
}
