//! How a process's end becomes an outcome, where it has not said one itself.
//!
//! | the worker's end | outcome |
//! |---|---|
//! | our signal at the deadline | limit-exceeded{wall-time} |
//! | our signal once its CPU clock was over | limit-exceeded{cpu-time} |
//! | our signal since somebody wanted it | cancelled |
//! | the kernel had no memory left for its group | limit-exceeded{memory} |
//! | it could not get memory, and says so | limit-exceeded{memory}; rejected{compile-budget} while it translates |
//! | SIGSYS | killed{SIGSYS}, and a violation `syscall` |
//! | any other signal, or an exit | lost |

use ambit_core::{LimitKey, Outcome, Policy, RejectReason, Rejection, Violation};
use ambit_jail::{End, Exit};

/// What a runtime or an engine says when it cannot get memory, before it aborts.
const NO_MEMORY: [&str; 2] = ["memory allocation of ", "out of memory"];
const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
const SIGSYS: i32 = 31;

/// What is known of a process that ended without having been told to.
#[derive(Debug)]
pub(crate) struct Death {
    pub(super) exit: Option<Exit>,
    /// Whether the kernel ended it, or something in its group, for want of memory.
    pub(super) out_of_memory: bool,
    /// What it said at the last, over its socket or on its standard error.
    pub(super) words: Option<String>,
}

impl Death {
    fn wanted_memory(&self) -> bool {
        let said = self.words.as_ref().is_some_and(|words| NO_MEMORY.iter().any(|no_memory| words.contains(no_memory)));
        // It is the first process of its namespace, which cannot be aborted: where the signal does nothing, what follows it in
        // abort() ends it.
        let aborted = self.exit.is_some_and(|exit| matches!(exit.end, End::Signal(SIGABRT | SIGSEGV | SIGILL | SIGTRAP)));
        self.out_of_memory || (said && aborted)
    }

    /// In words.
    pub(crate) fn describe(&self, who: &str) -> String {
        let how = match self.exit.map(|exit| exit.end) {
            Some(End::Signal(signal)) => format!("was ended by {}", signal_name(signal)),
            Some(End::Code(code)) => format!("ended with code {code}"),
            None => "is gone".into(),
        };
        let why = if self.out_of_memory { ", since its control group had no memory left" } else { "" };
        let words = self.words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
        format!("the {who} {how}{why}{words}")
    }

    /// The outcome of a run whose worker ended so. With `denies_more` it may have made a call that it needs and somebody has denied.
    pub(super) fn of_worker(&self, policy: &Policy, denies_more: bool) -> (Outcome, Vec<Violation>) {
        let mut violations = Vec::new();
        let outcome = match self.exit.map(|exit| exit.end) {
            _ if self.wanted_memory() => {
                Outcome::LimitExceeded { limit: LimitKey::Memory, allowed: policy.limits.run.memory.ceiling(), used: None }
            }
            Some(End::Signal(SIGSYS)) => {
                let attempt = || match denies_more {
                    true => {
                        "a system call that is not on its list, from which --deny-syscall has taken some that guests need".into()
                    }
                    false => "a system call that no guest needs; what made it was not WebAssembly any more".into(),
                };
                Violation::record(&mut violations, "syscall", attempt);
                Outcome::Killed { signal: signal_name(SIGSYS) }
            }
            _ => Outcome::Lost { reason: self.describe("worker") },
        };
        (outcome, violations)
    }

    /// The outcome of a run whose worker ended so while it made its module ready itself: nothing of it has run.
    pub(super) fn of_translator(&self, policy: &Policy, denies_more: bool) -> (Outcome, Vec<Violation>) {
        if self.wanted_memory() {
            let allowed = policy.limits.run.memory;
            let message = format!(
                "to translate the module takes more memory than a process has whose guest may have {allowed}; raise it with --limit \
                 memory=SIZE, or have it compiled with --engine wasmtime"
            );
            return (Outcome::Rejected(Rejection::new(RejectReason::CompileBudget, message)), Vec::new());
        }
        self.of_worker(policy, denies_more)
    }

    /// The outcome of a run whose compiler ended so: nothing of it has run.
    pub(super) fn of_compiler(&self, policy: &Policy) -> Outcome {
        if self.wanted_memory() {
            let allowed = policy.limits.run.compile_memory;
            let message = format!(
                "the compiler needs more memory than the limit `compile-memory`, {allowed}; raise it with --limit compile-memory=SIZE"
            );
            return Outcome::Rejected(Rejection::new(RejectReason::CompileBudget, message));
        }
        Outcome::Lost { reason: self.describe("compiler") }
    }
}

/// A signal's name.
fn signal_name(signal: i32) -> String {
    const NAMES: [(i32, &str); 16] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
        (24, "SIGXCPU"),
        (25, "SIGXFSZ"),
        (31, "SIGSYS"),
    ];
    NAMES.iter().find(|(number, _)| *number == signal).map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}
