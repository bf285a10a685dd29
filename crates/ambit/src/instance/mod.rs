//! Instances that are kept between calls.

mod access;
mod calling;
mod control;

use std::{fmt, time::Duration};

use ambit_core::{ResultValue as Value, Usage};
use ambit_engine::Call;
use ambit_runtime::Finished;

use crate::{
    block::block_on,
    error::Error,
    launch::Launch,
    module::{Module, values},
    streams::Captured,
    values::Values,
};

pub use calling::Calling;
use calling::UnderWay;
use control::Seen;
pub use control::{InstanceControl, InstanceState};

/// An instance that is kept between calls: an actor. Its memory, globals and tables are what the last call left.
///
/// Limits of time and fuel are each call's own; all others are the instance's over its life. As long as it lives its limit
/// `memory` is reserved out of the runtime's total. A call that does not return ends it: what it left may be half done.
/// [`Instance::reset`] makes it anew.
///
/// ```text
///            call returns
///           ┌────────────┐
///           ▼            │
/// made ─► Ready ─call─► Calling ─trap, limit, cancel, dropped future─► Over
///           ▲  │                                                        ▲ │
///           │  └───────────────────── terminate ────────────────────────┘ │
///           └─────────────────────────── reset ───────────────────────────┘
/// ```
pub struct Instance {
    /// With what it was made, and is made again.
    launch: Launch,
    /// `None` once it is over, so that what it had is free.
    inner: Option<ambit_runtime::Instance>,
    captured: Captured,
    seen: Seen,
    statistics: Statistics,
}

/// What was done with an instance, over all its resets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Calls that began.
    pub calls: u64,
    /// Calls that returned.
    pub returned: u64,
    /// How often it was made anew.
    pub resets: u64,
    /// CPU time of calls and of making it.
    pub cpu: Duration,
    /// Time in calls and in making it, by the monotonic clock, waiting included.
    pub wall: Duration,
}

impl Statistics {
    /// Adds the times of a call, or of the making.
    fn note(&mut self, usage: &Usage) {
        self.cpu += Duration::from_nanos(usage.cpu_ns.unwrap_or(0));
        self.wall += Duration::from_nanos(usage.wall_ns.unwrap_or(0));
    }
}

impl Instance {
    pub(crate) fn new(launch: Launch, inner: ambit_runtime::Instance, captured: Captured) -> Self {
        let seen = Seen::new(&inner);
        let mut statistics = Statistics::default();
        statistics.note(inner.made());
        Self { launch, inner: Some(inner), captured, seen, statistics }
    }

    /// Its module.
    pub fn module(&self) -> &Module {
        self.launch.module()
    }

    /// Calls an exported function. Its types are checked before anything runs.
    ///
    /// If the future is dropped before the call is over, the call is cancelled, and the instance with it.
    ///
    /// # Errors
    /// The instance is over; there is no such function, or it is of other types; or the call ended otherwise than by
    /// returning, and the instance with it.
    pub async fn call<P: Values, R: Values>(&mut self, name: &str, params: P) -> Result<R, Error> {
        self.module().func(name)?.call_in(self, params).await
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::call`].
    pub fn call_blocking<P: Values, R: Values>(&mut self, name: &str, params: P) -> Result<R, Error> {
        block_on(self.call(name, params))
    }

    /// Calls an exported function with values whose types are known only now.
    ///
    /// # Errors
    /// As [`Instance::call`].
    pub async fn call_values(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        let call = self.module().ready(name, args)?;
        values(name, self.perform(call).await?)
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::call`].
    pub fn call_values_blocking(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        block_on(self.call_values(name, args))
    }

    /// Starts a call, to be paused, looked at or cancelled while it is under way. A short one is over when this returns.
    ///
    /// # Errors
    /// The instance is over, there is no such function, or it is of other types: nothing ran.
    pub fn start(&mut self, name: &str, args: &[Value]) -> Result<Calling<'_>, Error> {
        let call = self.module().ready(name, args)?;
        Ok(Calling::new(name, self.begin_call(call)?))
    }

    /// Ends it, and frees what it had. It is over then; nothing happens if it was before.
    pub fn terminate(&mut self) {
        self.end();
    }

    /// Makes it anew: another instance of the same module, with the same arguments, input and outputs. The one that was is
    /// gone before that, also if this fails.
    ///
    /// # Errors
    /// As [`Launch::instantiate`]. It is over then, and may be reset again.
    pub async fn reset(&mut self) -> Result<(), Error> {
        if let Some(inner) = &mut self.inner {
            inner.settled().await;
        }
        self.end();
        let (inner, captured) = self.launch.make().await?;
        self.statistics.resets += 1;
        self.statistics.note(inner.made());
        self.seen.begin(&inner);
        (self.inner, self.captured) = (Some(inner), captured);
        Ok(())
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// As [`Instance::reset`].
    pub fn reset_blocking(&mut self) -> Result<(), Error> {
        block_on(self.reset())
    }

    /// What it is doing.
    pub fn state(&self) -> InstanceState {
        self.seen.control().state()
    }

    /// What it has used since it was made or last reset, over all calls that have ended and the making.
    pub fn usage(&self) -> Usage {
        self.seen.control().usage()
    }

    /// What was done with it, over all resets.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Looks at it and controls its calls from other threads and tasks.
    pub fn control(&self) -> InstanceControl {
        self.seen.control()
    }

    /// Takes what it has written to standard output so far, unless that was sent elsewhere.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        self.captured.stdout.take()
    }

    /// Takes what it has written to standard error so far, unless that was sent elsewhere.
    pub fn take_stderr(&mut self) -> Vec<u8> {
        self.captured.stderr.take()
    }

    /// Takes its messages of `env.log` so far, unless they were sent elsewhere.
    pub fn take_log(&mut self) -> Vec<String> {
        self.captured.log.take()
    }
}

impl Instance {
    /// Begins a call; a short one is over when this returns.
    fn begin_call(&mut self, call: Call) -> Result<UnderWay<'_>, Error> {
        let Self { launch, inner, seen, statistics, captured: _ } = self;
        let inner = inner.as_mut().ok_or(Error::Over)?;
        inner.look().map_err(|_| Error::Over)?;
        let calling = inner.call(launch.module().runtime().inner(), call)?;
        statistics.calls += 1;
        Ok(UnderWay::new(calling, seen, statistics))
    }

    /// Calls it, to the end.
    pub(crate) async fn perform(&mut self, call: Call) -> Result<Finished, Error> {
        Ok(self.begin_call(call)?.await)
    }

    /// It is over, and what it had is free.
    fn end(&mut self) {
        self.inner = None;
        self.seen.end(true);
    }
}

impl Drop for Instance {
    /// Whoever has a control of it still sees that it is over.
    fn drop(&mut self) {
        self.seen.end(true);
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("module", self.module()).field("state", &self.state()).finish_non_exhaustive()
    }
}
