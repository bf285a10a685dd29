//! The list in force for an engine and a use.

use ambit_core::EngineId;

use super::{
    lists,
    rule::{Phase, Rule},
};

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It runs one guest. It maps one artifact and after that no more code: both phases are installed, one on the other.
    Process,
    /// It runs the guests of one tenant, and loads modules all its life: [`Phase::Running`] is installed at once.
    Tenant,
    /// It compiles one module, with threads that it has already: [`Phase::Running`] is installed at once.
    Compiler,
}

/// Which system calls a process may make. Any other kills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyscallPolicy {
    pub(super) rules: Vec<Rule>,
}

impl SyscallPolicy {
    /// The list for `engine`; with `files`, also what the host needs for directories that were granted.
    ///
    /// An engine whose needs nobody has measured gets the list of an interpreter: one that compiles dies when it first wants
    /// executable memory.
    pub fn of(engine: EngineId, use_: Use, files: bool) -> Self {
        let maps_code = match engine {
            EngineId::Wasmtime => true,
            EngineId::Wasmi | EngineId::Wasmer => false,
        };
        let mut parts = vec![lists::BASE, lists::MEMORY, lists::WIRE, lists::DEBUGGING];
        // The memory of one thread that interprets one guest is its heap, which does not grow within anything.
        parts.extend((maps_code || use_ != Use::Process).then_some(lists::GROWING));
        match use_ {
            Use::Process => {
                parts.extend([lists::STREAMS, lists::WAITING, lists::LOADING]);
                parts.extend(maps_code.then_some([lists::COPYING, lists::ARTIFACT, lists::CODE_ONCE]).into_iter().flatten());
            }
            Use::Tenant => {
                parts.extend([lists::THREADS, lists::RUNTIME, lists::COPYING, lists::WAITING]);
                parts.extend(maps_code.then_some([lists::ARTIFACT, lists::CODE_ALWAYS]).into_iter().flatten());
            }
            Use::Compiler => parts.extend([lists::THREADS, lists::COMPILING]),
        }
        // Guests that share a process have none.
        if files && use_ == Use::Process {
            parts.push(lists::FILES);
            // A path is walked from a copy of the directory's descriptor.
            parts.extend((!maps_code).then_some(lists::COPYING));
        }
        Self { rules: parts.concat() }
    }

    /// What is allowed, in no particular order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rules in force during a phase.
    pub(super) fn during(&self, phase: Phase) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.phase >= phase)
    }

    /// The list without some rules. A test takes each out in turn, and expects that something needs it.
    #[must_use]
    pub fn without_rules(mut self, gone: impl Fn(&Rule) -> bool) -> Self {
        self.rules.retain(|rule| !gone(rule));
        self
    }

    /// The list without a call. A test takes each out in turn, and expects that something needs it.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.rules.retain(|rule| rule.name != name);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::seccomp::{never, rule::Condition};

    /// How many calls a list may have.
    const MOST: usize = 50;

    #[test]
    fn lists_are_short_and_whole() {
        for engine in EngineId::ALL {
            for use_ in [Use::Process, Use::Tenant, Use::Compiler] {
                for files in [false, true] {
                    let policy = SyscallPolicy::of(*engine, use_, files);
                    let names: BTreeSet<_> = policy.rules().map(|rule| rule.name).collect();
                    let numbers: BTreeSet<_> = policy.rules().map(|rule| rule.number).collect();
                    assert_eq!(names.len(), numbers.len(), "{engine} {use_:?}");
                    assert!(names.len() <= MOST, "{engine} {use_:?} {files}: {} calls", names.len());
                    for rule in policy.rules() {
                        assert!(!rule.why.is_empty() && !rule.why.ends_with('.'), "{}", rule.name);
                        let harmless = never::why(rule.name).is_none() || rule.when != Condition::Always;
                        assert!(harmless, "{} may never be allowed whatever its arguments", rule.name);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_taken_out_is_gone() {
        let policy = SyscallPolicy::of(EngineId::Wasmtime, Use::Process, false).without("mmap");
        assert!(policy.rules().all(|rule| rule.name != "mmap"));
        assert!(policy.rules().any(|rule| rule.name == "munmap"));
    }

    #[test]
    fn the_second_phase_takes_away_and_adds_nothing() {
        let policy = SyscallPolicy::of(EngineId::Wasmtime, Use::Process, true);
        let first: Vec<_> = policy.during(Phase::Loading).collect();
        assert!(policy.during(Phase::Running).all(|rule| first.contains(&rule)));
        for gone in ["seccomp", "prctl", "memfd_create"] {
            assert!(first.iter().any(|rule| rule.name == gone), "{gone}");
            assert!(policy.during(Phase::Running).all(|rule| rule.name != gone), "{gone}");
        }
    }
}
