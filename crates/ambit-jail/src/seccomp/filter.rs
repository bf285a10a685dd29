//! From a list to a filter that the kernel runs.

use std::{collections::BTreeMap, io, process};

use ambit_core::Layer;
use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

use super::{
    policy::SyscallPolicy,
    rule::{Arg, Condition, Phase, Rule, Test, Width},
};
use crate::JailError;

impl SyscallPolicy {
    /// Puts the list in force for every thread of this process, for good. Sets `no_new_privs` too, without which an
    /// unprivileged process may not.
    ///
    /// Every other thread must have begun its work: one that is still being started makes calls that no list has.
    ///
    /// A filter stacks on those that are there, and only takes away: [`Phase::Running`] is installed on
    /// [`Phase::Loading`], which allows that, and the last one allows no more.
    ///
    /// # Errors
    /// The kernel refuses, or has no seccomp; a thread cannot be given the filter because it has one of its own. Nothing is
    /// in force then.
    pub fn install(&self, phase: Phase) -> Result<(), JailError> {
        let step = "put the list of allowed system calls in force";
        let failed = |error: seccompiler::Error| match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => JailError::new(Layer::Seccomp, step, &error),
            other => JailError::new(Layer::Seccomp, step, &io::Error::other(other)),
        };
        // rustix asks the kernel for the size of a page and where the clocks are when that is first needed, by a call that no
        // list has. From here on it knows.
        rustix::param::page_size();
        let program = self.program(phase).map_err(|error| failed(error.into()))?;
        seccompiler::apply_filter_all_threads(&program).map_err(failed)
    }

    /// The filter. Calls of another architecture are killed by the code that seccompiler begins it with; those of x32 have
    /// this architecture but a number with bit 30 set, which is no number of ours.
    fn program(&self, phase: Phase) -> Result<BpfProgram, seccompiler::BackendError> {
        let mut calls: BTreeMap<i64, Vec<&Rule>> = BTreeMap::new();
        for rule in self.during(phase) {
            calls.entry(rule.number).or_default().push(rule);
        }
        let chains = calls.into_iter().map(|(number, rules)| Ok((number, chain(&rules)?)));
        let chains = chains.collect::<Result<_, seccompiler::BackendError>>()?;
        let arch = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(chains, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()
    }
}

/// Lets every `mremap` fail from here on, for good and on every thread: where the kernel cannot
/// [seal the stack](crate::sys::seal_stack), moving it is how memory is hidden from limits. The allocator copies instead.
pub(crate) fn remapping_fails() -> Result<(), JailError> {
    let failed = |error: io::Error| JailError::new(Layer::Seccomp, "let memory be enlarged only by copying", &error);
    let calls = BTreeMap::from([(libc::SYS_mremap, Vec::new())]);
    let errno = SeccompAction::Errno(libc::ENOMEM.cast_unsigned());
    let program = std::env::consts::ARCH
        .try_into()
        .and_then(|arch| SeccompFilter::new(calls, SeccompAction::Allow, errno, arch))
        .and_then(BpfProgram::try_from)
        .map_err(|error| failed(io::Error::other(error)))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| match error {
        seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => failed(error),
        other => failed(io::Error::other(other)),
    })
}

/// What seccompiler calls a chain: the call is allowed if one of these matches, and always if there are none.
fn chain(rules: &[&Rule]) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let mut chain = Vec::new();
    for rule in rules {
        match rule.when {
            Condition::Always => return Ok(Vec::new()),
            Condition::Args(args) => {
                chain.push(SeccompRule::new(args.iter().map(condition).collect::<Result<_, _>>()?)?);
            }
        }
    }
    Ok(chain)
}

fn condition(arg: &Arg) -> Result<SeccompCondition, seccompiler::BackendError> {
    let width = match arg.width {
        Width::Int => SeccompCmpArgLen::Dword,
        Width::Long => SeccompCmpArgLen::Qword,
    };
    let (operator, value) = match arg.test {
        Test::Is(value) => (SeccompCmpOp::Eq, value),
        Test::Within(bits) => (SeccompCmpOp::MaskedEq(!bits), 0),
        Test::Masked { mask, value } => (SeccompCmpOp::MaskedEq(mask), value),
        Test::OwnProcess => (SeccompCmpOp::Eq, process::id().into()),
    };
    SeccompCondition::new(arg.index, width, operator, value)
}

#[cfg(test)]
mod tests {
    use ambit_core::EngineId;

    use super::*;
    use crate::seccomp::Use;

    #[test]
    fn every_list_becomes_a_filter() {
        for engine in EngineId::ALL {
            for use_ in [Use::Process, Use::Tenant, Use::Compiler] {
                for phase in [Phase::Loading, Phase::Running] {
                    let program = SyscallPolicy::of(*engine, use_, true).program(phase).expect("a filter");
                    // The kernel takes 4096 instructions, and walks through them at every call.
                    assert!(program.len() < 500, "{engine} {use_:?}: {} instructions", program.len());
                }
            }
        }
    }
}
