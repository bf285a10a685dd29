//! `ambit run`

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Bound, Digest, EngineId, Isolation, LimitKey, Outcome, Policy, Rejection, Report, RunId, Unenforceable, Usage};
use ambit_engine::{
    Call, HostFunctions,
    host::{FdOutput, GuestOutput},
};
use ambit_runtime::{Module, RunRequest, Running, Runtime, RuntimeConfig, Streams};
use clap::ValueHint;

use super::{
    outcome_text, read_module,
    report_file::{self, ReportFile},
};
use crate::{
    output,
    policy::{PolicyArgs, Settled},
    signals::OnSignal,
};

/// How long past its deadline a run is waited for before the process gives up on it: longer than any slice, shorter than
/// a person's patience. Only an operation that nothing can interrupt in this process takes so long.
const GRACE: Duration = Duration::from_secs(1);
/// How long a compilation takes before a person is shown that something happens.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often a wait looks whether it was interrupted in vain.
const LOOK: Duration = Duration::from_millis(250);
const ISOLATION_NOTE: &str =
    "isolation `none`: the guest runs in this process, with wasm as the only wall; --isolation none says you know";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit run hello.wasm
  ambit run --memory 64MiB --timeout 2s tool.wasm -- --verbose input.txt
  ambit run --dir .:/work:rw --env HOME=/work build.wasm
  ambit run --invoke fib math.wasm 30
  ambit run --fuel 10M --deterministic --report - plugin.wasm

Exit status:
  the guest's own (255 if outside 0..=255)   124 out of wall or CPU time    123 another limit
  134 trapped   126 rejected, nothing ran    130 cancelled   137 killed     125 Ambit failed   2 wrong usage")]
pub(crate) struct Args {
    /// The module: a file, binary or text, or - for stdin
    #[arg(value_hint = ValueHint::FilePath)]
    module: PathBuf,
    /// Arguments of the program, or of the function; after -- they may look like flags
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,
    /// Call this export instead of running the program; its results go to stdout
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// Write the report as JSON to a file, or - for stderr
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,
    /// Print the policy in force as JSON and run nothing
    #[arg(long)]
    print_policy: bool,
    /// Say nothing on stderr but what the guest says
    #[arg(long, short)]
    quiet: bool,
    /// Say on stderr what was used
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What a run needs, all of it checked.
struct Ready {
    policy: Arc<Policy>,
    module: Arc<Verified>,
    call: Call,
}

/// What is known of a run that was refused.
#[derive(Default)]
struct Refused {
    policy: Option<Policy>,
    module: Option<Digest>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<u8> {
    let on_signal = OnSignal::listen()?;
    let began = Instant::now();
    let Args { module: path, args: program_args, invoke, report, print_policy, quiet, verbose, policy } = args;
    let function_args = if invoke.is_some() { program_args.clone() } else { Vec::new() };
    let command_args = if invoke.is_some() { Vec::new() } else { program_args };
    let stdin_is_terminal = rustix::termios::isatty(rustix::stdio::stdin()) || path.as_os_str() == "-";
    let settled = match policy.settle(&command_args, stdin_is_terminal) {
        Ok(settled) => settled,
        Err(error) => {
            output::error(&format!("{error}\n\nFor more information, try `ambit run --help` or `ambit limits`."));
            return Ok(super::USAGE);
        }
    };
    let talk = Talk { quiet, verbose };
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
    let isolation = settled.isolation;
    let mut refused = Refused::default();
    // Opened before the guest exists: what lies at that path when it has run is the guest's choice.
    let report = match report.map(ReportFile::open).transpose() {
        Ok(report) => report,
        Err(message) => {
            output::error(&message);
            return Ok(super::FAILED);
        }
    };
    let read = |policy: &Policy| read_in_time(path.clone(), policy, began);
    let ready = match prepare(settled, print_policy, &mut refused, read, |module| match &invoke {
        Some(function) => Call::invoke(module, function, &function_args),
        None => Call::command(module),
    }) {
        Ok(Prepared::Policy(policy)) => {
            output::json(&*policy)?;
            return Ok(0);
        }
        Ok(Prepared::Overdue(outcome)) => return finish(&talk, report, unstarted(outcome, refused, &name, began)),
        Ok(Prepared::Run(ready)) => ready,
        Err(rejection) => return finish(&talk, report, rejected(rejection, refused, &name, began)),
    };
    let runtime = Runtime::new(RuntimeConfig { pool_guests: 0, ..RuntimeConfig::default() })?;
    let request = RunRequest {
        module: Module::Verified(Arc::clone(&ready.module)),
        policy: Arc::clone(&ready.policy),
        call: ready.call,
        streams: streams(quiet)?,
        since: Some(began),
        name: name.as_str().into(),
    };
    let refused = Refused { policy: Some(Policy::clone(&ready.policy)), module: Some(ready.module.digest()) };
    let running = match runtime.start(request) {
        Ok(running) => running,
        Err(rejection) => return finish(&talk, report, rejected(rejection, refused, &name, began)),
    };
    if isolation.is_none() && !quiet {
        output::note(ISOLATION_NOTE);
    }
    on_signal.cancel(running.canceller());
    let (finished, is_over) = wait(running, &ready.policy, &on_signal, began, quiet);
    if !is_over {
        // Its thread is inside something that cannot be interrupted; ending the process is what ends it.
        std::mem::forget(runtime);
    }
    finish(&talk, report, finished)
}

enum Prepared {
    Policy(Arc<Policy>),
    /// The deadline passed while the module was being read and admitted.
    Overdue(Outcome),
    Run(Ready),
}

/// Everything that can be refused before anything runs, in the order in which it is cheapest.
fn prepare(
    settled: Settled,
    print_policy: bool,
    refused: &mut Refused,
    read: impl FnOnce(&Policy) -> Result<Result<Arc<Verified>, Rejection>, Outcome>,
    call: impl FnOnce(&Verified) -> Result<Call, Rejection>,
) -> Result<Prepared, Rejection> {
    let Settled { policy, spec, isolation, engine } = settled;
    if engine != EngineId::Wasmtime {
        let why = "it is not part of this version; `ambit engines` lists those that are".into();
        return Err(Unenforceable { what: format!("engine `{engine}`"), why }.into());
    }
    let policy = policy.narrow(&spec)?.resolve(isolation.unwrap_or(Isolation::None))?;
    refused.policy = Some(policy.clone());
    // This program has no functions of its own for guests, and says so to whoever grants one.
    HostFunctions::new().admitted(&policy.grants)?;
    let policy = Arc::new(policy);
    if print_policy {
        return Ok(Prepared::Policy(policy));
    }
    let module = match read(&policy) {
        Ok(module) => module?,
        Err(overdue) => return Ok(Prepared::Overdue(overdue)),
    };
    refused.module = Some(module.digest());
    let call = call(&module)?;
    Ok(Prepared::Run(Ready { policy, module, call }))
}

/// Reads and admits the module on a thread of its own, for as long as the deadline allows: the file may be a pipe that
/// nothing is written to, and a large module takes a second to check.
fn read_in_time(path: PathBuf, policy: &Policy, began: Instant) -> Result<Result<Arc<Verified>, Rejection>, Outcome> {
    let rules = AdmitRules::from_policy(policy);
    let Bound::At(allowed) = policy.limits.run.wall_time else { return Ok(read_module::read(&path, &rules)) };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(read_module::read(&path, &rules));
    });
    let left = allowed.duration().saturating_sub(began.elapsed());
    receiver.recv_timeout(left).map_err(|_| Outcome::LimitExceeded {
        limit: LimitKey::WallTime,
        allowed: u64::try_from(allowed.duration().as_nanos()).unwrap_or(u64::MAX),
        used: u64::try_from(began.elapsed().as_nanos()).ok(),
    })
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

/// Waits for the end. The second value is false for a run that had to end and did not.
fn wait(mut running: Running, policy: &Policy, on_signal: &OnSignal, began: Instant, quiet: bool) -> (Report, bool) {
    let overdue = match policy.limits.run.wall_time {
        Bound::At(span) => Some(began + span.duration() + GRACE),
        Bound::Unlimited => None,
    };
    let mut spinner = None;
    let mut next = began + PATIENCE;
    loop {
        let look = Instant::now() + LOOK;
        running = match running.wait_until(next.min(look).min(overdue.unwrap_or(look))) {
            Ok(finished) => return (finished.report(), true),
            Err(running) => running,
        };
        if overdue.is_some_and(|overdue| Instant::now() >= overdue) {
            return (running.overdue().report(), false);
        }
        if on_signal.since().is_some_and(|since| since.elapsed() >= GRACE) {
            let report = running.overdue().report();
            return (Report { outcome: Outcome::Cancelled { by: "user".into() }, ..report }, false);
        }
        // indicatif draws on a terminal only.
        if running.is_compiling() && !quiet && Instant::now() >= began + PATIENCE {
            spinner.get_or_insert_with(|| {
                let spinner = indicatif::ProgressBar::new_spinner().with_message("compiling");
                spinner.enable_steady_tick(Duration::from_millis(100));
                spinner
            });
            next = Instant::now() + Duration::from_millis(20);
        } else {
            spinner.take();
            next = Instant::now() + LOOK;
        }
    }
}

fn rejected(rejection: Rejection, refused: Refused, name: &str, began: Instant) -> Report {
    unstarted(Outcome::Rejected(rejection), refused, name, began)
}

fn unstarted(outcome: Outcome, refused: Refused, name: &str, began: Instant) -> Report {
    let Refused { policy, module } = refused;
    Report {
        run: RunId(0),
        outcome,
        results: Vec::new(),
        usage: Usage { wall_ns: u64::try_from(began.elapsed().as_nanos()).ok(), ..Usage::default() },
        violations: Vec::new(),
        policy,
        module,
        name: Some(ambit_core::escape(name, 256)),
        engine: None,
        engine_version: None,
        isolation: Isolation::None,
        layers: Vec::new(),
    }
}

struct Talk {
    quiet: bool,
    verbose: bool,
}

/// Prints results and what there is to say, writes the report, and gives the exit status.
fn finish(talk: &Talk, file: Option<ReportFile>, report: Report) -> anyhow::Result<u8> {
    // First of all: talk may find nobody to listen, or block on somebody who does not.
    let written = file.as_ref().map_or(Ok(()), |file| file.write_file(&report));
    for value in &report.results {
        output::data(&value.to_string())?;
    }
    if !talk.quiet {
        for violation in &report.violations {
            output::note(&outcome_text::violation(violation));
        }
        // A guest that exits has said itself what it had to say.
        if !matches!(report.outcome, Outcome::Exited { .. }) {
            output::error(&outcome_text::describe(&report.outcome));
        }
        if let (Outcome::Exited { code }, 255) = (&report.outcome, report.outcome.exit_status())
            && *code != 255
        {
            output::note(&format!("the guest's exit code is {code}, which no process can have; the exit status is 255"));
        }
    }
    if talk.verbose {
        output::note(&usage(&report));
    }
    if let Some(ReportFile::Stderr) = file {
        io::stderr().write_all(report_file::text(&report)?.as_bytes())?;
    }
    written?;
    Ok(report.outcome.exit_status())
}

fn usage(report: &Report) -> String {
    let usage = &report.usage;
    let millis = |name: &str, nanos: Option<u64>| nanos.map(|nanos| format!("{name} {:.1} ms", nanos as f64 / 1e6));
    let size = |name: &str, key: LimitKey, bytes: Option<u64>| bytes.map(|bytes| format!("{name} {}", key.show(bytes)));
    let parts = [
        Some(outcome_text::describe(&report.outcome).lines().next().unwrap_or_default().to_owned()),
        millis("wall", usage.wall_ns),
        millis("cpu", usage.cpu_ns),
        millis("compile", usage.compile_ns),
        usage.fuel.map(|fuel| format!("fuel {fuel}")),
        size("peak memory", LimitKey::Memory, usage.peak_memory_bytes),
        size("output", LimitKey::Output, usage.output_bytes),
        size("disk", LimitKey::Disk, usage.disk_bytes),
        usage.host_calls.map(|calls| format!("host calls {calls}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
