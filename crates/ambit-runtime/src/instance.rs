//! Instances that are kept between calls: actors with a state of their own.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use ambit_core::{Outcome, Policy, RejectReason, Rejection, Usage};
use ambit_engine::{Call, Kept, Meter};

use crate::{
    finished::Finished,
    module::LoadedModule,
    running::Running,
    runtime::{Runtime, Started},
    scheduler::Scheduler,
    task::Remains,
    tenant::TenantShared,
};

/// An instance that is kept between calls. Its memory, globals, tables and descriptors are what the last call left.
///
/// Time is each call's own: `wall-time`, `cpu-time` and `fuel` begin anew with it. Everything else is the instance's over
/// its whole life: memory, tables, output, files, handles. It has its memory reserved as long as it lives. A call that does
/// not return ends the instance, whatever the reason: what it left may be half done.
pub struct Instance {
    module: Arc<LoadedModule>,
    policy: Arc<Policy>,
    name: Arc<str>,
    meter: Arc<Meter>,
    tenant: Arc<TenantShared>,
    scheduler: Arc<Scheduler>,
    made: Usage,
    /// The guest and what belongs to it; `None` while a call has them, and after one that did not return.
    life: Option<Remains>,
    /// A call whose future was dropped, and which has been cancelled and not been seen to end.
    dying: Option<Running>,
}

impl Instance {
    /// The instance that a first run left, if it left one.
    pub(crate) fn new(first: First, made: Usage, remains: Option<Remains>) -> Option<Self> {
        let First { module, policy, name, meter, tenant, scheduler } = first;
        let life = Some(remains?);
        scheduler.counters.instances.fetch_add(1, Relaxed);
        Some(Self { module, policy, name, meter, tenant, scheduler, made, life, dying: None })
    }

    /// Its module.
    pub fn module(&self) -> &Arc<LoadedModule> {
        &self.module
    }

    /// The policy it runs under.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// What making it took: instantiation, its start function and `_initialize`.
    pub fn made(&self) -> &Usage {
        &self.made
    }

    /// What it has used so far, over all calls.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Whether it can be called: no call is under way, and all have returned.
    pub fn is_alive(&self) -> bool {
        self.life.is_some()
    }

    /// Its memories, globals and tables, and nothing that runs.
    ///
    /// # Errors
    /// It is over.
    pub fn look(&mut self) -> Result<&mut dyn Kept, Gone> {
        self.life.as_mut().and_then(|life| life.guest.kept()).ok_or(Gone)
    }

    /// Takes the guest for a call, with the call readied.
    pub(crate) fn take(&mut self, call: Call) -> Result<Remains, Rejection> {
        self.look()?.call(call);
        Ok(self.life.take().ok_or(Gone)?)
    }

    /// Takes back what a call left. If that is nothing, the instance is over.
    pub(crate) fn put(&mut self, remains: Option<Remains>) {
        self.life = remains;
    }

    /// Waits until nothing of it runs: a call whose future was dropped finishes its slice before it ends.
    pub async fn settled(&mut self) {
        if let Some(running) = self.dying.take() {
            running.await;
        }
    }

    pub(crate) fn belongs_to(&self, scheduler: &Arc<Scheduler>) -> bool {
        Arc::ptr_eq(&self.scheduler, scheduler)
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn tenant(&self) -> &Arc<TenantShared> {
        &self.tenant
    }

    /// Calls it. If no core is wanted by anybody else, a short call runs on this thread and is over when this returns, as
    /// with [`Runtime::start_here`].
    ///
    /// # Errors
    /// It is over, or there is no room: nothing ran.
    pub fn call(&mut self, runtime: &Runtime, call: Call) -> Result<Calling<'_>, Rejection> {
        let (started, remains) = runtime.start_kept(self, call)?;
        let state = match started {
            Started::Finished(finished) => {
                self.put(remains);
                CallState::Finished(finished)
            }
            Started::Running(running) => CallState::Running(running),
        };
        Ok(Calling { instance: self, state })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.scheduler.counters.instances.fetch_sub(1, Relaxed);
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("name", &self.name).field("is_alive", &self.is_alive()).finish_non_exhaustive()
    }
}

/// The instance is over: a call did not return, or its future was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the instance is over: a call of it did not return; make a new one")]
pub struct Gone;

impl From<Gone> for Rejection {
    fn from(gone: Gone) -> Self {
        Rejection::new(RejectReason::NotFound, gone.to_string())
    }
}

/// A call of a kept instance: over already, or under way. A future of its [`Finished`].
///
/// If it is dropped before that, the call is cancelled and the instance is over.
#[derive(Debug)]
pub struct Calling<'a> {
    instance: &'a mut Instance,
    state: CallState,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once a call and taken apart at once")]
enum CallState {
    Finished(Finished),
    Running(Running),
    Over,
}

impl Calling<'_> {
    /// The run, to be cancelled, paused or looked at; `None` if it is over.
    pub fn running(&self) -> Option<&Running> {
        match &self.state {
            CallState::Running(running) => Some(running),
            CallState::Finished(_) | CallState::Over => None,
        }
    }

    /// The instance. It is alive only when the call is over.
    pub fn instance(&self) -> &Instance {
        self.instance
    }

    /// Waits for the end, blocking the thread. Not to be called from inside async code.
    pub fn wait(mut self) -> Finished {
        match std::mem::replace(&mut self.state, CallState::Over) {
            CallState::Finished(finished) => finished,
            CallState::Running(running) => {
                let (finished, remains) = running.wait_with_remains();
                self.instance.put(remains);
                finished
            }
            CallState::Over => unreachable!("a finished future is consumed"),
        }
    }
}

impl Future for Calling<'_> {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let this = &mut *self;
        match std::mem::replace(&mut this.state, CallState::Over) {
            CallState::Finished(finished) => Poll::Ready(finished),
            CallState::Running(mut running) => match running.poll_with_remains(cx) {
                Poll::Ready((finished, remains)) => {
                    this.instance.put(remains);
                    Poll::Ready(finished)
                }
                Poll::Pending => {
                    this.state = CallState::Running(running);
                    Poll::Pending
                }
            },
            CallState::Over => Poll::Pending,
        }
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        if let CallState::Running(running) = std::mem::replace(&mut self.state, CallState::Over) {
            running.cancel("caller");
            self.instance.dying = Some(running);
        }
    }
}

/// What an instance is made of, besides what its first run leaves.
pub(crate) struct First {
    pub(crate) module: Arc<LoadedModule>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) name: Arc<str>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) tenant: Arc<TenantShared>,
    pub(crate) scheduler: Arc<Scheduler>,
}

/// An instance that is being made: a future of it, or of why there is none.
///
/// If it is dropped before that, what runs of it is cancelled.
#[derive(Debug)]
pub struct Making {
    first: Option<First>,
    state: State,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once an instance and taken apart at once")]
enum State {
    Made(Finished, Option<Remains>),
    Running(Running),
    Over,
}

impl Making {
    pub(crate) fn new(first: First, started: Started, remains: Option<Remains>) -> Self {
        let state = match started {
            Started::Finished(finished) => State::Made(finished, remains),
            Started::Running(running) => State::Running(running),
        };
        Self { first: Some(first), state }
    }

    #[expect(clippy::result_large_err, reason = "the whole account is wanted, once an instance")]
    fn make(&mut self, finished: Finished, remains: Option<Remains>) -> Result<Instance, Finished> {
        self.state = State::Over;
        let first = self.first.take().expect("taken once");
        match finished.outcome() {
            Outcome::Exited { .. } => Instance::new(first, finished.usage().clone(), remains).ok_or(finished),
            _ => Err(finished),
        }
    }

    /// Waits for it, blocking the thread. Not to be called from inside async code.
    ///
    /// # Errors
    /// It could not be instantiated, or its start function or `_initialize` did not return: the run that tried.
    #[expect(clippy::result_large_err, reason = "the whole account is wanted, once an instance")]
    pub fn wait(mut self) -> Result<Instance, Finished> {
        let (finished, remains) = match std::mem::replace(&mut self.state, State::Over) {
            State::Made(finished, remains) => (finished, remains),
            State::Running(running) => running.wait_with_remains(),
            State::Over => unreachable!("a finished future is consumed"),
        };
        self.make(finished, remains)
    }
}

impl Future for Making {
    type Output = Result<Instance, Finished>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (finished, remains) = match std::mem::replace(&mut this.state, State::Over) {
            State::Made(finished, remains) => (finished, remains),
            State::Running(mut running) => match running.poll_with_remains(cx) {
                Poll::Ready(made) => made,
                Poll::Pending => {
                    this.state = State::Running(running);
                    return Poll::Pending;
                }
            },
            State::Over => return Poll::Pending,
        };
        Poll::Ready(this.make(finished, remains))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if let State::Running(running) = &self.state {
            running.cancel("caller");
        }
    }
}

impl std::fmt::Debug for First {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("First").field("name", &self.name).finish_non_exhaustive()
    }
}
