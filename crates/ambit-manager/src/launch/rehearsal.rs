//! What a worker that waits does first, so that no run finds it unpractised.
//!
//! The first run in a process is the slow one: it finds every page of the program that it touches not mapped yet, and everything
//! that is made when first needed not made. A module of ours takes that upon itself, along the same way that a guest will take.

use std::{
    io, iter,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use ambit_admit::{AdmitRules, admit};
use ambit_core::{Metering, Outcome, Policy, RejectReason, Rejection};
use ambit_jail::{JailError, wire::ToWorker};

use super::{
    Compiled, Control, Launcher, module_file,
    process::{PATIENCE, Process},
    refused,
    warm::rehearsed,
};

/// A program that writes a line, to nowhere:
///
/// ```wat
#[doc = include_str!("rehearsal.wat")]
/// ```
const PROGRAM: &[u8] = include_bytes!("rehearsal.wasm");

/// The program, compiled for workers that wait for runs under policies like one.
#[derive(Debug)]
pub(super) struct Rehearsal {
    policy: Arc<Policy>,
    module: OwnedFd,
    code: Compiled,
}

impl Rehearsal {
    /// # Errors
    /// The policy does not let the program run, or there is no compiler to be had.
    pub(super) fn compiled(launcher: &Launcher, policy: &Arc<Policy>) -> Result<Self, Rejection> {
        let module = Arc::new(admit(PROGRAM.to_vec(), &AdmitRules::from_policy(policy))?);
        let failed = |why: String| Rejection::new(RejectReason::Overloaded, format!("no rehearsal: {why}"));
        let system = |error: io::Error| failed(error.to_string());
        let code = launcher.compile(&module, policy, Metering::Kernel, &Control::new().map_err(system)?, None);
        let code = code.map_err(|outcome| match outcome {
            Outcome::Rejected(rejection) => rejection,
            other => failed(other.in_a_word()),
        })?;
        Ok(Self { policy: Arc::clone(policy), module: module_file::of(&module).map_err(system)?, code })
    }

    /// Has a worker that is in its jail rehearse; or why it could not.
    ///
    /// # Errors
    /// It is dead.
    pub(super) fn by(&self, worker: Process) -> Result<(Process, Option<Rejection>), Rejection> {
        let rehearse = ToWorker::Rehearse { policy: Box::new((*self.policy).clone()), metering: Metering::Kernel };
        // With a position of its own: each worker reads it.
        let module =
            module_file::reopened(&self.module).map_err(|error| refused(&JailError::other("open a file again", &error)))?;
        // One that takes nothing is dead, which is found out next.
        let files: Vec<_> = iter::once(module.as_fd()).chain(self.code.file()).collect();
        let _ = worker.channel.send(&rehearse, &files, PATIENCE);
        rehearsed(worker)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_program_is_its_text() {
        assert_eq!(super::PROGRAM, wat::parse_str(include_str!("rehearsal.wat")).expect("valid text"));
    }
}
