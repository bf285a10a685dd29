//! A run in processes of its own: the default.

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
    sync::{Arc, OnceLock, mpsc},
    thread,
};

use ambit_admit::Verified;
use ambit_core::{Policy, Rejection, RunId, Stdin};
use ambit_engine::host::{FdOutput, GuestOutput};
use ambit_manager::{
    CodeCache, Control, Entry, Input, LaunchConfig, LaunchEvent, LaunchRequest, Launcher, Output, Prepared, Streams,
};
use ambit_store::StoreError;
use rustix::fs::{Mode, OFlags};

use super::{
    Asked, PATIENCE, STDIN_NOTE, explain_engine, reads_nothing,
    unstarted::{Refused, rejected, unstarted},
};
use crate::{
    commands::{
        finish::finish,
        read_in_time::read_in_time,
        repeat::{
            Repeat,
            jailed::{Repeating, repeat as repeat_jailed},
        },
    },
    output,
    spinner::Spinner,
};

const SEEN_REMEDY: &str = "grant less, or keep the store elsewhere with --store or AMBIT_STORE";

pub(super) fn run(
    asked: Asked,
    repeat: Option<Repeat>,
    config: LaunchConfig,
    open_cache: impl Fn(&OnceLock<CodeCache>) -> Result<(), StoreError>,
) -> anyhow::Result<u8> {
    let cache = config.cache.clone();
    let open_cache = || cache.as_ref().map_or(Ok(()), |cache| open_cache(cache));
    let (began, isolation) = (asked.began, asked.isolation);
    let mut refused = Refused { policy: Some(Policy::clone(&asked.policy)), module: None };
    let launcher = match Launcher::new(config) {
        Ok(launcher) => launcher,
        Err(rejection) => return finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation)),
    };
    if let Some(repeat) = repeat {
        open_cache()?;
        return repeated(repeat, launcher, asked, cache);
    }
    // A process enters its jail while the cache is opened and the module is read.
    let prepared = match launcher.prepare(&asked.policy) {
        Ok(prepared) => prepared,
        Err(rejection) => return finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation)),
    };
    if let Err(error) = open_cache() {
        drop(prepared);
        return Err(error.into());
    }
    let module =
        match read_in_time(asked.source.clone(), asked.signatures.clone(), &asked.policy, began, &asked.on_signal, cache.clone()) {
            Ok(found) => found.map(|found| found.module),
            Err(outcome) => {
                drop(prepared);
                return finish(&asked.talk, asked.report, unstarted(outcome, refused, &asked.name, began, isolation));
            }
        };
    if let Ok(module) = &module {
        refused.module = Some(module.digest());
        explain_engine(&asked, module);
    }
    let dirs = asked.policy.grants.dirs.iter().map(|dir| dir.host.as_path());
    let seen = cache.as_ref().and_then(|cache| cache.get()).and_then(|cache| cache.seen_through(dirs));
    if let Some(dir) = seen.filter(|_| !asked.talk.quiet) {
        output::note(&format!(
            "`{}` is granted and holds the store, with the key of its native code: {SEEN_REMEDY}",
            dir.display()
        ));
    }
    match module.and_then(|module| ready(&asked, module)) {
        Ok(request) => launch(&launcher, prepared, request, asked),
        Err(rejection) => {
            drop(prepared);
            finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation))
        }
    }
}

/// The same run many times.
fn repeated(repeat: Repeat, launcher: Launcher, asked: Asked, cache: Option<Arc<OnceLock<CodeCache>>>) -> anyhow::Result<u8> {
    let (began, isolation) = (asked.began, asked.isolation);
    let refused = Refused { policy: Some(Policy::clone(&asked.policy)), module: None };
    let module = match read_in_time(asked.source.clone(), asked.signatures.clone(), &asked.policy, began, &asked.on_signal, cache) {
        Ok(found) => found.map(|found| found.module),
        Err(outcome) => return finish(&asked.talk, asked.report, unstarted(outcome, refused, &asked.name, began, isolation)),
    };
    match module {
        Ok(module) => {
            explain_engine(&asked, &module);
            let what = Repeating { module, policy: Arc::clone(&asked.policy), entry: entry(&asked), name: asked.name.clone() };
            let launcher = Arc::new(launcher);
            let status = repeat_jailed(repeat, &launcher, isolation, &what, &asked.on_signal);
            // When everybody has what they wait for.
            launcher.settle().iter().filter(|_| !asked.talk.quiet).for_each(|trouble| output::note(trouble));
            status
        }
        Err(rejection) => finish(&asked.talk, asked.report, rejected(rejection, refused, &asked.name, began, isolation)),
    }
}

fn entry(asked: &Asked) -> Entry {
    match &asked.invoke {
        Some(function) => Entry::Invoke { function: function.clone(), args: asked.function_args.clone() },
        None => Entry::Command,
    }
}

/// What to run, once its module is admitted.
fn ready(asked: &Asked, module: Arc<Verified>) -> Result<LaunchRequest, Rejection> {
    let streams = streams(&asked.policy)?;
    Ok(LaunchRequest { run: RunId(1), module, entry: entry(asked), name: asked.name.clone(), streams, since: asked.began })
}

fn launch(launcher: &Launcher, prepared: Prepared, request: LaunchRequest, asked: Asked) -> anyhow::Result<u8> {
    let quiet = asked.talk.quiet;
    let control = Control::new()?;
    let cancel = control.clone();
    asked.on_signal.ends(move || cancel.cancel("user"));
    if reads_nothing(&asked, &request.module) && !quiet {
        output::note(STDIN_NOTE);
    }
    let spinner = Spinner::default();
    let compiled = show_if_slow(&spinner, quiet)?;
    let mut log = FdOutput::new(duplicate(rustix::stdio::stderr())?);
    let report = launcher.run(prepared, request, &control, &mut |event| match event {
        // It is gone before anything of the guest runs.
        LaunchEvent::Compiled => spinner.end(),
        LaunchEvent::Log(_) | LaunchEvent::ArtifactRefused(_) if quiet => {}
        LaunchEvent::ArtifactRefused(why) => output::note(&format!("{why}; the module is compiled again")),
        LaunchEvent::Log(text) => {
            // What nobody reads is lost, and must not hold up the end of the run.
            let _ = log.try_write(&[IoSlice::new(format!("ambit: log: {text}\n").as_bytes())]);
        }
    });
    drop(compiled);
    spinner.end();
    let verbose = asked.talk.verbose;
    let status = finish(&asked.talk, asked.report, report);
    // When everybody has what they wait for.
    for trouble in launcher.settle() {
        if verbose {
            output::note(&trouble);
        }
    }
    status
}

/// Shows the spinner unless what is given back is dropped, or the spinner ended, soon enough. Only on a terminal: nobody else
/// waits.
fn show_if_slow(spinner: &Spinner, quiet: bool) -> io::Result<Option<mpsc::Sender<()>>> {
    if quiet || !rustix::termios::isatty(rustix::stdio::stderr()) {
        return Ok(None);
    }
    let (compiled, is_compiled) = mpsc::channel();
    let spinner = spinner.clone();
    thread::Builder::new().name("ambit-spinner".into()).spawn(move || {
        if is_compiled.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            spinner.show();
        }
    })?;
    Ok(Some(compiled))
}

/// Our own streams for the guest, as far as they are granted.
fn streams(policy: &Policy) -> Result<Streams, Rejection> {
    let failed = |error: io::Error| {
        let message = format!("cannot open the guest's streams: {error}");
        Rejection::new(ambit_core::RejectReason::NotFound, message)
    };
    let stdin = match &policy.grants.stdin {
        Stdin::None => Input::Nothing,
        Stdin::Inherit => Input::Fd(duplicate(rustix::stdio::stdin()).map_err(failed)?),
        Stdin::File(path) => {
            // Not blocking, so that a FIFO without a writer is waited for under the deadline.
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let opened = rustix::fs::open(path, flags, Mode::empty());
            Input::Fd(opened.map_err(|error| {
                let message = format!("cannot open the granted file `{}`: {error}", path.display());
                Rejection::new(ambit_core::RejectReason::NotFound, message)
            })?)
        }
    };
    let output = |fd| duplicate(fd).map(Output::Fd).map_err(failed);
    Ok(Streams { stdin, stdout: output(rustix::stdio::stdout())?, stderr: output(rustix::stdio::stderr())? })
}

fn duplicate(fd: std::os::fd::BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)
}
