//! What a worker says of a run, made into what may be believed: a worker that a guest has taken over can say anything.
//!
//! It can lie about its own run, since only it knows how that went. It cannot say what only its parent knows, name another
//! limit than there was, put more on record than fits, or move a cursor.

use ambit_core::{Frame, LimitKey, Outcome, Policy, RejectReason, Rejection, ResultValue, Usage, Violation, escape_again};
use ambit_jail::wire::RunEnd;

/// The most frames of a trace, as the engine has it too.
const MOST_FRAMES: usize = 64;
/// The most results of a function.
const MOST_RESULTS: usize = 1000;
/// The longest line of text.
const LONGEST: usize = 2048;

/// What of a run's end is believed.
#[derive(Debug)]
pub(super) struct Believed {
    pub(super) outcome: Outcome,
    pub(super) results: Vec<ResultValue>,
    pub(super) usage: Usage,
    pub(super) violations: Vec<Violation>,
}

/// Goes through what a worker says field by field.
pub(super) fn believe(end: RunEnd, policy: &Policy) -> Believed {
    // What is kept of output is for callers that asked for it, and none does here.
    let RunEnd { run: _, outcome, mut results, usage, violations, stdout: _, stderr: _ } = end;
    results.truncate(MOST_RESULTS);
    Believed {
        outcome: believe_outcome(outcome, policy),
        results,
        usage: believe_usage(usage, policy),
        violations: believe_violations(violations),
    }
}

fn line(text: &str) -> String {
    escape_again(text, LONGEST)
}

fn believe_outcome(outcome: Outcome, policy: &Policy) -> Outcome {
    match outcome {
        Outcome::Exited { code } => Outcome::Exited { code },
        Outcome::Trapped { trap, message, frames } => {
            let frames = frames.into_iter().take(MOST_FRAMES).map(believe_frame).collect();
            Outcome::Trapped { trap, message: line(&message), frames }
        }
        Outcome::LimitExceeded { limit, allowed: _, used } if is_workers(limit) => {
            Outcome::LimitExceeded { limit, allowed: policy.limits.run.get(limit).ceiling(), used }
        }
        Outcome::Rejected(rejection) => Outcome::Rejected(believe_rejection(rejection)),
        Outcome::Lost { reason } => Outcome::Lost { reason: line(&reason) },
        Outcome::LimitExceeded { .. } | Outcome::Cancelled { .. } | Outcome::Killed { .. } => {
            Outcome::Lost { reason: "the worker says what only the control process can know".into() }
        }
    }
}

/// What a worker says of why it refused something.
pub(super) fn believe_rejection(Rejection { reason, message }: Rejection) -> Rejection {
    match reason {
        RejectReason::InvalidModule
        | RejectReason::UnsupportedFeature
        | RejectReason::ImportDenied
        | RejectReason::Unenforceable
        | RejectReason::Policy
        | RejectReason::NotFound => Rejection::new(reason, line(&message)),
        // Whether there is room, a signature, a quarantine, or time left for a compiler is not the worker's to say.
        RejectReason::Signature | RejectReason::Quarantined | RejectReason::CompileBudget | RejectReason::Overloaded => {
            Rejection::new(RejectReason::Policy, line(&message))
        }
    }
}

/// Whether a limit is one that a worker enforces itself.
fn is_workers(limit: LimitKey) -> bool {
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
        LimitKey::CpuTime
        | LimitKey::WallTime
        | LimitKey::Cpus
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
