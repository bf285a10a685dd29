//! A run in this process: `--isolation none`.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{Bound, Event, Outcome, Policy, Rejection, Report};
use ambit_engine::{
    Call,
    host::{FdOutput, GuestOutput},
};
use ambit_runtime::{Listener, Module, RunRequest, Running, Runtime, RuntimeConfig, Streams};

use super::{
    Asked, PATIENCE, STDIN_NOTE, explain_engine, reads_nothing,
    unstarted::{Refused, rejected, unstarted},
};
use crate::{
    commands::{
        finish::finish,
        read_in_time::read_in_time,
        repeat::{Repeat, inside::repeat as repeated},
    },
    engines::engine,
    output,
    signals::OnSignal,
    spinner::Spinner,
};

/// How long past its deadline a run is waited for before the process gives up on it: longer than any slice, shorter than
/// a person's patience. Only an operation that nothing can interrupt in this process takes so long.
const GRACE: Duration = Duration::from_secs(1);
/// How often a wait looks whether it was interrupted in vain.
const LOOK: Duration = Duration::from_millis(250);

pub(super) fn run(asked: Asked, repeat: Option<Repeat>) -> anyhow::Result<u8> {
    let (began, isolation) = (asked.began, asked.isolation);
    let mut refused = Refused { policy: Some(Policy::clone(&asked.policy)), module: None };
    let module = match read_in_time(asked.source.clone(), asked.signatures.clone(), &asked.policy, began, &asked.on_signal, None) {
        Ok(Ok(found)) => found.module,
        Ok(Err(rejection)) => {
            return finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation));
        }
        Err(outcome) => return finish(&asked.talk, asked.report, unstarted(outcome, refused, &asked.name, began, isolation)),
    };
    refused.module = Some(module.digest());
    explain_engine(&asked, &module);
    let call = match call(&asked, &module) {
        Ok(call) => call,
        Err(rejection) => return finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation)),
    };
    let quiet = asked.talk.quiet;
    if let Some(repeat) = repeat {
        return repeated(repeat, asked.engine, &module, &asked.policy, &call, &asked.name.as_str().into(), &asked.on_signal);
    }
    let spinner = Spinner::default();
    let config = RuntimeConfig { pool_guests: 0, listener: Some(ends_when_compiled(&spinner)), ..RuntimeConfig::default() };
    let engine = match engine(asked.engine, 0) {
        Ok(engine) => engine,
        Err(rejection) => return finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation)),
    };
    let runtime = Runtime::with_engine(config, engine)?;
    let request = RunRequest {
        module: Module::Verified(Arc::clone(&module)),
        policy: Arc::clone(&asked.policy),
        call,
        streams: streams(quiet)?,
        since: Some(began),
        tenant: None,
        name: asked.name.as_str().into(),
    };
    let running = match runtime.start(request) {
        Ok(running) => running,
        Err(rejection) => return finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation)),
    };
    let control = running.control();
    asked.on_signal.ends(move || control.cancel("user"));
    if reads_nothing(&asked, &module) && !quiet {
        output::note(STDIN_NOTE);
    }
    let finished = wait(running, &asked.policy, &asked.on_signal, began, (!quiet).then_some(&spinner));
    spinner.end();
    // Ended with the process: there is nothing left to run, or its thread is inside something that only that interrupts.
    std::mem::forget(runtime);
    finish(&asked.talk, asked.report, finished)
}

fn call(asked: &Asked, module: &Verified) -> Result<Call, Rejection> {
    match &asked.invoke {
        Some(function) => Call::invoke(module, function, &asked.function_args),
        None => Call::command(module),
    }
}

fn streams(quiet: bool) -> io::Result<Streams> {
    let duplicate = |fd| -> io::Result<FdOutput> { Ok(FdOutput::new(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)) };
    // Not through the usual door, which blocks when nobody reads: this is called by the guest.
    let mut stderr = duplicate(rustix::stdio::stderr())?;
    let log = move |text: &str| {
        let line = format!("ambit: log: {text}\n");
        quiet || stderr.try_write(&[io::IoSlice::new(line.as_bytes())]).is_ok()
    };
    Ok(Streams {
        stdin: None,
        stdout: Box::new(duplicate(rustix::stdio::stdout())?),
        stderr: Box::new(duplicate(rustix::stdio::stderr())?),
        log: Box::new(log),
    })
}

/// Clears the spinner after the module was compiled and before anything of it runs, on the compiler's thread: a terminal
/// that takes nothing holds up the guest, and no deadline.
fn ends_when_compiled(spinner: &Spinner) -> Listener {
    let spinner = spinner.clone();
    Arc::new(move |event: &Event| match event {
        Event::Compiled { .. } => spinner.end(),
        Event::Started { .. } | Event::Ended { .. } => {}
    })
}

/// Waits for the end, and no longer for that of a run that had to end and did not.
fn wait(mut running: Running, policy: &Policy, on_signal: &OnSignal, began: Instant, spinner: Option<&Spinner>) -> Report {
    let overdue = match policy.limits.run.wall_time {
        Bound::At(span) => Some(began + span.duration() + GRACE),
        Bound::Unlimited => None,
    };
    let patience = began + PATIENCE;
    loop {
        let now = Instant::now();
        if let Some(spinner) = spinner
            && now >= patience
            && running.is_compiling()
        {
            spinner.show();
        }
        let look = if now < patience { patience } else { now + LOOK };
        running = match running.wait_until(look.min(overdue.unwrap_or(look))) {
            Ok(finished) => return finished.report(),
            Err(running) => running,
        };
        if overdue.is_some_and(|overdue| Instant::now() >= overdue) {
            return running.overdue().report();
        }
        if on_signal.since().is_some_and(|since| since.elapsed() >= GRACE) {
            let report = running.overdue().report();
            return Report { outcome: Outcome::Cancelled { by: "user".into() }, ..report };
        }
    }
}
