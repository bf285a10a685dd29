//! Compiled modules, each compiled once however many ask for it at the same time.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Instant,
};

use ambit_admit::Verified;
use ambit_core::{Digest, Rejection};
use ambit_engine::{Engine, Settings};
use tokio::sync::oneshot;

use crate::{module::LoadedModule, stats::CacheStats, task::message_of};

/// What a module was compiled from, and how.
type Key = (Digest, Settings);

type Compiled = Result<Arc<LoadedModule>, Rejection>;

/// Compiled modules by digest and settings, the least recently asked for dropped first when they are too many bytes. Who
/// uses a dropped one keeps it.
pub(crate) struct ModuleCache {
    engine: Arc<dyn Engine>,
    /// Bytes of modules and code it may hold.
    capacity: u64,
    /// Threads that may compile at once.
    compilers: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: HashMap<Key, Slot>,
    jobs: VecDeque<(Key, Arc<Verified>)>,
    /// Threads that compile.
    working: usize,
    /// Counts lookups, for telling which slot was asked for last.
    lookups: u64,
    stats: CacheStats,
}

enum Slot {
    Compiling(Vec<oneshot::Sender<Compiled>>),
    Ready { module: Arc<LoadedModule>, last: u64 },
}

/// What was found.
pub(crate) enum Found {
    Ready(Arc<LoadedModule>),
    /// It comes when it has been compiled; nothing comes if the compiler panics.
    Compiling(oneshot::Receiver<Compiled>),
    /// As many wait to be compiled as may.
    Full,
}

/// How many modules may wait to be compiled.
const MOST_JOBS: usize = 1000;

impl ModuleCache {
    pub(crate) fn new(engine: Arc<dyn Engine>, capacity: u64, compilers: usize) -> Self {
        Self { engine, capacity, compilers: compilers.max(1), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> CacheStats {
        self.state().stats
    }

    /// A module compiled with these settings, now or later. The compilation is not the caller's: it goes on if the caller
    /// loses interest.
    pub(crate) fn get(self: &Arc<Self>, module: &Arc<Verified>, settings: Settings) -> Found {
        let key = (module.digest(), settings);
        let mut state = self.state();
        state.lookups += 1;
        let now = state.lookups;
        let State { slots, jobs, stats, .. } = &mut *state;
        let (sender, receiver) = oneshot::channel();
        match slots.entry(key) {
            Entry::Occupied(slot) => match slot.into_mut() {
                Slot::Ready { module, last } => {
                    *last = now;
                    stats.hits += 1;
                    return Found::Ready(Arc::clone(module));
                }
                Slot::Compiling(waiting) => {
                    stats.joined += 1;
                    waiting.push(sender);
                }
            },
            Entry::Vacant(_) if jobs.len() >= MOST_JOBS => return Found::Full,
            Entry::Vacant(slot) => {
                stats.misses += 1;
                slot.insert(Slot::Compiling(vec![sender]));
                state.jobs.push_back((key, Arc::clone(module)));
                if state.working < self.compilers && self.spawn() {
                    state.working += 1;
                } else if state.working == 0 {
                    // Nobody will ever compile it: its senders are dropped, and whoever waits hears that.
                    state.jobs.clear();
                    state.slots.retain(|_, slot| matches!(slot, Slot::Ready { .. }));
                }
            }
        }
        Found::Compiling(receiver)
    }

    /// Takes in a module that was compiled elsewhere.
    pub(crate) fn insert(&self, module: &Arc<LoadedModule>) {
        let mut state = self.state();
        let key = (module.verified().digest(), *module.settings());
        if state.slots.contains_key(&key) {
            return;
        }
        state.lookups += 1;
        let last = state.lookups;
        let evicted = state.ready(key, module, last, self.capacity);
        drop(state);
        drop(evicted);
    }

    fn spawn(self: &Arc<Self>) -> bool {
        let cache = Arc::downgrade(self);
        thread::Builder::new().name("ambit-compile".into()).spawn(move || work(&cache)).is_ok()
    }

    fn next_job(&self) -> Option<(Key, Arc<Verified>)> {
        let mut state = self.state();
        while let Some(job) = state.jobs.pop_front() {
            match state.slots.get(&job.0) {
                // Whoever wanted it has gone.
                Some(Slot::Compiling(waiting)) if waiting.iter().all(oneshot::Sender::is_closed) => {
                    state.slots.remove(&job.0);
                }
                _ => return Some(job),
            }
        }
        state.working -= 1;
        None
    }

    /// Gives a compilation up: whoever waits for it hears that.
    fn forget(&self, key: &Key) {
        let slot = self.state().slots.remove(key);
        drop(slot);
    }

    fn done(&self, key: Key, compiled: Compiled) {
        let mut state = self.state();
        state.lookups += 1;
        let last = state.lookups;
        let waiting = match state.slots.remove(&key) {
            Some(Slot::Compiling(waiting)) => waiting,
            Some(Slot::Ready { .. }) | None => Vec::new(),
        };
        let evicted = compiled.as_ref().map(|module| state.ready(key, module, last, self.capacity));
        drop(state);
        // Unloading code takes time.
        drop(evicted);
        for sender in waiting {
            // Nobody may be waiting any more.
            let _ = sender.send(compiled.clone());
        }
    }
}

impl State {
    /// Takes a module in, and gives back what had to go for it.
    fn ready(&mut self, key: Key, module: &Arc<LoadedModule>, last: u64, capacity: u64) -> Vec<Arc<LoadedModule>> {
        self.stats.modules += 1;
        self.stats.bytes += module.size();
        self.slots.insert(key, Slot::Ready { module: Arc::clone(module), last });
        self.evict(capacity)
    }

    /// Takes out what was least recently asked for, until the rest fits.
    fn evict(&mut self, capacity: u64) -> Vec<Arc<LoadedModule>> {
        let mut evicted = Vec::new();
        while self.stats.bytes > capacity {
            let oldest = self.slots.iter().filter_map(|(key, slot)| match slot {
                Slot::Ready { last, .. } => Some((*last, *key)),
                Slot::Compiling(_) => None,
            });
            let Some((_, key)) = oldest.min_by_key(|&(last, _)| last) else { break };
            if let Some(Slot::Ready { module, .. }) = self.slots.remove(&key) {
                self.stats.bytes = self.stats.bytes.saturating_sub(module.size());
                self.stats.modules -= 1;
                self.stats.evicted += 1;
                evicted.push(module);
            }
        }
        evicted
    }
}

/// Compiles until there is nothing left to compile.
fn work(cache: &Weak<ModuleCache>) {
    while let Some(cache) = cache.upgrade()
        && let Some((key, module)) = cache.next_job()
    {
        let engine = Arc::clone(&cache.engine);
        let compiled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compile(&*engine, &module, key.1)));
        match compiled {
            Ok(compiled) => cache.done(key, compiled),
            Err(panic) => {
                tracing::error!("the compiler panicked over {}: {}", key.0, message_of(&*panic));
                cache.forget(&key);
            }
        }
    }
}

/// Compiles and loads on this thread.
fn compile(engine: &dyn Engine, module: &Arc<Verified>, settings: Settings) -> Compiled {
    let began = Instant::now();
    let artifact = thread::scope(|scope| {
        // The largest function of a small module keeps one thread busy and the others idle.
        let warm = thread::Builder::new().name("ambit-warm".into());
        // Without that thread it is made when it is needed.
        let _ = warm.spawn_scoped(scope, || engine.warm(module, &settings));
        engine.compile(module, &settings)
    })?;
    let program = engine.load(&artifact)?;
    Ok(Arc::new(LoadedModule { verified: Arc::clone(module), settings, program, compile_time: began.elapsed() }))
}

impl fmt::Debug for ModuleCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleCache").field("capacity", &self.capacity).field("stats", &self.stats()).finish_non_exhaustive()
    }
}
