//! Machine code from a file.
#![expect(unsafe_code, reason = "an artifact is machine code: loading it is trusting it")]

use std::{fs::File, os::fd::OwnedFd};

use ambit_admit::Verified;
use ambit_core::Rejection;
use ambit_engine::{Artifact, CodeFile, Engine, Settings};

/// What `file` holds, as an artifact of `module`.
///
/// Only in a jailed process.
pub(crate) fn from_file(engine: &dyn Engine, module: &Verified, settings: &Settings, file: OwnedFd) -> Result<Artifact, Rejection> {
    // SAFETY: the file came from the control process, which had it written by the compiler that it spawned for this module and
    // has sealed it since. Should a module have taken over its compiler, these are bytes of that module's choice: they run here,
    // where native code was reckoned with from the start, and where there is nothing to be found. That this process is jailed
    // is this crate's to see to: nothing is loaded before `enter` has returned.
    let code = unsafe { CodeFile::trust(File::from(file)) };
    engine.artifact_of_file(module, settings, code)
}
