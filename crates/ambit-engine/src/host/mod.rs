//! What a guest can call, written once for every engine: WASI preview 1, `env`, and the clocks, randomness, streams and
//! quotas that preview 2 shares with them.
//!
//! The host works on owned descriptors and streams: it never opens a path of the host's by name and never inherits
//! anything. An engine's adapter hands it the guest's memory as a byte slice ([`GuestMemory`]) and its arguments; a call
//! that must wait gives back a [`Wait`], which the adapter drives outside wasm, so that every wait can be dropped.

mod clock;
pub(crate) mod descriptor;
mod env;
mod errno;
pub(crate) mod files;
mod input;
mod log;
mod memory;
mod output;
pub mod p1;
mod path;
mod random;
mod step;

use std::{fmt, sync::Arc};

use ambit_core::{Access, Clock, Random};

pub use clock::GuestClock;
pub use descriptor::Preopen;
pub use env::{env_log, env_random, env_time};
pub use errno::Errno;
pub use input::{EmptyInput, FdInput, GuestInput, SharedInput};
pub use log::{DiscardLog, GuestLog};
pub use memory::GuestMemory;
pub use output::{Capture, Discard, FdOutput, GuestOutput, SharedOutput};
pub use random::GuestRandom;
pub(crate) use step::yield_once;
pub use step::{Fail, Progress, Resume, Stop, Wait};

use self::{descriptor::Descriptors, log::LogGate};
use crate::meter::Meter;

/// What a guest is given, resolved: streams, descriptors, values. The default is nothing at all.
pub struct HostSpec {
    /// The program's name, argv\[0\].
    pub name: Arc<str>,
    /// Arguments after it.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Standard input.
    pub stdin: Box<dyn GuestInput>,
    /// Standard output.
    pub stdout: Box<dyn GuestOutput>,
    /// Standard error.
    pub stderr: Box<dyn GuestOutput>,
    /// Where `env.log` goes.
    pub log: Box<dyn GuestLog>,
    /// Directories.
    pub preopens: Vec<Preopen>,
    /// Clocks.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
    /// Grants of host functions of the embedder's.
    pub functions: Vec<String>,
}

impl Default for HostSpec {
    fn default() -> Self {
        Self {
            name: Arc::from(""),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Box::new(EmptyInput),
            stdout: Box::new(Discard),
            stderr: Box::new(Discard),
            log: Box::new(DiscardLog),
            preopens: Vec::new(),
            clock: Clock::Coarse,
            random: Random::Os,
            functions: Vec::new(),
        }
    }
}

impl fmt::Debug for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSpec")
            .field("name", &self.name)
            .field("args", &self.args.len())
            .field("env", &self.env.len())
            .field("preopens", &self.preopens)
            .field("functions", &self.functions)
            .finish_non_exhaustive()
    }
}

/// The host's side of one running guest.
#[derive(Debug)]
pub struct Host {
    pub(crate) meter: Arc<Meter>,
    pub(crate) name: Arc<str>,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) clock: GuestClock,
    pub(crate) random: GuestRandom,
    pub(crate) stdin: SharedInput,
    pub(crate) stdout: SharedOutput,
    pub(crate) stderr: SharedOutput,
    pub(crate) log: LogGate,
    pub(crate) descriptors: Descriptors,
    /// Grants of host functions of the embedder's.
    pub(crate) functions: Vec<String>,
}

impl Host {
    /// The host's side of a guest with this account.
    pub fn new(spec: HostSpec, meter: Arc<Meter>) -> Self {
        let HostSpec { name, args, env, stdin, stdout, stderr, log, preopens, clock, random, functions } = spec;
        Self {
            name,
            args,
            env,
            clock: GuestClock::new(clock),
            random: GuestRandom::new(random),
            stdin: SharedInput::new(stdin),
            stdout: SharedOutput::new(stdout, Arc::clone(&meter)),
            stderr: SharedOutput::new(stderr, Arc::clone(&meter)),
            log: LogGate::new(log),
            descriptors: Descriptors::new(preopens),
            functions,
            meter,
        }
    }

    /// The guest's argv: its name, then its arguments.
    pub(crate) fn argv(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.name).chain(self.args.iter().map(String::as_str))
    }

    /// Counts a call; every adapter calls it before every host function.
    pub fn enter(&self) {
        self.meter.host_call();
    }
}

/// Whether writing is allowed.
pub(crate) const fn writable(access: Access) -> bool {
    matches!(access, Access::ReadWrite)
}
