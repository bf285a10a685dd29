//! What a worker says of a run, made into what may be believed: a worker that a guest has taken over can say anything.
//!
//! It can lie about its own run, since only it knows how that went. It cannot say what only its parent knows, name another
//! limit than there was, put more on record than fits, or move a cursor.

use ambit_core::{Frame, Layer, LimitKey, Outcome, Policy, RejectReason, Rejection, ResultValue, Usage, Violation, escape_again};
use ambit_jail::{
    JailError,
    wire::{FromCompiler, FromWorker, RunEnd},
};

/// The longest line of text.
const LONGEST: usize = 2048;
/// The longest reason for giving up.
const LONGEST_REASON: usize = 512;
/// The longest name: of a version, of a rule, of a step.
const LONGEST_NAME: usize = 64;

/// What a worker says, as far as it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerSays {
    /// It is in its jail, with these layers around it and this version of the engine inside.
    Entered(Vec<Layer>, String),
    /// It could not enter its jail.
    NotEntered(JailError),
    /// The module is loaded.
    Loaded,
    /// The module is refused.
    Refused(Rejection),
    /// A message of `env.log`: one line, as long as it was. How much may come is for whoever counts it.
    Log(String),
    /// The run is over.
    Ended(Box<Believed>),
    /// It gives up.
    Failed(String),
}

/// What a compiler says, as far as it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompilerSays {
    /// It is in its jail.
    Entered,
    /// It could not enter its jail.
    NotEntered(JailError),
    /// The artifact is written.
    Compiled,
    /// The module is refused.
    Refused(Rejection),
    /// It gives up.
    Failed(String),
}

/// What of a run's end is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// How it ended: never as only the control process can know.
    pub outcome: Outcome,
    /// What a function returned.
    pub results: Vec<ResultValue>,
    /// What only the worker counts.
    pub usage: Usage,
    /// What was attempted.
    pub violations: Vec<Violation>,
}

/// What is believed of a worker that runs under `policy`.
pub fn worker(said: FromWorker, policy: &Policy) -> WorkerSays {
    match said {
        FromWorker::Entered { layers, engine_version } => {
            WorkerSays::Entered(each_once(&layers), escape_again(&engine_version, LONGEST_NAME))
        }
        FromWorker::NotEntered(error) => WorkerSays::NotEntered(believe_error(error)),
        FromWorker::Loaded { module: _, refused: None } => WorkerSays::Loaded,
        FromWorker::Loaded { module: _, refused: Some(rejection) } => WorkerSays::Refused(believe_rejection(rejection)),
        FromWorker::Log { run: _, text } => WorkerSays::Log(escape_again(&text, text.len())),
        FromWorker::Ended(end) => WorkerSays::Ended(Box::new(believe(*end, policy))),
        FromWorker::Failed(text) => WorkerSays::Failed(escape_again(&text, LONGEST_REASON)),
    }
}

/// What is believed of a compiler.
pub fn compiler(said: FromCompiler) -> CompilerSays {
    match said {
        FromCompiler::Entered(_) => CompilerSays::Entered,
        FromCompiler::NotEntered(error) => CompilerSays::NotEntered(believe_error(error)),
        FromCompiler::Compiled => CompilerSays::Compiled,
        FromCompiler::Rejected(rejection) => CompilerSays::Refused(believe_rejection(rejection)),
        FromCompiler::Failed(text) => CompilerSays::Failed(escape_again(&text, LONGEST_REASON)),
    }
}

/// Goes through what a worker says of a run's end, field by field.
fn believe(end: RunEnd, policy: &Policy) -> Believed {
    // What is kept of output is for callers that asked for it, and none does here.
    let RunEnd { run: _, outcome, results, usage, violations, stdout: _, stderr: _ } = end;
    Believed {
        outcome: believe_outcome(outcome, policy),
        results,
        usage: believe_usage(usage, policy),
        violations: believe_violations(violations),
    }
}

fn each_once(layers: &[Layer]) -> Vec<Layer> {
    Layer::ALL.iter().copied().filter(|layer| layers.contains(layer)).collect()
}

fn believe_error(JailError { layer, step, errno }: JailError) -> JailError {
    JailError { layer, step: escape_again(&step, LONGEST_REASON), errno: escape_again(&errno, LONGEST_REASON) }
}

fn line(text: &str) -> String {
    escape_again(text, LONGEST)
}

fn believe_outcome(outcome: Outcome, policy: &Policy) -> Outcome {
    match outcome {
        Outcome::Exited { code } => Outcome::Exited { code },
        Outcome::Trapped { trap, message, frames } => {
            let frames = frames.into_iter().map(believe_frame).collect();
            Outcome::Trapped { trap, message: line(&message), frames }
        }
        Outcome::LimitExceeded { limit, allowed: _, used } if is_workers(limit) => {
            // Also where there is none: an engine has ends of its own, and a limit has one that it cannot be raised beyond.
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
fn believe_rejection(Rejection { reason, message }: Rejection) -> Rejection {
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
    let kept = violations.into_iter();
    kept.map(|Violation { rule, attempt, count }| Violation {
        rule: escape_again(&rule, LONGEST_NAME),
        attempt: line(&attempt),
        count,
    })
    .collect()
}
