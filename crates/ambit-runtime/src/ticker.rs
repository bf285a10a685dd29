//! The thread that ends slices.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use ambit_engine::Engine;

/// How many idle ticks pass before the ticker sleeps: short pauses between calls cost no wake-up.
const LINGER: u32 = 16;

/// Ticks an engine once a slice while guests run, and sleeps when none does.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// A slice has begun since the last tick.
    active: AtomicBool,
    /// The thread sleeps, or is about to.
    asleep: AtomicBool,
    stop: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: Arc<dyn Engine>, slice: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("ambit-ticker".into()).spawn(move || shared.run(&*engine, slice))?
        };
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Called before each slice.
    pub(crate) fn slice_begins(&self) {
        self.shared.active.store(true, SeqCst);
        // Sequentially consistent with the thread's store to `asleep` before its last look at `active`: one of the two
        // sees the other.
        if self.shared.asleep.load(SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }
}

impl Shared {
    fn run(&self, engine: &dyn Engine, slice: Duration) {
        let mut idle = 0;
        while !self.stop.load(SeqCst) {
            if idle < LINGER {
                thread::sleep(slice);
                engine.tick();
            } else {
                self.asleep.store(true, SeqCst);
                if !self.active.load(SeqCst) && !self.stop.load(SeqCst) {
                    thread::park();
                }
                self.asleep.store(false, SeqCst);
            }
            idle = if self.active.swap(false, SeqCst) { 0 } else { idle.saturating_add(1) };
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It only sleeps and increments; it cannot have panicked.
            let _ = thread.join();
        }
    }
}
