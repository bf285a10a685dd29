//! The contract every engine keeps.
//!
//! ```text
//! Verified ─compile(Settings)─► Artifact ─load─► Program ─guest(HostSpec, Meter, Call)─► Guest ─poll_slice…─► Ended
//!                                                  └─keep(HostSpec, Meter)─► Guest ─poll_slice…─► Ended ─kept─► Kept ─call─► poll_slice…
//! ```
//! Compilation and loading are separate from the first day, since later they happen in different processes.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use ambit_admit::Verified;
use ambit_core::{EngineCapabilities, EngineId, RejectReason, Rejection};

use crate::{
    artifact::Artifact, call::Call, code_file::CodeFile, ended::Ended, functions::HostFunctions, host::HostSpec, kept::Kept,
    meter::Meter, seal::Unsealed, settings::Settings,
};

/// Compiles modules and loads artifacts.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Which engine this is.
    fn id(&self) -> EngineId;

    /// What it can do.
    fn capabilities(&self) -> EngineCapabilities;

    /// Host functions of the embedder's that it links.
    fn functions(&self) -> &HostFunctions {
        const { &HostFunctions::new() }
    }

    /// Whether it would take a module with these settings, as far as that is known without compiling it.
    ///
    /// # Errors
    /// It would not: as [`Engine::compile`].
    fn accepts(&self, _module: &Verified, _settings: &Settings) -> Result<(), Rejection> {
        Ok(())
    }

    /// Turns a module into native code, or whatever the engine runs. Blocks, for seconds if the module is large, and
    /// cannot be interrupted: callers that must bound it run it in a process of its own.
    ///
    /// # Errors
    /// The engine does not accept the module with these settings.
    fn compile(&self, module: &Verified, settings: &Settings) -> Result<Artifact, Rejection>;

    /// What an artifact of this engine's was compiled to, as bytes; `None` if it cannot leave the process.
    fn code_of<'a>(&self, _artifact: &'a Artifact) -> Option<&'a [u8]> {
        None
    }

    /// An artifact from code that this version of this engine made for `module` with these settings: the seal says so.
    ///
    /// # Errors
    /// The engine keeps no artifacts as bytes.
    fn artifact_of(&self, _module: &Verified, _settings: &Settings, _code: Unsealed<'_>) -> Result<Artifact, Rejection> {
        Err(Rejection::new(RejectReason::Unenforceable, format!("{} keeps no artifacts as bytes", self.id())))
    }

    /// The same from a file, which is mapped and not copied where the engine can.
    ///
    /// # Errors
    /// The engine keeps no artifacts in files.
    fn artifact_of_file(&self, _module: &Verified, _settings: &Settings, _code: CodeFile) -> Result<Artifact, Rejection> {
        Err(Rejection::new(RejectReason::Unenforceable, format!("{} keeps no artifacts in files", self.id())))
    }

    /// Makes ready what [`Engine::load`] will need, while the module is still being compiled elsewhere. Changes nothing but
    /// how long that takes.
    fn warm(&self, _module: &Verified, _settings: &Settings) {}

    /// Makes an artifact runnable, without a compiler.
    ///
    /// # Errors
    /// The artifact belongs to another engine, version or host, or its imports do not fit the host's functions.
    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Program>, Rejection>;

    /// Ends the running slice of every guest that is metered by time. Called by a ticker about once a millisecond while
    /// anything runs; cheap, from any thread.
    fn tick(&self);
}

/// A loaded module, linked to the host's functions: guests are made from it.
pub trait Program: fmt::Debug + Send + Sync {
    /// Bytes that its code takes in memory, for bounding caches.
    fn code_size(&self) -> u64;

    /// A guest that has not started. Cheap: no guest code runs and no memory is charged before the first slice.
    fn guest(&self, host: HostSpec, meter: Arc<Meter>, call: Call) -> Box<dyn Guest>;

    /// A guest whose instance is kept. Its first run makes the instance, runs the start function and `_initialize`, if it
    /// has them, and ends [`Returned`](Ended::Returned) without results; then [`Guest::kept`] gives access to it, and
    /// readies calls.
    ///
    /// An instance of a component cannot be kept: its first run ends [`Refused`](Ended::Refused).
    fn keep(&self, host: HostSpec, meter: Arc<Meter>) -> Box<dyn Guest>;
}

/// One instance: a module, its store, limits and grants.
///
/// Dropping a guest ends it wherever it is, pending host calls included; what it used stays in its [`Meter`].
pub trait Guest: Send {
    /// Runs the guest until its slice is over, it waits, or it ends. `Pending` with the waker already woken means that
    /// it wants to go on; with the waker kept, that it waits for something.
    ///
    /// Must be called from inside a tokio runtime with time and I/O enabled. Not to be called again after `Ready`, unless
    /// another call of a kept guest is ready.
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended>;

    /// The instance, if it is kept and no call is under way.
    ///
    /// That is after a run that returned, or was refused before anything ran. An instance whose code trapped, exited, passed
    /// a limit or failed otherwise is never entered again: what it left may be half done.
    fn kept(&mut self) -> Option<&mut dyn Kept> {
        None
    }
}
