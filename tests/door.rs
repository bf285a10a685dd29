//! One door for tests that run guests in this process: admission, policy, runtime, report.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use ambit_admit::AdmitRules;
use ambit_core::{EngineId, Event, Isolation, Outcome, Policy, PolicySpec, Profile, Rejection, Report, ResultValue, RunId, Usage};
use ambit_engine::{
    Call, Engine,
    host::{Capture, EmptyInput, GuestInput},
    wasmi::WasmiEngine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use ambit_runtime::{Module, RunRequest, Running, Runtime, RuntimeConfig, Streams};

/// A runtime, and how many ends of runs it has told of.
pub(crate) struct Door {
    pub(crate) runtime: Runtime,
    ends: Arc<AtomicUsize>,
}

/// What to run.
pub(crate) struct Ask {
    pub(crate) module: Vec<u8>,
    pub(crate) profile: Profile,
    pub(crate) spec: PolicySpec,
    /// An export and its arguments; a command if absent.
    pub(crate) invoke: Option<(String, Vec<String>)>,
    pub(crate) stdin: Box<dyn GuestInput>,
    pub(crate) cancel_after: Option<Duration>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) stdout: Vec<u8>,
    /// Whether it began, so that its end is an event.
    pub(crate) started: bool,
}

impl Ask {
    /// A module, binary or text, in the profile `default` with these limits.
    pub(crate) fn new(module: impl AsRef<[u8]>, limits: &[(&str, &str)]) -> Self {
        Self::bytes(wat::parse_bytes(module.as_ref()).expect("valid text").into_owned(), limits)
    }

    /// The same for bytes as they are, which need be no module.
    pub(crate) fn bytes(module: Vec<u8>, limits: &[(&str, &str)]) -> Self {
        let mut spec = PolicySpec::default();
        for (key, value) in limits {
            spec.limits.set(key, value).unwrap_or_else(|error| panic!("{error}"));
        }
        Self { module, profile: Profile::Default, spec, invoke: None, stdin: Box::new(EmptyInput), cancel_after: None }
    }

    /// Calls this export.
    pub(crate) fn invoke(mut self, name: &str, args: &[&str]) -> Self {
        self.invoke = Some((name.into(), args.iter().map(ToString::to_string).collect()));
        self
    }

    /// Runs it as a program with these arguments.
    pub(crate) fn command(mut self, args: &[&str]) -> Self {
        self.spec.grants.get_or_insert_default().args = args.iter().map(ToString::to_string).collect();
        self
    }

    fn policy(&self) -> Result<Policy, Rejection> {
        Ok(self.profile.policy().narrow(&self.spec)?.resolve(Isolation::None)?)
    }
}

impl Door {
    /// With this engine.
    pub(crate) fn on(engine: EngineId, config: RuntimeConfig) -> Self {
        let ends = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ends);
        let listener = Arc::new(move |event: &Event| {
            if matches!(event, Event::Ended { .. }) {
                counter.fetch_add(1, SeqCst);
            }
        });
        let engine: Arc<dyn Engine> = match engine {
            EngineId::Wasmtime => Arc::new(WasmtimeEngine::new(PoolConfig { guests: config.pool_guests })),
            EngineId::Wasmi => Arc::new(WasmiEngine::new()),
            EngineId::Wasmer => panic!("not built in"),
        };
        let config = RuntimeConfig { listener: Some(listener), ..config };
        Self { runtime: Runtime::with_engine(config, engine).expect("threads"), ends }
    }

    /// How many runs have ended.
    pub(crate) fn ends(&self) -> usize {
        self.ends.load(SeqCst)
    }

    /// Starts a run.
    pub(crate) fn start(&self, ask: Ask, stdout: &Capture) -> Result<Running, Rejection> {
        let policy = ask.policy()?;
        let module = Arc::new(ambit_admit::admit(ask.module, &AdmitRules::from_policy(&policy))?);
        let call = match &ask.invoke {
            Some((name, args)) => Call::invoke(&module, name, args)?,
            None => Call::command(&module)?,
        };
        let streams = Streams { stdin: Some(ask.stdin), stdout: Box::new(stdout.clone()), ..Streams::default() };
        let request = RunRequest {
            module: Module::Verified(module),
            policy: Arc::new(policy),
            call,
            streams,
            since: None,
            tenant: None,
            name: "guest".into(),
        };
        let running = self.runtime.start(request)?;
        if let Some(after) = ask.cancel_after {
            let control = running.control();
            thread::spawn(move || {
                thread::sleep(after);
                control.cancel("the test");
            });
        }
        Ok(running)
    }

    /// Runs to the end.
    pub(crate) fn run(&self, ask: Ask) -> Ran {
        let stdout = Capture::default();
        let (report, started) = match self.start(ask, &stdout) {
            Ok(running) => (running.wait().report(), true),
            Err(rejection) => (rejected(rejection), false),
        };
        Ran { report, stdout: stdout.take(), started }
    }

    /// Whether a well-behaved guest still runs and computes.
    pub(crate) fn is_well(&self) -> bool {
        let ran = self.run(Ask::new(guest("bin/add.wasm"), &[]).invoke("add", &["20", "22"]));
        ran.report.outcome.is_success() && ran.report.results == [ResultValue::I32(42)]
    }
}

/// A file of the guests' directory.
pub(crate) fn guest(path: &str) -> Vec<u8> {
    let path = guests().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The guests' directory.
pub(crate) fn guests() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests"))
}

/// `exited:7`, `trapped:unreachable`, `limit-exceeded:fuel`, `rejected:policy`, `cancelled`.
pub(crate) fn shown(outcome: &Outcome) -> String {
    let detail = match outcome {
        Outcome::Exited { code } => code.to_string(),
        Outcome::Trapped { trap, .. } => trap.to_string(),
        Outcome::LimitExceeded { limit, .. } => limit.to_string(),
        Outcome::Rejected(rejection) => rejection.reason.to_string(),
        Outcome::Cancelled { .. } => return outcome.kind().into(),
        Outcome::Killed { signal } => signal.clone(),
        Outcome::Lost { reason } => reason.clone(),
    };
    format!("{}:{detail}", outcome.kind())
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line VmRSS");
    let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kib << 10
}

/// The report of a run that never began.
pub(crate) fn rejected(rejection: Rejection) -> Report {
    Report {
        run: RunId(0),
        outcome: Outcome::Rejected(rejection),
        results: Vec::new(),
        value: None,
        usage: Usage::default(),
        violations: Vec::new(),
        policy: None,
        module: None,
        name: None,
        engine: None,
        engine_version: None,
        isolation: Isolation::None,
        layers: Vec::new(),
        artifact: None,
    }
}
