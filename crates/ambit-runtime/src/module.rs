//! A module that is ready to run.

use std::{sync::Arc, time::Duration};

use ambit_admit::Verified;
use ambit_engine::{Call, Guest, Meter, Program, Settings, host::HostSpec};

/// A compiled and loaded module; share it between as many runs as you like.
#[derive(Debug)]
pub struct LoadedModule {
    pub(crate) verified: Arc<Verified>,
    pub(crate) settings: Settings,
    pub(crate) program: Arc<dyn Program>,
    pub(crate) compile_time: Duration,
}

impl LoadedModule {
    /// The module.
    pub fn verified(&self) -> &Arc<Verified> {
        &self.verified
    }

    /// How it was compiled.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A guest of it that makes one call, or that is kept.
    pub(crate) fn guest(&self, host: HostSpec, meter: Arc<Meter>, call: Option<Call>) -> Box<dyn Guest> {
        match call {
            Some(call) => self.program.guest(host, meter, call),
            None => self.program.keep(host, meter),
        }
    }

    /// Bytes it takes in memory: the module, and its code as far as the engine knows.
    pub(crate) fn size(&self) -> u64 {
        self.program.code_size().saturating_add(self.verified.bytes().len() as u64)
    }

    /// How long compiling and loading took, by the monotonic clock.
    pub fn compile_time(&self) -> Duration {
        self.compile_time
    }
}
