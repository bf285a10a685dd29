//! An operator's own changes to a list.

use ambit_core::{UnknownName, escape};
use serde::{Deserialize, Serialize};

use super::{
    lists::{self, List},
    never,
    offered::OFFERED,
    policy::SyscallPolicy,
    rule::Rule,
};

/// System calls to allow or deny beyond what a list says, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ExtraSyscalls {
    /// Calls to allow. One that the list allows for some arguments only stays what it is.
    pub allow: Vec<String>,
    /// Calls to deny, even if the engine needs them: it dies then when it makes them. `fcntl(F_ADD_SEALS)` denies one of the
    /// ways in which lists allow a call, in the words of their [table](super::table). Denying wins over allowing.
    pub deny: Vec<String>,
}

/// A name that cannot be allowed or denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownSyscall {
    /// No call that could be allowed has this name; the error names the nearest.
    #[error(transparent)]
    Unknown(UnknownName),
    /// There is such a call, and a jail with it would be none.
    #[error("system call `{name}` can never be allowed: {why}")]
    Never {
        /// Its name.
        name: String,
        /// What it could do.
        why: &'static str,
    },
    /// There is such a call, and no list allows it in such a way.
    #[error("no list has the system call `{name}` with `{way}`; those that lists have are in docs/jail.md")]
    NoSuchWay {
        /// Its name.
        name: String,
        /// What was said of its arguments.
        way: String,
    },
}

/// Everything that can be added, in the order in which a rule is looked for.
const ADDABLE: &[List] = &[
    OFFERED,
    lists::BASE,
    lists::THREADS,
    lists::RUNTIME,
    lists::COMPILING,
    lists::MEMORY,
    lists::GROWING,
    lists::WIRE,
    lists::STREAMS,
    lists::WAITING,
    lists::FILES,
];

impl SyscallPolicy {
    /// The list with an operator's changes.
    ///
    /// # Errors
    /// [`UnknownSyscall`] for the first name that is none, or that can never be allowed.
    pub fn with(mut self, extra: &ExtraSyscalls) -> Result<Self, UnknownSyscall> {
        let ExtraSyscalls { allow, deny } = extra;
        for name in allow {
            if let Some(why) = never::why(name) {
                return Err(UnknownSyscall::Never { name: escape(name, 64), why });
            }
            if self.rules.iter().any(|rule| rule.name == name) {
                continue;
            }
            let found: Vec<Rule> = addable().filter(|rule| rule.name == name).copied().collect();
            if found.is_empty() {
                return Err(UnknownSyscall::Unknown(UnknownName::new("system call", name, addable().map(|rule| rule.name))));
            }
            self.rules.extend(found);
        }
        for denied in deny {
            let (name, way) = name_and_way(denied);
            let known = || addable().chain(lists::all()).map(|rule| rule.name).chain(never::names());
            if !known().any(|other| other == name) {
                return Err(UnknownSyscall::Unknown(UnknownName::new("system call", name, known())));
            }
            let Some(way) = way else {
                self = self.without(name);
                continue;
            };
            // Of any list: one configuration serves several.
            if !lists::all().any(|rule| rule.name == name && rule.when.to_string() == way) {
                return Err(UnknownSyscall::NoSuchWay { name: escape(name, 64), way: escape(way, 256) });
            }
            self = self.without_rules(|rule| rule.name == name && rule.when.to_string() == way);
        }
        Ok(self)
    }
}

/// `fcntl` and `F_ADD_SEALS` of `fcntl(F_ADD_SEALS)`; a name alone is every way.
fn name_and_way(denied: &str) -> (&str, Option<&str>) {
    match denied.strip_suffix(')').and_then(|denied| denied.split_once('(')) {
        Some((name, way)) => (name, Some(way)),
        None => (denied, None),
    }
}

fn addable() -> impl Iterator<Item = &'static Rule> {
    ADDABLE.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use ambit_core::EngineId;

    use super::*;
    use crate::seccomp::Use;

    fn with(allow: &[&str], deny: &[&str]) -> Result<SyscallPolicy, String> {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let extra = ExtraSyscalls { allow: owned(allow), deny: owned(deny) };
        SyscallPolicy::of(EngineId::Wasmtime, Use::Process, false).with(&extra).map_err(|error| error.to_string())
    }

    #[test]
    fn calls_are_added_and_taken_away() {
        let check = |allow: &[&str], deny: &[&str], name: &str, expect: bool| {
            let policy = with(allow, deny).expect("known names");
            assert_eq!(policy.rules().any(|rule| rule.name == name), expect, "{allow:?} {deny:?} {name}");
        };
        check(&[], &[], "uname", false);
        check(&["uname"], &[], "uname", true);
        check(&["uname"], &["uname"], "uname", false);
        check(&["lseek"], &[], "lseek", true);
        check(&[], &["sendmsg"], "sendmsg", false);
        check(&[], &["ptrace"], "ptrace", false);
    }

    #[test]
    fn an_allowed_call_keeps_its_arguments() {
        let policy = SyscallPolicy::of(EngineId::Wasmtime, Use::Process, false);
        for name in ["mmap", "futex", "tgkill", "fcntl"] {
            assert_eq!(with(&[name], &[]).as_ref(), Ok(&policy), "{name}");
        }
    }

    #[test]
    fn one_way_is_taken_away_and_the_others_stay() {
        let ways = |deny: &[&str]| -> Vec<String> {
            let policy = with(&[], deny).expect("known ways");
            policy.rules().filter(|rule| rule.name == "fcntl").map(|rule| rule.when.to_string()).collect()
        };
        assert!(ways(&[]).contains(&"F_ADD_SEALS".into()));
        let left = ways(&["fcntl(F_ADD_SEALS)"]);
        assert!(!left.contains(&"F_ADD_SEALS".into()) && left.contains(&"F_DUPFD_CLOEXEC".into()), "{left:?}");
        assert_eq!(ways(&["fcntl(F_ADD_SEALS)", "fcntl"]), [""; 0]);
        assert!(with(&[], &["close()"]).expect("the way without arguments").rules().all(|rule| rule.name != "close"));
        // No way of this list, but of another's.
        assert_eq!(with(&[], &["openat(O_RDONLY, O_CLOEXEC)"]), with(&[], &[]));
        // Each can be named.
        for rule in lists::all() {
            assert!(with(&[], &[&format!("{}({})", rule.name, rule.when)]).is_ok(), "{} {}", rule.name, rule.when);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |allow: &[&str], deny: &[&str], expect: &str| {
            let error = with(allow, deny).expect_err("no such call, or never");
            assert!(error.starts_with(expect), "{error}");
        };
        check(&["unamee"], &[], "there is no system call `unamee`; did you mean `uname`?");
        check(&[], &["ptrac"], "there is no system call `ptrac`; did you mean `ptrace`?");
        check(&[], &["ptrac(x)"], "there is no system call `ptrac`; did you mean `ptrace`?");
        check(&[], &["futex(FUTEX_REQUEUE)"], "no list has the system call `futex` with `FUTEX_REQUEUE`");
        check(&["ptrace"], &[], "system call `ptrace` can never be allowed: it reads or takes over other processes");
        for name in never::names() {
            check(&[name], &[], &format!("system call `{name}` can never be allowed: "));
        }
        for name in addable().map(|rule| rule.name) {
            assert!(never::why(name).is_none(), "{name} is offered and can never be allowed");
        }
    }
}
