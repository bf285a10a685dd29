//! A worker that runs the guests of one tenant, for as long as it is wanted.

mod modules;
mod repeat;

use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    os::fd::OwnedFd,
    sync::Arc,
    task::{Context, Poll},
};

use ambit_core::{ComponentValue, Outcome, Policy, RejectReason, Rejection, Usage};
use ambit_engine::wasmtime::look_for_page_map;
use ambit_jail::{
    Entered, enter, receive_spec,
    wire::{Channel, FromWorker, RunEnd, RunJob, Sender, ToWorker, WireError},
};
use ambit_runtime::{Control, Finished, Module, RunRequest, Runtime, RuntimeConfig, Started, Streams};
use tokio::{
    io::{Interest, unix::AsyncFd},
    task::JoinSet,
};

use self::modules::Modules;
use crate::{
    alone::call,
    engine,
    error::{PATIENCE, WorkerError},
    host::{GuestStreams, Kept, sayable, streams},
};

/// Guests that a worker's pool holds; more are allocated on demand.
const POOL_GUESTS: u32 = 256;

pub(crate) fn run(mut channel: Channel) -> Result<(), WorkerError> {
    let (spec, fds) = receive_spec(&mut channel)?;
    let engine = engine::of(spec.engine, POOL_GUESTS)?;
    let helpers = || -> io::Result<_> {
        // One thread that runs guests, and one that ends slices: both begin here.
        let config = RuntimeConfig { cores: 1, pool_guests: POOL_GUESTS, ..RuntimeConfig::default() };
        let runtime = Runtime::with_engine(config, engine)?;
        Ok((runtime, tokio::runtime::Builder::new_current_thread().enable_io().build()?))
    };
    let look = || {
        // What it finds is known from then on. An interpreter has no pool that would ask.
        if spec.engine.compiles() {
            look_for_page_map();
        }
    };
    let Entered { layers, dirs, helpers: (runtime, driver), .. } = enter(&spec, fds, look, helpers)?;
    if !dirs.is_empty() {
        return Err(WorkerError::Protocol("guests that share a process have no directories"));
    }
    let engine_version = runtime.engine().capabilities().version;
    channel.send(&FromWorker::Entered { layers, engine_version }, &[], PATIENCE)?;
    let worker = Worker {
        sender: channel.sender().clone(),
        channel,
        modules: Modules::default(),
        running: JoinSet::new(),
        controls: HashMap::new(),
        runtime,
    };
    let _driver = driver.enter();
    driver.block_on(worker.serve())
}

/// A run that is over, and what was kept of its output.
type Over = (u64, Finished, Kept);

struct Worker {
    channel: Channel,
    sender: Sender,
    runtime: Runtime,
    modules: Modules,
    /// Runs that did not end at once.
    running: JoinSet<Over>,
    controls: HashMap<u64, Control>,
}

impl Worker {
    /// Does what it is told until its parent has no more to say.
    async fn serve(mut self) -> Result<(), WorkerError> {
        let socket = self.channel.socket().try_clone_to_owned().map_err(WorkerError::system("watch the socket"))?;
        #[expect(deprecated, reason = "its successor is unsafe for descriptors that close while watched; this one is held open")]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE).map_err(WorkerError::system("watch the socket"))?;
        loop {
            match poll_fn(|cx| self.poll(&socket, cx)).await {
                // What is under way is nobody's any more.
                Err(WorkerError::Wire(WireError::Closed)) => return Ok(()),
                other => other?,
            }
        }
    }

    fn poll(&mut self, socket: &AsyncFd<OwnedFd>, cx: &mut Context<'_>) -> Poll<Result<(), WorkerError>> {
        while let Poll::Ready(ready) = socket.poll_read_ready(cx) {
            let mut ready = ready.map_err(WorkerError::system("watch the socket"))?;
            while let Some((said, fds)) = self.channel.try_receive::<ToWorker>()? {
                self.told(said, fds)?;
            }
            ready.clear_ready();
        }
        // After what may start runs: only a look at those there are has their ends wake this.
        while let Poll::Ready(Some(over)) = self.running.poll_join_next(cx) {
            let (run, finished, kept) = over.map_err(|_| WorkerError::Protocol("waiting for a run panicked"))?;
            self.controls.remove(&run);
            self.ended(run, finished, kept)?;
        }
        Poll::Pending
    }

    fn told(&mut self, said: ToWorker, fds: Vec<OwnedFd>) -> Result<(), WorkerError> {
        match said {
            ToWorker::Rehearse { .. } => return Err(WorkerError::Protocol("only a worker of one run rehearses")),
            ToWorker::Module { module, form, policy, metering } => {
                let engine = self.runtime.engine().id();
                if let Err(rejection) = self.modules.take(engine, module, form, policy, metering, fds)? {
                    self.loaded(module, Some(rejection))?;
                }
            }
            ToWorker::Translate { module } => {
                let loaded = self.modules.translate(module, &self.runtime)?;
                self.loaded(module, loaded.err())?;
            }
            ToWorker::Artifact { module } => {
                let loaded = self.modules.load(module, fds, &self.runtime)?;
                self.loaded(module, loaded.err())?;
            }
            ToWorker::Forget { module } => self.modules.forget(module),
            ToWorker::Run(job) => self.start(*job, fds)?,
            ToWorker::Repeat { job, times } => match self.modules.get(job.module) {
                Some((module, policy)) => {
                    let (module, policy) = (Arc::clone(module), own_policy(&job).unwrap_or_else(|| Arc::clone(policy)));
                    repeat::repeat(&self.runtime, &self.sender, &job, &module, &policy, times)?;
                }
                None => return Err(WorkerError::Protocol("a run of a module that is not loaded")),
            },
            ToWorker::Cancel { run } => {
                if let Some(control) = self.controls.get(&run) {
                    control.cancel("control");
                }
            }
        }
        Ok(())
    }

    fn loaded(&self, module: u32, refused: Option<Rejection>) -> Result<(), WorkerError> {
        Ok(self.sender.send(&FromWorker::Loaded { module, refused }, &[], PATIENCE)?)
    }

    /// Starts a run. A short one is over when this returns.
    fn start(&mut self, job: RunJob, fds: Vec<OwnedFd>) -> Result<(), WorkerError> {
        let Some((module, policy)) = self.modules.get(job.module) else {
            return Err(WorkerError::Protocol("a run of a module that is not loaded"));
        };
        let policy = own_policy(&job).unwrap_or_else(|| Arc::clone(policy));
        let GuestStreams { stdin, stdout, stderr, log, kept } = streams(&job, fds, &self.sender)?;
        let started = call(module.verified(), &job.entry).and_then(|call| {
            no_files(&policy)?;
            self.runtime.start_here(RunRequest {
                module: Module::Loaded(Arc::clone(module)),
                policy,
                call,
                streams: Streams { stdin: Some(stdin), stdout, stderr, log },
                since: None,
                name: job.name.as_str().into(),
                tenant: None,
            })
        });
        match started {
            Ok(Started::Finished(finished)) => self.ended(job.run, finished, kept),
            Ok(Started::Running(running)) => {
                self.controls.insert(job.run, running.control());
                let run = job.run;
                self.running.spawn(async move { (run, running.await, kept) });
                Ok(())
            }
            Err(rejection) => self.end(RunEnd {
                run: job.run,
                outcome: Outcome::Rejected(rejection),
                results: Vec::new(),
                value: None,
                usage: Usage::default(),
                violations: Vec::new(),
                stdout: Vec::new(),
                stderr: Vec::new(),
            }),
        }
    }

    fn ended(&self, run: u64, finished: Finished, kept: Kept) -> Result<(), WorkerError> {
        let (stdout, stderr) = kept.take();
        let value = finished.value().map(ComponentValue::pack);
        let (outcome, value) = sayable(finished.outcome().clone(), value, stdout.len() + stderr.len());
        self.end(RunEnd {
            run,
            outcome,
            results: finished.results().to_vec(),
            value,
            usage: finished.usage().clone(),
            violations: finished.violations().to_vec(),
            stdout,
            stderr,
        })
    }

    fn end(&self, end: RunEnd) -> Result<(), WorkerError> {
        Ok(self.sender.send(&FromWorker::Ended(Box::new(end)), &[], PATIENCE)?)
    }
}

/// The policy that a run comes with, if it does.
fn own_policy(job: &RunJob) -> Option<Arc<Policy>> {
    job.policy.as_ref().map(|policy| Arc::new(Policy::clone(policy)))
}

/// Guests that share a process have no directories: its root is as empty as on the day it was made.
pub(crate) fn no_files(policy: &Policy) -> Result<(), Rejection> {
    if policy.grants.dirs.is_empty() && policy.grants.tmp.is_none() {
        return Ok(());
    }
    let message = "grants `dirs` and `tmp`: guests that share a process have no directories; isolation `process` has them";
    Err(Rejection::new(RejectReason::Unenforceable, message))
}
