//! The same run many times, each on a fresh instance.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_core::{Outcome, Policy};
use ambit_jail::wire::{FromWorker, MOST_KINDS, RunJob, Sender};
use ambit_runtime::{LoadedModule, Module, RunRequest, Runtime, Started, Streams};

use super::no_files;
use crate::{
    alone::call,
    error::{PATIENCE, WorkerError},
};

/// How often it is said how far it is.
const SAY: Duration = Duration::from_millis(100);

/// Runs it `times` times. Its output is thrown away, and its input is empty. Nothing else is done meanwhile: whoever wants it
/// ended ends the process.
pub(super) fn repeat(
    runtime: &Runtime,
    sender: &Sender,
    job: &RunJob,
    module: &Arc<LoadedModule>,
    policy: &Arc<Policy>,
    times: u64,
) -> Result<(), WorkerError> {
    let mut tally = Tally::default();
    let call = no_files(policy).and_then(|()| call(module.verified(), &job.entry));
    let mut said = Instant::now();
    for _ in 0..times {
        let began = Instant::now();
        let outcome = match &call {
            Ok(call) => {
                let request = RunRequest {
                    module: Module::Loaded(Arc::clone(module)),
                    policy: Arc::clone(policy),
                    call: call.clone(),
                    streams: Streams { stdin: Some(Box::new(ambit_engine::host::EmptyInput)), ..Streams::default() },
                    since: None,
                    name: job.name.as_str().into(),
                    tenant: None,
                };
                run(runtime, request)
            }
            Err(rejection) => Outcome::Rejected(rejection.clone()),
        };
        let now = Instant::now();
        tally.count(now - began, outcome);
        if now - said >= SAY {
            said = now;
            sender.send(&std::mem::take(&mut tally).say(job.run, false), &[], PATIENCE)?;
        }
    }
    sender.send(&tally.say(job.run, true), &[], PATIENCE)?;
    Ok(())
}

/// One run, to its end. The thread is blocked meanwhile, and not by what tokio has for that: it is one of tokio's own.
fn run(runtime: &Runtime, request: RunRequest) -> Outcome {
    let mut running = match runtime.start_here(request) {
        Ok(Started::Finished(finished)) => return finished.outcome().clone(),
        Ok(Started::Running(running)) => running,
        Err(rejection) => return Outcome::Rejected(rejection),
    };
    loop {
        match running.wait_until(Instant::now() + SAY) {
            Ok(finished) => return finished.outcome().clone(),
            Err(still) => running = still,
        }
    }
}

/// What came of them since it was last said.
#[derive(Default)]
struct Tally {
    took: Vec<u32>,
    ended: BTreeMap<String, u64>,
    failure: Option<Outcome>,
}

impl Tally {
    fn count(&mut self, took: Duration, outcome: Outcome) {
        self.took.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
        let kind = outcome.in_a_word();
        let told_apart = self.ended.len() < MOST_KINDS || self.ended.contains_key(&kind);
        *self.ended.entry(if told_apart { kind } else { "others".into() }).or_default() += 1;
        if !outcome.is_success() {
            self.failure.get_or_insert(outcome);
        }
    }

    fn say(self, run: u64, over: bool) -> FromWorker {
        let Self { took, ended, failure } = self;
        FromWorker::Repeated { run, took, ended: ended.into_iter().collect(), failure, over }
    }
}
