//! How a run ended.

use serde::{Deserialize, Serialize};

use crate::{
    few::few,
    ids::names,
    limits::LimitKey,
    trap::{Frame, TrapKind},
};

/// How a run ended: exactly one of these for every run, also for one that never started or whose process died.
///
/// ```text
///             ┌ Rejected                      nothing ran
/// requested ──┤             ┌ Exited          it ended of itself
///             └ running ────┤ Trapped         its code failed
///                           ├ LimitExceeded   a limit ended it
///                           ├ Cancelled       a person or program ended it
///                           ├ Killed          a signal ended its process
///                           └ Lost            we failed, not the guest
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// The guest ended of itself. A call that returned is code 0, with its results in the report.
    Exited {
        /// The guest's own exit code, all 32 bits of it.
        code: i32,
    },
    /// The guest's code trapped.
    Trapped {
        /// The kind of trap.
        trap: TrapKind,
        /// What the engine says of it; escaped and capped.
        message: String,
        /// The guest's stack, innermost frame first.
        #[serde(deserialize_with = "few::<_, _, { Frame::MAX_KEPT }>")]
        frames: Vec<Frame>,
    },
    /// A limit ended the run, or it failed after a limit had refused it something.
    LimitExceeded {
        /// Which limit.
        limit: LimitKey,
        /// The limit, in base units (bytes, nanoseconds or a count).
        allowed: u64,
        /// What was used or asked for when it ended, where that is known.
        used: Option<u64>,
    },
    /// Nothing ran.
    Rejected(Rejection),
    /// Somebody ended the run.
    Cancelled {
        /// Who: `user`, `shutdown`, or an operator's name; escaped and capped.
        by: String,
    },
    /// A signal ended the guest's process, and no limit explains it.
    Killed {
        /// The signal's name, such as `SIGSYS`.
        signal: String,
    },
    /// The run was lost by a failure of ours: the host panicked, or the worker died.
    Lost {
        /// What happened; escaped and capped.
        reason: String,
    },
}

/// Why a module or a request was refused before anything ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// The class of reason, stable for programs.
    pub reason: RejectReason,
    /// What exactly, with the item, the value found and the remedy; names from the module are escaped and capped.
    pub message: String,
}

names! {
    /// The class of a rejection.
    RejectReason, "reason for rejection";
    /// The bytes are no valid module, or break a static limit.
    InvalidModule = "invalid-module",
    /// The module needs a WebAssembly feature that the policy does not allow.
    UnsupportedFeature = "unsupported-feature",
    /// The module imports something unknown, not allowed, or of another type.
    ImportDenied = "import-denied",
    /// A limit, grant or isolation level was asked for that nothing here can enforce.
    Unenforceable = "unenforceable",
    /// The request goes beyond the policy's ceilings, or contradicts itself.
    Policy = "policy",
    /// A required signature is missing or wrong.
    Signature = "signature",
    /// The module is quarantined.
    Quarantined = "quarantined",
    /// The compiler used up its time or memory.
    CompileBudget = "compile-budget",
    /// There is no room now, and none was made in time: worth another try later.
    Overloaded = "overloaded",
    /// The module, export or entry point does not exist.
    NotFound = "not-found",
}

impl Rejection {
    /// A rejection for `reason`.
    pub fn new(reason: RejectReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Rejection {}

impl Outcome {
    /// The outcome's kind, as it stands in reports.
    pub const fn kind(&self) -> &'static str {
        match self {
            Outcome::Exited { .. } => "exited",
            Outcome::Trapped { .. } => "trapped",
            Outcome::LimitExceeded { .. } => "limit-exceeded",
            Outcome::Rejected(_) => "rejected",
            Outcome::Cancelled { .. } => "cancelled",
            Outcome::Killed { .. } => "killed",
            Outcome::Lost { .. } => "lost",
        }
    }

    /// What it is in a word or two, for counting.
    pub fn in_a_word(&self) -> String {
        match self {
            Outcome::Exited { code } => format!("exited with {code}"),
            Outcome::Trapped { trap, .. } => format!("trapped: {trap}"),
            Outcome::LimitExceeded { limit, .. } => format!("limit exceeded: {limit}"),
            Outcome::Rejected(rejection) => format!("rejected: {}", rejection.reason),
            Outcome::Cancelled { .. } | Outcome::Killed { .. } | Outcome::Lost { .. } => self.kind().into(),
        }
    }

    /// Whether the guest ended of itself with code 0.
    pub const fn is_success(&self) -> bool {
        matches!(self, Outcome::Exited { code: 0 })
    }

    /// The exit status of `ambit run` for this outcome.
    ///
    /// | status | outcome |
    /// |---|---|
    /// | the guest's own, or 255 if that is outside 0..=255 | exited |
    /// | 124 | limit-exceeded: wall-time or cpu-time |
    /// | 123 | limit-exceeded: any other |
    /// | 134 | trapped |
    /// | 126 | rejected |
    /// | 130 | cancelled |
    /// | 137 | killed |
    /// | 125 | lost, and any failure of Ambit's own |
    pub fn exit_status(&self) -> u8 {
        match self {
            Outcome::Exited { code } => u8::try_from(*code).unwrap_or(255),
            Outcome::LimitExceeded { limit: LimitKey::WallTime | LimitKey::CpuTime, .. } => 124,
            Outcome::LimitExceeded { .. } => 123,
            Outcome::Trapped { .. } => 134,
            Outcome::Rejected(_) => 126,
            Outcome::Cancelled { .. } => 130,
            Outcome::Killed { .. } => 137,
            Outcome::Lost { .. } => 125,
        }
    }
}
