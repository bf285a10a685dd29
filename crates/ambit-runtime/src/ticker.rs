//! The thread that ends slices.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use ambit_engine::Engine;

/// How many idle ticks pass before the ticker sleeps: short pauses between calls cost no wake-up.
const LINGER: u32 = 4;

/// Ticks an engine once a slice while guests run, and sleeps when none does.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Slices under way. The ticker never sleeps during one, however long it has lasted: a guest sets its next deadline by
    /// the tick of that moment, so a slice that began long before (a slow instantiation, a thread that lost its core) still
    /// needs ticks to come.
    running: AtomicUsize,
    /// A slice has ended since the last tick.
    active: AtomicBool,
    /// The thread sleeps, or is about to.
    asleep: AtomicBool,
    stop: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: Arc<dyn Engine>, slice: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (begun, has_begun) = mpsc::channel();
        let thread = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("ambit-ticker".into()).spawn(move || {
                // It is waited for, below.
                let _ = begun.send(());
                shared.run(&*engine, slice);
            })?
        };
        has_begun.recv().map_err(|_| io::Error::other("the ticker ended before it began"))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Called before each slice; the slice ends when what is given back is dropped.
    pub(crate) fn slice(&self) -> SliceUnderWay<'_> {
        self.shared.running.fetch_add(1, SeqCst);
        // Sequentially consistent with the thread's store to `asleep` before its last look at `running`: one of the two
        // sees the other.
        if self.shared.asleep.load(SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        SliceUnderWay(&self.shared)
    }
}

/// Keeps the ticker awake.
pub(crate) struct SliceUnderWay<'a>(&'a Shared);

impl Drop for SliceUnderWay<'_> {
    fn drop(&mut self) {
        self.0.active.store(true, SeqCst);
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Shared {
    fn run(&self, engine: &dyn Engine, slice: Duration) {
        let mut idle = 0;
        while !self.stop.load(SeqCst) {
            if idle < LINGER {
                // Not a plain sleep, so that whoever drops the runtime need not wait for its end. Woken early, it ticks early,
                // which ends a slice early and does no harm.
                thread::park_timeout(slice);
                engine.tick();
            } else {
                self.asleep.store(true, SeqCst);
                if self.running.load(SeqCst) == 0 && !self.stop.load(SeqCst) {
                    thread::park();
                }
                self.asleep.store(false, SeqCst);
            }
            let busy = self.active.swap(false, SeqCst) || self.running.load(SeqCst) > 0;
            idle = if busy { 0 } else { idle.saturating_add(1) };
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use ambit_admit::Verified;
    use ambit_core::{EngineCapabilities, EngineId, Rejection};
    use ambit_engine::{Artifact, Program, Settings};

    use super::*;

    /// Counts its ticks, and is nothing else.
    #[derive(Debug, Default)]
    struct Counts(AtomicU32);

    impl Engine for Counts {
        fn id(&self) -> EngineId {
            EngineId::Wasmi
        }

        fn capabilities(&self) -> EngineCapabilities {
            unreachable!("only ticked")
        }

        fn compile(&self, _: &Verified, _: &Settings) -> Result<Artifact, Rejection> {
            unreachable!("only ticked")
        }

        fn load(&self, _: &Artifact) -> Result<Arc<dyn Program>, Rejection> {
            unreachable!("only ticked")
        }

        fn tick(&self) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    fn ticks_come(engine: &Counts) -> bool {
        let before = engine.0.load(SeqCst);
        (0..1000).any(|_| {
            thread::sleep(Duration::from_millis(1));
            engine.0.load(SeqCst) > before + 2
        })
    }

    #[test]
    fn it_ticks_for_as_long_as_a_slice_lasts_and_sleeps_after() {
        let engine = Arc::new(Counts::default());
        let ticker = Ticker::start(Arc::clone(&engine) as Arc<dyn Engine>, Duration::from_micros(100)).expect("a thread");
        let asleep = || {
            (0..5000).any(|_| {
                thread::sleep(Duration::from_millis(1));
                ticker.shared.asleep.load(SeqCst)
            })
        };
        assert!(asleep(), "nothing runs");
        for _ in 0..3 {
            let slice = ticker.slice();
            assert!(ticks_come(&engine), "it wakes up");
            // Far longer than it lingers.
            thread::sleep(Duration::from_millis(50));
            assert!(ticks_come(&engine), "a long slice is ticked to its end");
            drop(slice);
            assert!(asleep(), "nothing runs");
        }
    }
}
