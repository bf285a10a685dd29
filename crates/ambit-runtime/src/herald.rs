//! Events of runs, for whoever listens.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use ambit_core::Event;
use tokio::sync::broadcast;

use crate::task::message_of;

/// Whoever listens to events.
pub type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// How many events are kept for a stream that is not read.
const KEPT: usize = 1024;

/// Tells those who listen.
#[derive(Default)]
pub(crate) struct Herald {
    listener: Option<Listener>,
    /// Made when somebody first asks for it.
    stream: OnceLock<broadcast::Sender<Event>>,
}

impl Herald {
    pub(crate) fn new(listener: Option<Listener>) -> Self {
        Self { listener, stream: OnceLock::new() }
    }

    /// Tells an event, which is made only if somebody listens.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let stream = self.stream.get();
        if self.listener.is_none() && stream.is_none() {
            return;
        }
        let event = event();
        if let Some(listener) = &self.listener
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| listener(&event)))
        {
            // It is not the run's fault, and a core that died of it would end every run.
            tracing::error!("the listener panicked: {}", message_of(&*panic));
        }
        if let Some(stream) = stream {
            // Nobody may be reading any more.
            let _ = stream.send(event);
        }
    }

    pub(crate) fn events(&self) -> Events {
        Events(self.stream.get_or_init(|| broadcast::Sender::new(KEPT)).subscribe())
    }
}

impl fmt::Debug for Herald {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Herald")
    }
}

/// A stream of what happens to runs, from the moment it was asked for. Who reads too slowly misses the oldest, and is told.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

/// What a stream of events has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something happened.
    Event(Event),
    /// This many events were missed, since they came faster than they were read.
    Missed(u64),
}

impl Events {
    /// What happened next; `None` once the runtime is gone.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The same, blocking the thread. Not to be called from inside async code.
    pub fn next_blocking(&mut self) -> Option<Heard> {
        match self.0.blocking_recv() {
            Ok(event) => Some(Heard::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
