//! Guests in processes of their own: what a jail costs, and how soon a run in one is over.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, Verified, admit};
use ambit_core::{Isolation, LimitsSpec, Metering, Outcome, Policy, PolicySpec, Profile, RunId};
use ambit_manager::{
    Compiled, Control, Entry, LaunchConfig, LaunchRequest, Launcher, Spawner, Streams, WarmWorkers,
    tenant::{TenantLimits, TenantModule, TenantRun, TenantWorker},
};

use crate::guest;

/// The program that jailed processes are: `ambit`, built beside this one.
fn launcher() -> Arc<Launcher> {
    let mut path: PathBuf = std::env::current_exe().expect("a path of our own");
    path.set_file_name("ambit");
    Arc::new(Launcher::with(Spawner::of(&path).expect("`ambit` is built beside the benchmarks"), LaunchConfig::default()))
}

fn policy(isolation: Isolation, limits: &[(&str, &str)]) -> Arc<Policy> {
    let mut spec = LimitsSpec::default();
    for (key, value) in limits {
        spec.set(key, value).expect("a limit");
    }
    let spec = PolicySpec { limits: spec, ..PolicySpec::default() };
    Arc::new(Profile::Default.policy().narrow(&spec).expect("within the ceilings").resolve(isolation).expect("enforceable"))
}

fn module(bytes: Vec<u8>, policy: &Policy) -> Arc<Verified> {
    Arc::new(admit(bytes, &AdmitRules::from_policy(policy)).expect("a module of ours"))
}

fn text(path: &str) -> Vec<u8> {
    wat::parse_bytes(&guest(path)).expect("valid text").into_owned()
}

/// A module that is compiled, and all it takes to run it.
struct Ready {
    launcher: Arc<Launcher>,
    policy: Arc<Policy>,
    module: Arc<Verified>,
    code: Arc<Compiled>,
    entry: Entry,
}

impl Ready {
    fn new(bytes: Vec<u8>, function: Option<&str>, isolation: Isolation, limits: &[(&str, &str)]) -> Self {
        let (launcher, policy) = (launcher(), policy(isolation, limits));
        let module = module(bytes, &policy);
        let metering = if isolation == Isolation::Tenant { Metering::Epochs } else { Metering::Kernel };
        let control = Control::new().expect("a descriptor");
        let code = launcher.compile(&module, &policy, metering, &control, None).expect("a module of ours compiles");
        Self { launcher, policy, module, code: Arc::new(code), entry: entry(function) }
    }

    fn request(&self, since: Instant) -> LaunchRequest {
        LaunchRequest {
            run: RunId(1),
            module: Arc::clone(&self.module),
            entry: self.entry.clone(),
            name: "guest".into(),
            streams: Streams::default(),
            since,
        }
    }

    fn worker(&self) -> (TenantWorker, TenantModule) {
        let worker = TenantWorker::start(&self.launcher, TenantLimits::default()).expect("a worker");
        let module = worker.load(&self.module, &self.policy, &self.code).expect("a module of ours loads");
        (worker, module)
    }

    fn run(&self) -> TenantRun {
        TenantRun { entry: self.entry.clone(), name: "guest".into(), policy: None, keep_output: true }
    }
}

fn entry(function: Option<&str>) -> Entry {
    match function {
        Some(function) => Entry::Invoke { function: function.into(), args: Vec::new() },
        None => Entry::Command,
    }
}

/// The value below which so many of a hundred lie.
fn percentile(mut values: Vec<f64>, hundredths: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[((values.len() * hundredths).div_ceil(100)).saturating_sub(1)]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A run of a hello on a warm worker, from the request to its outcome: the median, in milliseconds.
pub fn warm_run() -> f64 {
    let ready = Ready::new(guest("bin/hello.wasm"), None, Isolation::Process, &[]);
    let warm = WarmWorkers::start(Arc::clone(&ready.launcher), Arc::clone(&ready.policy), 2).expect("a thread");
    let control = Control::new().expect("a descriptor");
    let mut took = Vec::new();
    for _ in 0..300 {
        while warm.ready() < 2 {
            assert_eq!(warm.trouble(), None);
            std::thread::sleep(Duration::from_micros(200));
        }
        let began = Instant::now();
        let prepared = warm.prepare(&ready.policy, &ready.code).expect("a warm worker");
        let report = ready.launcher.run(prepared, ready.request(began), &control, &mut |_| {});
        took.push(millis(began.elapsed()));
        assert!(report.outcome.is_success(), "{:?}", report.outcome);
    }
    percentile(took, 50)
}

/// From nothing to a worker that is in its jail and waits for a job: the median, in milliseconds.
pub fn entry_from_scratch() -> f64 {
    let launcher = launcher();
    let took = (0..200).map(|_| {
        let began = Instant::now();
        launcher.try_entering().expect("a worker");
        millis(began.elapsed())
    });
    percentile(took.collect(), 50)
}

/// Hellos a second inside so many workers, each on a fresh instance.
pub fn inside_rate(workers: usize) -> f64 {
    let ready = Ready::new(guest("bin/hello.wasm"), None, Isolation::Tenant, &[]);
    let each = 150_000;
    let workers: Vec<_> = (0..workers).map(|_| ready.worker()).collect();
    let run = ready.run();
    let began = Instant::now();
    let told: Vec<_> = workers.iter().map(|(worker, module)| worker.repeat(module, &run, each).expect("taken")).collect();
    let done: usize = told.iter().map(|told| told.iter().map(|some| some.took.len()).sum::<usize>()).sum();
    assert_eq!(done as u64, each * workers.len() as u64);
    done as f64 / began.elapsed().as_secs_f64()
}

/// Hellos a second in one worker that are asked for one by one, without waiting for each.
pub fn wire_rate() -> f64 {
    let ready = Ready::new(guest("bin/hello.wasm"), None, Isolation::Tenant, &[]);
    let (worker, module) = ready.worker();
    let run = ready.run();
    let (count, under_way) = (100_000, 64);
    let mut pending = std::collections::VecDeque::with_capacity(under_way);
    let began = Instant::now();
    for _ in 0..count {
        if pending.len() == under_way {
            let end = Option::expect(pending.pop_front(), "some are under way");
            finish(end);
        }
        pending.push_back(worker.run(&module, &run).expect("taken"));
    }
    pending.into_iter().for_each(finish);
    f64::from(count) / began.elapsed().as_secs_f64()
}

fn finish(pending: ambit_manager::tenant::Pending) {
    let end = pending.wait();
    assert!(end.outcome.is_success() && end.stdout == b"hello, world\n", "{end:?}");
}

/// What a guest does that is to be ended.
#[derive(Debug, Clone, Copy)]
pub enum Doing {
    /// It computes.
    Loops,
    /// It sleeps in a host call.
    Sleeps,
    /// It waits for input that does not come.
    Reads,
    /// It fills its memory again and again.
    Fills,
    /// It has filled its memory once, and sleeps.
    Holds,
    /// Its module is being compiled, which takes for ever.
    Compiles,
}

/// How long a run has before it is ended.
const DEADLINE: Duration = Duration::from_millis(50);

/// How long after its deadline a run is over and its process reaped, over `runs` of them: median and 99th percentile, in
/// milliseconds.
pub fn kill_overshoot(doing: Doing, runs: usize) -> (f64, f64) {
    let deadline = format!("{}ms", DEADLINE.as_millis());
    let limits = [("wall-time", deadline.as_str()), ("memory", "256MiB"), ("nesting", "unlimited"), ("loop-nesting", "unlimited")];
    let limits = if matches!(doing, Doing::Compiles) { &limits[..] } else { &limits[..2] };
    let (bytes, function) = match doing {
        Doing::Loops => (text("hostile/cpu-002.wat"), Some("run")),
        Doing::Sleeps => (wat::parse_str(SLEEPS).expect("valid text"), None),
        Doing::Reads => (guest("bin/cat.wasm"), None),
        Doing::Fills => (wat::parse_str(FILLS).expect("valid text"), None),
        Doing::Holds => (wat::parse_str(SLEEPS.replace(";; first", FILLS_ONCE)).expect("valid text"), None),
        Doing::Compiles => (bomb(), Some("run")),
    };
    let (launcher, policy) = (launcher(), policy(Isolation::Process, limits));
    let module = module(bytes, &policy);
    let control = Control::new().expect("a descriptor");
    let code = (!matches!(doing, Doing::Compiles)).then(|| {
        let code = launcher.compile(&module, &policy, Metering::Kernel, &control, None);
        Arc::new(code.expect("a module of ours compiles"))
    });
    let mut over = Vec::with_capacity(runs);
    for _ in 0..runs {
        let prepared = match &code {
            Some(code) => launcher.prepare_compiled(&policy, code),
            None => launcher.prepare(&policy),
        };
        let prepared = prepared.expect("a worker");
        // Held open, and never written to.
        let (input, _never) = rustix::pipe::pipe().expect("a pipe");
        let stdin = if matches!(doing, Doing::Reads) { ambit_manager::Input::Fd(input) } else { ambit_manager::Input::Nothing };
        let since = Instant::now();
        let request = LaunchRequest {
            run: RunId(1),
            module: Arc::clone(&module),
            entry: entry(function),
            name: "guest".into(),
            streams: Streams { stdin, ..Streams::default() },
            since,
        };
        let report = launcher.run(prepared, request, &control, &mut |_| {});
        over.push(millis(since.elapsed().saturating_sub(DEADLINE)));
        assert!(matches!(report.outcome, Outcome::LimitExceeded { .. }), "{doing:?}: {:?}", report.outcome);
    }
    (percentile(over.clone(), 50), percentile(over, 99))
}

/// What it takes to give back the memory that a guest has filled which fills it again and again, in milliseconds: how much later one
/// is over that has filled as much and sleeps than one that sleeps.
pub fn teardown(runs: usize) -> f64 {
    let (holds, sleeps) = (kill_overshoot(Doing::Holds, runs).0, kill_overshoot(Doing::Sleeps, runs).0);
    (holds - sleeps).max(0.0)
}

/// The same of guests that share a worker and yield: the 99th percentile, in milliseconds.
pub fn tenant_overshoot(runs: usize) -> f64 {
    let deadline = format!("{}ms", DEADLINE.as_millis());
    let ready = Ready::new(text("hostile/cpu-002.wat"), Some("run"), Isolation::Tenant, &[("wall-time", &deadline)]);
    let (worker, module) = ready.worker();
    let run = ready.run();
    let over = (0..runs).map(|_| {
        let since = Instant::now();
        let end = worker.run(&module, &run).expect("taken").wait();
        assert!(matches!(end.outcome, Outcome::LimitExceeded { .. }), "{:?}", end.outcome);
        millis(since.elapsed().saturating_sub(DEADLINE))
    });
    percentile(over.collect(), 99)
}

/// How long after its deadline the worker of a guest that does not yield is gone: the longest of some, in milliseconds.
pub fn unyielding() -> f64 {
    let limits = [("wall-time", "50ms"), ("memory", "4GiB")];
    let ready = Ready::new(wat::parse_str(FILLS_FOR_LONG).expect("valid text"), Some("run"), Isolation::Tenant, &limits);
    let over = (0..20).map(|_| {
        let (worker, module) = ready.worker();
        let since = Instant::now();
        let end = worker.run(&module, &ready.run()).expect("taken").wait();
        let over = millis(since.elapsed().saturating_sub(DEADLINE));
        assert!(matches!(end.outcome, Outcome::LimitExceeded { .. }) && worker.over().is_some(), "{:?}", end.outcome);
        over
    });
    over.fold(0.0, f64::max)
}

/// Memory of its own that a worker takes which waits for a job, in MiB.
pub fn idle_memory() -> f64 {
    // Two, since what a program has of itself in memory is shared by all that run it.
    let warm = WarmWorkers::start(launcher(), policy(Isolation::Process, &[]), 2).expect("a thread");
    while warm.ready() < 2 {
        assert_eq!(warm.trouble(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = warm.pids()[0];
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("root may look at any process");
    let kib = |key: &str| -> f64 {
        let line = rollup.lines().find_map(|line| line.strip_prefix(key)).expect("every kernel says so");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    };
    (kib("Private_Clean:") + kib("Private_Dirty:")) / 1024.0
}

/// Sleeps for an hour.
const SLEEPS: &str = r#"(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1024)
  (func (export "_start")
    ;; first
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;

/// Leaves the beginning, from which the one that sleeps takes what it passes on.
const FILLS_ONCE: &str = "(memory.fill (i32.const 1024) (i32.const 1) (i32.const 0x3fffc00))";

/// Fills 64 MiB again and again.
const FILLS: &str = r#"(module
  (memory (export "memory") 1024)
  (func (export "_start")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))
      (br $again))))"#;

/// Fills nearly 4 GiB in one go, which nothing can interrupt from inside.
const FILLS_FOR_LONG: &str = r#"(module
  (memory (export "memory") 65000)
  (func (export "run")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 0xfde80000))
      (br $again))))"#;

/// Loops within loops, over which a compiler sits for minutes.
fn bomb() -> Vec<u8> {
    let depth = 20_000;
    let mut body = String::new();
    (0..depth).for_each(|_| body.push_str("loop "));
    body.push_str("local.get 0 br_if 0 ");
    (0..depth).for_each(|_| body.push_str("end "));
    let text = format!("(module (func (export \"run\") (local i32) {body}))");
    wat::parse_str(text).expect("valid text")
}
