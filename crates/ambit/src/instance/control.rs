//! An instance, as others see it while somebody calls it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ambit_core::Usage;
use ambit_engine::Meter;
use ambit_runtime::{Control, Finished, RunState};

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstanceState {
    /// It can be called.
    Ready,
    /// A call is under way.
    Calling(RunState),
    /// A call did not return, or it was terminated. It can be reset.
    Over,
}

/// Looks at an instance and controls its calls from any thread; see [`Instance::control`](super::Instance::control).
#[derive(Debug, Clone)]
pub struct InstanceControl(Arc<Mutex<Sight>>);

/// What is seen of an instance.
#[derive(Debug)]
struct Sight {
    meter: Arc<Meter>,
    /// The call under way.
    call: Option<Control>,
    over: bool,
    /// CPU time of the making and of calls that have ended, in nanoseconds.
    cpu_ns: u64,
    /// The same by the monotonic clock.
    wall_ns: u64,
}

impl InstanceControl {
    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the call under way from running until [`InstanceControl::resume`]. Its deadline stays where it is. Gives back
    /// whether there is a call.
    pub fn pause(&self) -> bool {
        self.with_call(Control::pause)
    }

    /// Lets the call under way go on. Gives back whether there is a call.
    pub fn resume(&self) -> bool {
        self.with_call(Control::resume)
    }

    /// Ends the call under way as `cancelled` by `by`, and the instance with it. Gives back whether there is a call.
    pub fn cancel(&self, by: &str) -> bool {
        self.with_call(|call| call.cancel(by))
    }

    fn with_call(&self, act: impl FnOnce(&Control)) -> bool {
        let call = self.sight().call.clone();
        call.as_ref().map(act).is_some()
    }

    /// What it is doing.
    pub fn state(&self) -> InstanceState {
        let sight = self.sight();
        match &sight.call {
            // One that has ended, and whose caller has not heard of it yet.
            Some(call) => InstanceState::Calling(call.state().unwrap_or(RunState::Waiting)),
            None if sight.over => InstanceState::Over,
            None => InstanceState::Ready,
        }
    }

    /// What the instance has used since it was made or last reset. Times are those of calls that have ended, and of the
    /// making.
    pub fn usage(&self) -> Usage {
        let sight = self.sight();
        Usage { cpu_ns: Some(sight.cpu_ns), wall_ns: Some(sight.wall_ns), ..sight.meter.usage() }
    }

    /// Bytes of memory and tables it has at this moment; what it had last, if it is over.
    pub fn memory(&self) -> u64 {
        self.sight().meter.memory_now()
    }
}

/// The instance's own hold on what is seen of it.
#[derive(Debug)]
pub(super) struct Seen(InstanceControl);

impl Seen {
    pub(super) fn new(instance: &ambit_runtime::Instance) -> Self {
        Self(InstanceControl(Arc::new(Mutex::new(Sight::new(instance)))))
    }

    /// It was made anew.
    pub(super) fn begin(&self, instance: &ambit_runtime::Instance) {
        *self.0.sight() = Sight::new(instance);
    }

    /// A call is under way.
    pub(super) fn call(&self, call: Control) {
        self.0.sight().call = Some(call);
    }

    /// A call has ended.
    pub(super) fn called(&self, finished: &Finished) {
        let mut sight = self.0.sight();
        sight.cpu_ns += finished.usage().cpu_ns.unwrap_or(0);
        sight.wall_ns += finished.usage().wall_ns.unwrap_or(0);
    }

    /// No call is under way any more, and this is whether the instance is over.
    pub(super) fn end(&self, over: bool) {
        let mut sight = self.0.sight();
        (sight.call, sight.over) = (None, over);
    }

    pub(super) fn control(&self) -> InstanceControl {
        self.0.clone()
    }
}

impl Sight {
    fn new(instance: &ambit_runtime::Instance) -> Self {
        let made = instance.made();
        Self {
            meter: Arc::clone(instance.meter()),
            call: None,
            over: false,
            cpu_ns: made.cpu_ns.unwrap_or(0),
            wall_ns: made.wall_ns.unwrap_or(0),
        }
    }
}
