//! Guests as futures: one that is called once, and one whose instance is kept between calls.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{call::Call, contract::Guest, ended::Ended, kept::Kept};

/// A guest that is called once: a future over its store, polled slice by slice.
pub(crate) struct Once {
    run: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

impl Once {
    pub(crate) fn new(run: impl Future<Output = Ended> + Send + 'static) -> Self {
        Self { run: Box::pin(run) }
    }
}

impl Guest for Once {
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.run.as_mut().poll(cx)
    }
}

/// An instance between calls, as its engine has it.
pub(crate) trait Idle: Kept + Sized + 'static {
    /// The call that is readied, if one is.
    fn take_call(&mut self) -> Option<Call>;

    /// Whether a limit that ends runs was passed while nothing ran, by a growth that the host asked for.
    fn has_ended(&self) -> bool;

    /// Makes the call. The instance is given back if it may be called again.
    fn run(self: Box<Self>, call: Call) -> Run<Self>;
}

/// A run under way.
pub(crate) type Run<I> = Pin<Box<dyn Future<Output = (Ended, Option<Box<I>>)> + Send>>;

/// A guest whose instance is kept. While a run is under way the store is inside its future, so that dropping the guest
/// drops both.
///
/// ```text
/// Busy ──returned, or refused before anything ran──► Idle ──call, poll──► Busy
///   └────trapped, exited, limit, failed──► Over
/// ```
pub(crate) struct Keeping<I> {
    state: State<I>,
}

enum State<I> {
    Busy(Run<I>),
    Idle(Box<I>),
    Over,
}

impl<I: Idle> Keeping<I> {
    /// One whose first run makes the instance.
    pub(crate) fn new(start: impl Future<Output = (Ended, Option<Box<I>>)> + Send + 'static) -> Self {
        Self { state: State::Busy(Box::pin(start)) }
    }
}

impl<I: Idle> Guest for Keeping<I> {
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if let State::Idle(idle) = &mut self.state {
            let Some(call) = idle.take_call() else {
                return Poll::Ready(Ended::Failed("a kept guest was polled without a call".into()));
            };
            if let State::Idle(idle) = mem::replace(&mut self.state, State::Over) {
                self.state = State::Busy(idle.run(call));
            }
        }
        let State::Busy(run) = &mut self.state else {
            return Poll::Ready(Ended::Failed("a guest was polled after its end".into()));
        };
        let (ended, idle) = std::task::ready!(run.as_mut().poll(cx));
        self.state = idle.map_or(State::Over, State::Idle);
        Poll::Ready(ended)
    }

    fn kept(&mut self) -> Option<&mut dyn Kept> {
        match &mut self.state {
            State::Idle(idle) if !idle.has_ended() => Some(&mut **idle),
            State::Idle(_) | State::Busy(_) | State::Over => None,
        }
    }
}

/// Whether an instance may be called again after a run that ended so.
pub(crate) fn lives_on(ended: &Ended) -> bool {
    match ended {
        Ended::Returned(_) | Ended::Replied(_) | Ended::Refused(_) => true,
        Ended::Gave(_) | Ended::Exited(_) | Ended::Trapped { .. } | Ended::Limit { .. } | Ended::Failed(_) => false,
    }
}
