//! `ambit run`

mod inside;
mod jailed;
mod suited;
mod unstarted;
mod verify;

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use ambit_core::{Choice, EngineId, GrantKey, Isolation, Layer, Metering, Outcome, Policy, Rejection, Stdin, Unenforceable};
use ambit_engine::HostFunctions;
use ambit_manager::{ExtraSyscalls, LaunchConfig};
use clap::ValueHint;

use self::{
    suited::Suited,
    unstarted::{Refused, rejected, unstarted},
};
use super::{
    finish::{Talk, finish},
    module_source::ModuleSource,
    repeat::Repeat,
    report_file::ReportFile,
    signed::{SignatureArgs, SignatureDemand},
};
use crate::{
    engines, output,
    policy::{OurStdin, PolicyArgs, Settled},
    registry_args::PullArgs,
    signals::OnSignal,
    store_args::{CacheArgs, StoreArgs},
};

/// How long a compilation takes before a person is shown that something happens.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(300);
const STDIN_NOTE: &str = "the guest can read, but not from this terminal: --stdin inherit gives it, --stdin none says you know";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ambit run hello.wasm
  ambit run --memory 64MiB --timeout 2s tool.wasm -- --verbose input.txt
  ambit run --dir .:/work:rw --env HOME=/work build.wasm
  ambit run --invoke fib math.wasm 30
  ambit run --invoke 'greet({name: \"Ada\", titles: []}, 2)' plug-in.wasm    # a component's, with WAVE
  ambit run --verify-with wasmi tool.wasm       # on two engines, which must come to the same
  ambit run --fuel 10M --deterministic --report - plugin.wasm
  ambit run --invoke fib --repeat 100000 --concurrency 2 math.wasm 10
  ambit run tools/minify@^1.2 page.html         # from the store: see `ambit store --help`
  ambit run ghcr.io/team/tool:1.2               # an image, pulled if it is not here
  ambit run --isolation none trusted.wasm     # in this process: no wall but WebAssembly's

Exit status:
  the guest's own (255 if outside 0..=255)   124 out of wall or CPU time    123 another limit
  134 trapped   126 rejected, nothing ran    130 cancelled   137 killed     125 Ambit failed   2 wrong usage")]
pub(crate) struct Args {
    /// The module: a file, binary or text; - for stdin; or one of the store: NAME, NAME@VERSION, NAME:TAG, sha256:…;
    /// or an image: REGISTRY/PATH:TAG, which is pulled if it is not here; no deadline runs meanwhile
    #[arg(value_hint = ValueHint::FilePath)]
    module: PathBuf,
    /// Arguments of the program, or of the function; after -- they may look like flags
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,
    /// Call this export instead of running the program; its results go to stdout. Integers are decimal or 0x…, and unsigned
    /// ones wrap: 18446744073709551615 as an i64 is -1, as results show it. A component's function takes and returns WAVE, and its
    /// arguments may follow its name in parentheses: 'f("x", {a: 1})'; INTERFACE#NAME if several are called alike
    #[arg(long, value_name = "CALL")]
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
    /// Run it on this engine as well, and fail (125) if the two come to something else: outcome, results, output or log. Implies
    /// --deterministic; input is read to its end first, output is shown at the end, and directories must be for reading
    #[arg(long, value_name = "ENGINE", conflicts_with_all = ["repeat", "print_policy"])]
    verify_with: Option<EngineId>,
    /// Write the report as JSON to a file, or - for stderr
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,
    /// Print the policy in force as JSON and run nothing
    #[arg(long)]
    print_policy: bool,
    /// Go on without a layer of isolation that this machine refuses; `ambit doctor` lists them. Every report says what was active
    #[arg(long, value_name = "LAYER", help_heading = "Policy")]
    allow_missing: Vec<Layer>,
    /// Allow the guest's process a system call beyond its list
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    allow_syscall: Vec<String>,
    /// Take a system call from its list: a process that makes it is killed
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    deny_syscall: Vec<String>,
    /// Make the root of the guest's process look like a small system's: /tmp, /home, /work, /etc/passwd, /etc/group; empty otherwise
    #[arg(long, help_heading = "Policy")]
    classic_root: bool,
    /// No notes on stderr: only what the guest says, and what went wrong in one line
    #[arg(long, short)]
    quiet: bool,
    /// Say on stderr what was used
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    pull: PullArgs,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    signatures: SignatureArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

impl Args {
    /// The module, as it was typed.
    pub(crate) fn module(&self) -> &Path {
        &self.module
    }
}

/// A run that was asked for, and whose policy is in force.
struct Asked {
    source: ModuleSource,
    signatures: SignatureDemand,
    /// What it is called.
    name: String,
    invoke: Option<String>,
    function_args: Vec<String>,
    policy: Arc<Policy>,
    engine: EngineId,
    /// Why that one, if nobody asked for it.
    choice: Option<Choice>,
    /// Nobody said what the guest's standard input is, and a terminal of ours is not given unasked.
    terminal_withheld: bool,
    isolation: Isolation,
    talk: Talk,
    report: Option<ReportFile>,
    began: Instant,
    on_signal: OnSignal,
}

pub(crate) fn run(args: Args) -> anyhow::Result<u8> {
    let began = Instant::now();
    let Args {
        module: path,
        args: program_args,
        invoke,
        repeat,
        concurrency,
        json,
        verify_with,
        report,
        print_policy,
        allow_missing,
        allow_syscall,
        deny_syscall,
        classic_root,
        quiet,
        verbose,
        store,
        pull,
        cache,
        signatures,
        policy,
    } = args;
    let function_args = if invoke.is_some() { program_args.clone() } else { Vec::new() };
    let command_args = if invoke.is_some() { Vec::new() } else { program_args };
    let stdin = match rustix::termios::isatty(rustix::stdio::stdin()) {
        _ if path.as_os_str() == "-" => OurStdin::Module,
        true => OurStdin::Terminal,
        false => OurStdin::Data,
    };
    let policy = if verify_with.is_some() { policy.deterministically() } else { policy };
    let settled = match policy.settle(&command_args, stdin) {
        Ok(settled) => settled,
        Err(error) => {
            output::error(&format!("{error}\n\nFor more information, try `ambit run --help` or `ambit limits`."));
            return Ok(super::USAGE);
        }
    };
    let talk = Talk { quiet, verbose };
    let source = ModuleSource::of(&path, &store, &pull);
    let name = source.name();
    // Opened before the guest exists: what lies at that path when it has run is the guest's choice.
    let input = match settled.spec.grants.as_ref().map(|grants| &grants.stdin) {
        Some(Stdin::File(path)) => Some(path.as_path()),
        Some(Stdin::None | Stdin::Inherit) | None => None,
    };
    let inputs: Vec<&Path> = [source.file(), input].into_iter().flatten().collect();
    let report = match report.map(|path| ReportFile::open(path, &inputs)).transpose() {
        Ok(report) => report,
        Err(message) => {
            output::error(&message);
            return Ok(super::FAILED);
        }
    };
    let said = settled.isolation;
    let signatures = signatures.demand(settled.signature_required, &store, verbose);
    // Repeated runs share a worker, each on a fresh instance, unless somebody says that each has a process.
    let isolation = said.unwrap_or(if repeat.is_some() { Isolation::Tenant } else { Isolation::Process });
    // Nothing is pulled for a run that is refused whatever comes.
    if let ModuleSource::Image(..) = source
        && let Err(rejection) = in_force(&settled, settled.engine.unwrap_or(EngineId::Wasmtime), isolation, repeat.is_some())
    {
        return finish(&talk, report, rejected(rejection, Refused::default(), &name, began, isolation));
    }
    // An image is pulled before the run begins, for as long as that takes.
    let at_hand = if print_policy { Ok(source) } else { source.at_hand(quiet) };
    let source = match at_hand {
        Ok(source) => source,
        Err(rejection) => {
            return finish(&talk, report, rejected(rejection, Refused::default(), &name, began, isolation));
        }
    };
    // Only now: until here nothing runs, and a signal ends us at once.
    let on_signal = OnSignal::listen()?;
    let began = Instant::now();
    let suited = match suited::find(&settled, source, &signatures, isolation, repeat.is_some(), began, &on_signal) {
        Ok(suited) => suited,
        Err(outcome) => return finish(&talk, report, unstarted(outcome, Refused::default(), &name, began, isolation)),
    };
    let terminal_withheld = settled.terminal_withheld;
    let Suited { engine, policy, choice, source } = suited;
    let policy = Arc::new(if verify_with.is_some() { verify::bounded(policy) } else { policy });
    if print_policy {
        output::json(&*policy)?;
        return Ok(0);
    }
    let asked = Asked {
        source,
        signatures,
        name,
        invoke,
        function_args,
        policy,
        engine,
        choice,
        terminal_withheld,
        isolation,
        talk,
        report,
        began,
        on_signal,
    };
    // What must be so for both, before anything runs on one.
    let verify_with = verify_with.map(|second| -> Result<_, Rejection> {
        verify::check(&asked.policy)?;
        Ok((second, verify::bounded(in_force(&settled, second, isolation, false)?)))
    });
    let verify_with = match verify_with.transpose() {
        Ok(second) => second,
        Err(rejection) => {
            let refused = Refused { policy: Some(Policy::clone(&asked.policy)), module: None };
            let report = unstarted(Outcome::Rejected(rejection), refused, &asked.name, began, isolation);
            return finish(&asked.talk, asked.report, report);
        }
    };
    let repeat = repeat.map(|times| Repeat { times, at_once: concurrency, json });
    match isolation {
        Isolation::None => {
            if let Some(flag) = [
                (!allow_missing.is_empty()).then_some("--allow-missing"),
                (!allow_syscall.is_empty()).then_some("--allow-syscall"),
                (!deny_syscall.is_empty()).then_some("--deny-syscall"),
                classic_root.then_some("--classic-root"),
            ]
            .into_iter()
            .flatten()
            .next()
            {
                output::error(&format!("{flag} is about the guest's own process, and isolation `none` has none"));
                return Ok(super::USAGE);
            }
            match verify_with {
                Some(second) => verify::run(asked, LaunchConfig::default(), second),
                None => inside::run(asked, repeat),
            }
        }
        Isolation::Process | Isolation::Tenant => {
            let syscalls = ExtraSyscalls { allow: allow_syscall, deny: deny_syscall };
            // Of what no engine compiles there is nothing to keep.
            let room = if engine.compiles() { cache.room() } else { None };
            let config =
                LaunchConfig { engine, dispensable: allow_missing, syscalls, classic_root, cache: room, ..LaunchConfig::default() };
            if let Err(error) = config.check() {
                output::error(&format!("--allow-syscall, --deny-syscall: {error}"));
                return Ok(super::USAGE);
            }
            if let Some(second) = verify_with {
                return verify::run(asked, config, second);
            }
            let open_cache = |into: &_| cache.open(into, &store, quiet, verbose);
            jailed::run(asked, repeat, config, open_cache)
        }
    }
}

/// The policy in force, or what of it nothing can enforce here.
fn in_force(settled: &Settled, engine: EngineId, isolation: Isolation, repeated: bool) -> Result<Policy, Rejection> {
    let Settled { policy, spec, terminal_withheld: _, isolation: _, engine: _, prefer: _, signature_required: _ } = settled;
    engines::check(engine)?;
    if isolation == Isolation::Tenant && !repeated {
        let why = "its guests share a worker that somebody keeps, and here is one guest; use `process`".into();
        return Err(Unenforceable { what: "isolation `tenant`".into(), why }.into());
    }
    let policy = policy.narrow(spec)?.resolve_on(engine, isolation)?;
    // This program has no functions of its own for guests, and says so to whoever grants one.
    HostFunctions::new().admitted(&policy.grants)?;
    Ok(policy)
}

/// Whether a module that can read is not given this terminal, which a person may wonder about.
fn reads_nothing(asked: &Asked, module: &ambit_admit::Verified) -> bool {
    asked.terminal_withheld && ambit_admit::could_ask_for(module).iter().any(|(grant, _)| *grant == GrantKey::Stdin)
}

/// Says why this engine runs the module, to whoever wants to hear such things and has not said it.
fn explain_engine(asked: &Asked, module: &ambit_admit::Verified) {
    if let (true, Some(choice)) = (asked.talk.verbose, &asked.choice) {
        let metering = if asked.isolation == Isolation::Process { Metering::Kernel } else { Metering::Epochs };
        output::note(&engines::explained(choice, asked.engine, module, &asked.policy, metering));
    }
}
