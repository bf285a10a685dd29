//! What a worker says of a run, made into what may be believed: a worker that a guest has taken over can say anything.
//!
//! It can lie about its own run, since only it knows how that went. It cannot say what only its parent knows, name another
//! limit than there was, put more on record than fits, or move a cursor.

use ambit_admit::{ComponentFunction, Verified};
use ambit_core::{
    ComponentType, ComponentValue, Frame, Isolation, Layer, LimitKey, Outcome, Policy, RejectReason, Rejection, ResultValue, Usage,
    Violation, escape_again,
};
use ambit_jail::{
    JailError,
    wire::{Entry, FromCompiler, FromWorker, RunEnd},
};

/// The longest line of text.
const LONGEST: usize = 2048;
/// The longest reason for giving up.
const LONGEST_REASON: usize = 512;
/// The longest name: of a version, of a rule, of a way to end.
const LONGEST_NAME: usize = 64;

/// What a worker says, as far as it is believed.
#[derive(Debug)]
pub enum WorkerSays {
    /// It is in its jail.
    Entered {
        /// The layers around it.
        layers: Vec<Layer>,
        /// The version of its engine.
        engine_version: String,
    },
    /// It could not enter its jail.
    NotEntered(JailError),
    /// A module is loaded, or refused.
    Loaded {
        /// Which.
        module: u32,
        /// Why not.
        refused: Option<Rejection>,
    },
    /// A message of `env.log`: one line, as long as it was. How much may come is for whoever counts it.
    Log(String),
    /// A run is over.
    Ended(End),
    /// What came of repeated runs.
    Repeated(Repeats),
    /// It gives up.
    Failed(String),
}

/// What a compiler says, as far as it is believed.
#[derive(Debug)]
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

/// The end of some run. What of it is believed takes that run's policy.
#[derive(Debug)]
pub struct End(Box<RunEnd>);

/// What came of some runs that are repeated: likewise.
#[derive(Debug)]
pub struct Repeats {
    /// Of which.
    pub run: u64,
    /// Whether that was the last of it.
    pub over: bool,
    took: Vec<u32>,
    ended: Vec<(String, u64)>,
    failure: Option<Outcome>,
}

/// What of a run's end is believed.
#[derive(Debug)]
pub struct Believed {
    /// How it ended: not as only the control process can know.
    pub outcome: Outcome,
    /// What a core function returned.
    pub results: Vec<ResultValue>,
    /// What a component's function returned.
    pub value: Option<ComponentValue>,
    /// What only the worker counts.
    pub usage: Usage,
    /// What was attempted.
    pub violations: Vec<Violation>,
    /// What was kept of its output.
    pub stdout: Vec<u8>,
    /// The same of its standard error.
    pub stderr: Vec<u8>,
}

/// What is believed of a worker at this level of isolation.
pub fn worker(said: FromWorker, isolation: Isolation) -> WorkerSays {
    match said {
        FromWorker::Entered { layers, engine_version } => WorkerSays::Entered {
            layers: Layer::ALL.iter().copied().filter(|layer| layers.contains(layer)).collect(),
            engine_version: escape_again(&engine_version, LONGEST_NAME),
        },
        FromWorker::NotEntered(error) => WorkerSays::NotEntered(believe_error(error)),
        FromWorker::Loaded { module, refused } => {
            WorkerSays::Loaded { module, refused: refused.map(|rejection| believe_rejection(rejection, isolation)) }
        }
        FromWorker::Log { run: _, text } => WorkerSays::Log(escape_again(&text, text.len())),
        FromWorker::Ended(end) => WorkerSays::Ended(End(end)),
        FromWorker::Repeated { run, took, ended, failure, over } => {
            WorkerSays::Repeated(Repeats { run, over, took, ended, failure })
        }
        FromWorker::Failed(text) => WorkerSays::Failed(escape_again(&text, LONGEST_REASON)),
    }
}

/// What is believed of a compiler.
pub fn compiler(said: FromCompiler) -> CompilerSays {
    match said {
        FromCompiler::Entered(_) => CompilerSays::Entered,
        FromCompiler::NotEntered(error) => CompilerSays::NotEntered(believe_error(error)),
        FromCompiler::Compiled => CompilerSays::Compiled,
        FromCompiler::Rejected(rejection) => CompilerSays::Refused(believe_rejection(rejection, Isolation::Process)),
        FromCompiler::Failed(text) => CompilerSays::Failed(escape_again(&text, LONGEST_REASON)),
    }
}

impl End {
    /// Of which run.
    pub fn run(&self) -> u64 {
        self.0.run
    }

    /// Goes through it field by field. A value is believed if it is of the type that the function `returns`. At isolation `tenant` a worker schedules its guests itself, and so knows of times.
    pub fn believe(self, policy: &Policy, isolation: Isolation, returns: impl FnOnce() -> Option<ComponentType>) -> Believed {
        let RunEnd { run: _, outcome, results, value, usage, violations, mut stdout, mut stderr } = *self.0;
        // The limit is on both together, and the worker keeps it; here it bounds what a worker that does not can have kept.
        let most = usize::try_from(policy.limits.run.output.ceiling()).unwrap_or(usize::MAX);
        stdout.truncate(most);
        stderr.truncate(most);
        let (outcome, value) = match value.map(|bytes| believe_value(&bytes, policy, returns())) {
            None => (believe_outcome(outcome, policy, isolation), None),
            Some(Some(value)) => (believe_outcome(outcome, policy, isolation), Some(value)),
            Some(None) => {
                (Outcome::Lost { reason: "the worker says that the function returned what it cannot return".into() }, None)
            }
        };
        Believed {
            outcome,
            results,
            value,
            usage: believe_usage(usage, policy),
            violations: believe_violations(violations),
            stdout,
            stderr,
        }
    }
}

impl Repeats {
    /// How long each took, how they ended, and the first failure: of runs of which no more than `left` can have ended.
    pub fn believe(self, policy: &Policy, isolation: Isolation, left: u64) -> (Vec<u32>, Vec<(String, u64)>, Option<Outcome>) {
        let Self { run: _, over: _, mut took, ended, failure } = self;
        took.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let most = took.len() as u64;
        let ended = ended.into_iter().map(|(kind, count)| (escape_again(&kind, LONGEST_NAME), count.min(most))).collect();
        (took, ended, failure.map(|outcome| believe_outcome(outcome, policy, isolation)))
    }
}

/// What the function returns that is called, if it is a component's and returns anything.
pub(crate) fn returns(module: &Verified, entry: &Entry) -> Option<ComponentType> {
    match entry {
        Entry::Command => None,
        Entry::Invoke { function, args: _ } => ComponentFunction::find_called(module, function).ok()?.ty().result.clone(),
    }
}

fn believe_value(bytes: &[u8], policy: &Policy, ty: Option<ComponentType>) -> Option<ComponentValue> {
    ComponentValue::unpack(bytes, &ty?, policy.limits.run.host_buffers.ceiling()).ok()
}

fn believe_error(JailError { layer, step, errno }: JailError) -> JailError {
    JailError { layer, step: escape_again(&step, LONGEST_REASON), errno: escape_again(&errno, LONGEST_REASON) }
}

fn line(text: &str) -> String {
    escape_again(text, LONGEST)
}

fn believe_outcome(outcome: Outcome, policy: &Policy, isolation: Isolation) -> Outcome {
    match outcome {
        Outcome::Exited { code } => Outcome::Exited { code },
        Outcome::Trapped { trap, message, frames } => {
            let frames = frames.into_iter().map(believe_frame).collect();
            Outcome::Trapped { trap, message: line(&message), frames }
        }
        Outcome::LimitExceeded { limit, allowed: _, used } if is_workers(limit, isolation) && is_set(limit, policy) => {
            // Also where there is none: an engine has ends of its own, and some limits have one beyond which none is raised.
            Outcome::LimitExceeded { limit, allowed: policy.limits.run.get(limit).ceiling(), used }
        }
        Outcome::Rejected(rejection) => Outcome::Rejected(believe_rejection(rejection, isolation)),
        Outcome::Lost { reason } => Outcome::Lost { reason: line(&reason) },
        Outcome::Cancelled { by } if isolation == Isolation::Tenant => Outcome::Cancelled { by: escape_again(&by, 128) },
        Outcome::LimitExceeded { .. } | Outcome::Cancelled { .. } | Outcome::Killed { .. } => {
            Outcome::Lost { reason: "the worker says what only the control process can know".into() }
        }
    }
}

/// What a worker says of why it refused something.
fn believe_rejection(Rejection { reason, message }: Rejection, isolation: Isolation) -> Rejection {
    let known = match reason {
        RejectReason::InvalidModule
        | RejectReason::UnsupportedFeature
        | RejectReason::ImportDenied
        | RejectReason::Unenforceable
        | RejectReason::Policy
        | RejectReason::NotFound => true,
        // Where guests share it. Whoever hears this tries again: a worker of one run would have its guest tried for ever.
        RejectReason::Overloaded => isolation == Isolation::Tenant,
        // Signatures, quarantines and a compiler's time are not the worker's to say.
        RejectReason::Signature | RejectReason::Quarantined | RejectReason::CompileBudget => false,
    };
    Rejection::new(if known { reason } else { RejectReason::Policy }, line(&message))
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
    let kept = violations.into_iter();
    kept.map(|Violation { rule, attempt, count }| Violation {
        rule: escape_again(&rule, LONGEST_NAME),
        attempt: line(&attempt),
        count,
    })
    .collect()
}
