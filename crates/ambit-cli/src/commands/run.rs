//! `ambit run`

use std::{
    io,
    num::{NonZeroU32, NonZeroU64},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_admit::Verified;
use ambit_core::{
    Bound, Digest, EngineId, Event, GrantKey, Isolation, Outcome, Policy, Rejection, Report, RunId, Unenforceable, Usage,
};
use ambit_engine::{
    Call, HostFunctions,
    host::{FdOutput, GuestOutput},
};
use ambit_runtime::{Listener, Module, RunRequest, Running, Runtime, RuntimeConfig, Streams};
use clap::ValueHint;

use super::{
    finish::{Talk, finish},
    read_in_time::read_in_time,
    repeat::{Repeat, repeat as repeated},
    report_file::ReportFile,
};
use crate::{
    output,
    policy::{OurStdin, PolicyArgs, Settled},
    signals::OnSignal,
    spinner::Spinner,
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
const STDIN_NOTE: &str = "the guest can read, but not from this terminal: --stdin inherit gives it, --stdin none says you know";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit run hello.wasm
  ambit run --memory 64MiB --timeout 2s tool.wasm -- --verbose input.txt
  ambit run --dir .:/work:rw --env HOME=/work build.wasm
  ambit run --invoke fib math.wasm 30
  ambit run --invoke fib --repeat 100000 --concurrency 4 math.wasm 10
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
    /// Call this export instead of running the program; its results go to stdout. Integers are decimal or 0x…, and unsigned
    /// ones wrap: 18446744073709551615 as an i64 is -1, as results show it
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,
    /// Run it this often, each time on a fresh instance, and print percentiles of the latency and the throughput instead of
    /// results; what it writes is thrown away, and inherited input is empty
    #[arg(long, value_name = "N", conflicts_with_all = ["report", "print_policy"])]
    repeat: Option<NonZeroU64>,
    /// How many of them at a time
    #[arg(long, value_name = "N", requires = "repeat", default_value = "1")]
    concurrency: NonZeroU32,
    /// Print those figures as JSON
    #[arg(long, requires = "repeat")]
    json: bool,
    /// Write the report as JSON to a file, or - for stderr
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,
    /// Print the policy in force as JSON and run nothing
    #[arg(long)]
    print_policy: bool,
    /// No notes on stderr: only what the guest says, and what went wrong in one line
    #[arg(long, short)]
    quiet: bool,
    /// Say on stderr what was used
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    policy: PolicyArgs,
}

impl Args {
    /// The module, as it was typed.
    pub(crate) fn module(&self) -> &Path {
        &self.module
    }
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
    let Args { module: path, args: program_args, invoke, repeat, concurrency, json, report, print_policy, quiet, verbose, policy } =
        args;
    let function_args = if invoke.is_some() { program_args.clone() } else { Vec::new() };
    let command_args = if invoke.is_some() { Vec::new() } else { program_args };
    let stdin = match rustix::termios::isatty(rustix::stdio::stdin()) {
        _ if path.as_os_str() == "-" => OurStdin::Module,
        true => OurStdin::Terminal,
        false => OurStdin::Data,
    };
    let settled = match policy.settle(&command_args, stdin) {
        Ok(settled) => settled,
        Err(error) => {
            output::error(&format!("{error}\n\nFor more information, try `ambit run --help` or `ambit limits`."));
            return Ok(super::USAGE);
        }
    };
    let talk = Talk { quiet, verbose };
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
    let (isolation, terminal_withheld) = (settled.isolation, settled.terminal_withheld);
    let mut refused = Refused::default();
    // Opened before the guest exists: what lies at that path when it has run is the guest's choice.
    let report = match report.map(ReportFile::open).transpose() {
        Ok(report) => report,
        Err(message) => {
            output::error(&message);
            return Ok(super::FAILED);
        }
    };
    let read = |policy: &Policy| read_in_time(path.clone(), policy, began, &on_signal);
    let ready = match prepare(settled, print_policy, &mut refused, read, |module| match &invoke {
        Some(function) => Call::invoke(module, function, &function_args),
        None => Call::command(module),
    }) {
        Ok(Prepared::Policy(policy)) => {
            output::json(&*policy)?;
            return Ok(0);
        }
        Ok(Prepared::Ended(outcome)) => return finish(&talk, report, unstarted(outcome, refused, &name, began)),
        Ok(Prepared::Run(ready)) => ready,
        Err(rejection) => return finish(&talk, report, rejected(rejection, refused, &name, began)),
    };
    if isolation.is_none() && !quiet {
        output::note(ISOLATION_NOTE);
    }
    if let Some(times) = repeat {
        let Ready { policy, module, call } = ready;
        return repeated(Repeat { times, at_once: concurrency, json }, &module, &policy, &call, &name.as_str().into(), &on_signal);
    }
    let spinner = Spinner::default();
    let runtime =
        Runtime::new(RuntimeConfig { pool_guests: 0, listener: Some(ends_when_compiled(&spinner)), ..RuntimeConfig::default() })?;
    let request = RunRequest {
        module: Module::Verified(Arc::clone(&ready.module)),
        policy: Arc::clone(&ready.policy),
        call: ready.call,
        streams: streams(quiet)?,
        since: Some(began),
        tenant: None,
        name: name.as_str().into(),
    };
    let could_ask_for = ambit_admit::could_ask_for(&ready.module);
    let reads_nothing = terminal_withheld && could_ask_for.iter().any(|(grant, _)| *grant == GrantKey::Stdin);
    let refused = Refused { policy: Some(Policy::clone(&ready.policy)), module: Some(ready.module.digest()) };
    let running = match runtime.start(request) {
        Ok(running) => running,
        Err(rejection) => return finish(&talk, report, rejected(rejection, refused, &name, began)),
    };
    let control = running.control();
    on_signal.ends(move || control.cancel("user"));
    if reads_nothing && !quiet {
        output::note(STDIN_NOTE);
    }
    let finished = wait(running, &ready.policy, &on_signal, began, (!quiet).then_some(&spinner));
    spinner.end();
    // Ended with the process: there is nothing left to run, or its thread is inside something that only that interrupts.
    std::mem::forget(runtime);
    finish(&talk, report, finished)
}

enum Prepared {
    Policy(Arc<Policy>),
    /// The run ended while the module was being read and admitted.
    Ended(Outcome),
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
    let Settled { policy, spec, terminal_withheld: _, isolation, engine } = settled;
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
        Err(outcome) => return Ok(Prepared::Ended(outcome)),
    };
    refused.module = Some(module.digest());
    let call = call(&module)?;
    Ok(Prepared::Run(Ready { policy, module, call }))
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
