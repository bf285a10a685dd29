//! A worker that runs one guest, alone in its process, and ends with it.

use std::{
    future::poll_fn,
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Metering, Policy, RejectReason, Rejection, ResultValue};
use ambit_engine::{Answer, Artifact, Call, Engine, Meter, Settings};
use ambit_jail::{
    Entered, Phase, enter, receive_spec,
    wire::{Channel, Entry, FromWorker, ModuleForm, REHEARSAL, RunEnd, RunJob, Sender, Stream, StreamsSpec, ToWorker},
};
use tokio::runtime::Runtime;

use crate::{
    artifact, engine,
    error::{PATIENCE, WorkerError},
    host::{given, sayable},
};

/// What was asked for, and admitted.
struct Asked {
    module: Arc<Verified>,
    policy: Box<Policy>,
    settings: Settings,
    job: Box<RunJob>,
    call: Call,
    fds: Vec<OwnedFd>,
}

pub(crate) fn run(mut channel: Channel) -> Result<(), WorkerError> {
    let (spec, fds) = receive_spec(&mut channel)?;
    let driver = || tokio::runtime::Builder::new_current_thread().enable_time().enable_io().build();
    let Entered { layers, page, dirs, syscalls, helpers: driver } = enter(&spec, fds, || (), driver)?;
    let engine = engine::of(spec.engine, 0)?;
    let engine_version = engine.capabilities().version;
    channel.send(&FromWorker::Entered { layers, engine_version }, &[], PATIENCE)?;
    let dirs: Vec<Arc<OwnedFd>> = dirs.into_iter().map(Arc::new).collect();
    let asked = match receive_job(&mut channel, &*engine, &driver)? {
        Ok(asked) => asked,
        Err((module, rejection)) => return refused(&channel, module, rejection),
    };
    // While it may still be being compiled elsewhere.
    engine.warm(&asked.module, &asked.settings);
    let Asked { module, policy, settings, job, call, fds } = asked;
    let (number, artifact) = match channel.receive()? {
        (ToWorker::Artifact { module: number }, code) if spec.engine.compiles() => {
            let [code] = <[OwnedFd; 1]>::try_from(code).map_err(|_| WorkerError::Protocol("an artifact without a file"))?;
            (number, artifact::from_file(&*engine, &module, &settings, code))
        }
        (ToWorker::Translate { module: number }, _) if !spec.engine.compiles() => (number, engine.compile(&module, &settings)),
        _ => return Err(WorkerError::Protocol("an artifact was expected")),
    };
    let program = match artifact.and_then(|artifact| engine.load(&artifact)) {
        Ok(program) => program,
        Err(rejection) => return refused(&channel, number, rejection),
    };
    // The last code that this process will ever run is mapped, if it is to run any.
    syscalls.install(Phase::Running)?;
    channel.send(&FromWorker::Loaded { module: number, refused: None }, &[], PATIENCE)?;
    let (limits, reaction) = (policy.limits.run.clone(), policy.on_memory_refusal);
    let meter = Arc::new(match page {
        Some(page) => Meter::in_page(limits, reaction, page.keep()),
        None => Meter::new(limits, reaction),
    });
    let (host, kept) = given(&job, &policy, fds, &dirs, channel.sender())?;
    let mut guest = program.guest(host, Arc::clone(&meter), call);
    let (began, cpu) = (Instant::now(), cpu_time());
    let ended = driver.block_on(poll_fn(|cx| guest.poll_slice(cx)));
    let (wall, cpu) = (began.elapsed(), cpu_time().saturating_sub(cpu));
    let (outcome, answer) = ended.outcome(&meter);
    let mut usage = meter.usage();
    (usage.wall_ns, usage.cpu_ns) = (Some(nanos(wall)), Some(nanos(cpu)));
    let (stdout, stderr) = kept.take();
    let (results, value) = returned(answer);
    let (outcome, value) = sayable(outcome, value, stdout.len() + stderr.len());
    let end = RunEnd { run: job.run, outcome, results, value, usage, violations: meter.violations(), stdout, stderr };
    channel.send(&FromWorker::Ended(Box::new(end)), &[], PATIENCE)?;
    // Its memory is given back with the process, which is quicker.
    std::mem::forget(guest);
    std::mem::forget(program);
    std::mem::forget(driver);
    Ok(())
}

/// The module and the run; or why the module is refused.
fn receive_job(
    channel: &mut Channel,
    engine: &dyn Engine,
    driver: &Runtime,
) -> Result<Result<Asked, (u32, Rejection)>, WorkerError> {
    let (number, form, policy, metering, file) = loop {
        match channel.receive()? {
            (ToWorker::Rehearse { policy, metering }, files) => {
                let refused = rehearse(engine, driver, channel.sender(), &policy, metering, files)?.err();
                channel.send(&FromWorker::Loaded { module: REHEARSAL, refused }, &[], PATIENCE)?;
            }
            (ToWorker::Module { module, form, policy, metering }, file) => break (module, form, policy, metering, file),
            _ => return Err(WorkerError::Protocol("a module was expected")),
        }
    };
    let [file] = <[OwnedFd; 1]>::try_from(file).map_err(|_| WorkerError::Protocol("a module without a file"))?;
    let module = match engine::read(engine.id(), file, form, &policy)? {
        Ok(module) => module,
        Err(rejection) => return Ok(Err((number, rejection))),
    };
    let (ToWorker::Run(job), fds) = channel.receive()? else {
        return Err(WorkerError::Protocol("a run was expected"));
    };
    if job.module != number || job.policy.is_some() || metering != Metering::Kernel {
        return Err(WorkerError::Protocol("the run is of something else"));
    }
    let call = call(&module, &job.entry);
    let settings = Settings::of(&policy, metering);
    Ok(call.map(|call| Asked { module, policy, settings, job, call, fds }).map_err(|rejection| (number, rejection)))
}

/// Runs a program of the parent's, to nowhere. What goes wrong with it may go right with a guest, or it is reported then.
fn rehearse(
    engine: &dyn Engine,
    driver: &Runtime,
    sender: &Sender,
    policy: &Policy,
    metering: Metering,
    files: Vec<OwnedFd>,
) -> Result<Result<(), Rejection>, WorkerError> {
    let mut files = files.into_iter();
    let (Some(module), code, None) = (files.next(), files.next(), files.next()) else {
        return Err(WorkerError::Protocol("a rehearsal without its files"));
    };
    let settings = Settings::of(policy, metering);
    let ready = |module: &Verified| -> Result<Artifact, Rejection> {
        match code {
            Some(code) => artifact::from_file(engine, module, &settings, code),
            None => engine.compile(module, &settings),
        }
    };
    let loaded = engine::read(engine.id(), module, ModuleForm::Bytes, policy)?
        .and_then(|module| Ok((Call::command(&module)?, engine.load(&ready(&module)?)?)));
    let (call, program) = match loaded {
        Ok(loaded) => loaded,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let nowhere = StreamsSpec { stdin: Stream::Nothing, stdout: Stream::Nothing, stderr: Stream::Nothing, log: false };
    let job = RunJob {
        run: 0,
        module: REHEARSAL,
        policy: None,
        entry: Entry::Command,
        name: "rehearsal".into(),
        streams: nowhere,
        dirs: Vec::new(),
    };
    let (host, _) = given(&job, policy, Vec::new(), &[], sender)?;
    let meter = Arc::new(Meter::new(policy.limits.run.clone(), policy.on_memory_refusal));
    let mut guest = program.guest(host, Arc::clone(&meter), call);
    let (outcome, _) = driver.block_on(poll_fn(|cx| guest.poll_slice(cx))).outcome(&meter);
    let ended = || Rejection::new(RejectReason::Unenforceable, format!("the rehearsal ended in `{}`", outcome.in_a_word()));
    Ok(if outcome.is_success() { Ok(()) } else { Err(ended()) })
}

/// What is called of a module.
pub(crate) fn call(module: &Verified, entry: &Entry) -> Result<Call, Rejection> {
    match entry {
        Entry::Command => Call::command(module),
        Entry::Invoke { function, args } => Call::invoke(module, function, args),
    }
}

fn refused(channel: &Channel, module: u32, rejection: Rejection) -> Result<(), WorkerError> {
    Ok(channel.send(&FromWorker::Loaded { module, refused: Some(rejection) }, &[], PATIENCE)?)
}

/// What a core function returned, and what a component's did.
fn returned(answer: Answer) -> (Vec<ResultValue>, Option<Vec<u8>>) {
    match answer {
        Answer::Values(values) => (values, None),
        Answer::Component(value) => (Vec::new(), Some(value.pack())),
        Answer::Nothing | Answer::Bytes(_) => (Vec::new(), None),
    }
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
