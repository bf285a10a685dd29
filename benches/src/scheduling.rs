//! Many guests at once: how soon they end, how the CPU is shared, what they take up.

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::AdmitRules;
use ambit_core::{Bound, Cpus, Outcome, Policy};
use ambit_engine::Call;
use ambit_runtime::{LoadedModule, Module, RunRequest, Runtime, RuntimeConfig, Streams, Tenant, TenantConfig};

/// What a busy guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// It computes, and never returns.
    Computes,
    /// It asks the host for the time, and never returns.
    CallsTheHost,
    /// It touches nearly 4 GiB of fresh memory, page by page, and returns; it is started again at once.
    Faults,
}

impl Busy {
    const fn text(self) -> &'static str {
        match self {
            Busy::Computes => r#"(module (func (export "run") (loop $again (br $again))))"#,
            Busy::CallsTheHost => {
                r#"(module (import "env" "time" (func $time (result i64)))
                    (func (export "run") (loop $again (drop (call $time)) (br $again))))"#
            }
            Busy::Faults => {
                r#"(module (memory 65535) (func (export "run") (local $at i32)
                    (loop $again
                        (i32.store (local.get $at) (i32.const 1))
                        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                        (br_if $again (i32.lt_u (local.get $at) (i32.const 0xffff0000))))))"#
            }
        }
    }
}

/// A guest that does nothing, one that sleeps for a minute.
const NOOP: &str = r#"(module (memory 1) (func (export "run")))"#;
const SLEEPS: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "run")
        (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const 60000000000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;

/// A module in a runtime, and what to call.
#[derive(Debug, Clone)]
struct Guest {
    module: Arc<LoadedModule>,
    policy: Arc<Policy>,
    call: Call,
}

impl Guest {
    fn new(runtime: &Runtime, text: &str, policy: Policy) -> Self {
        let bytes = wat::parse_str(text).expect("valid text");
        let verified = Arc::new(ambit_admit::admit(bytes, &AdmitRules::from_policy(&policy)).expect("admitted"));
        let call = Call::invoke(&verified, "run", &[]).expect("exported");
        Self { module: runtime.load(&verified, &policy).expect("compiled"), policy: Arc::new(policy), call }
    }

    fn request(&self, tenant: Option<&Tenant>) -> RunRequest {
        RunRequest {
            module: Module::Loaded(Arc::clone(&self.module)),
            policy: Arc::clone(&self.policy),
            call: self.call.clone(),
            streams: Streams::default(),
            since: None,
            name: "bench".into(),
            tenant: tenant.cloned(),
        }
    }
}

fn runtime(cores: usize, pool_guests: u32) -> Runtime {
    Runtime::new(RuntimeConfig { cores, pool_guests, ..RuntimeConfig::default() }).expect("threads")
}

/// Keeps `count` guests busy on a thread of its own until the runtime is dropped.
fn keep_busy(runtime: &Arc<Runtime>, guest: &Guest, tenant: &Tenant, count: usize) -> Vec<ambit_runtime::Control> {
    let start = |guest: &Guest, tenant: &Tenant, runtime: &Runtime| runtime.start(guest.request(Some(tenant))).expect("room");
    let runs: Vec<_> = (0..count).map(|_| start(guest, tenant, runtime)).collect();
    let controls = runs.iter().map(ambit_runtime::Running::control).collect();
    let (runtime, guest, tenant) = (Arc::downgrade(runtime), guest.clone(), tenant.clone());
    thread::spawn(move || {
        let driver = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        driver.block_on(tokio::task::LocalSet::new().run_until(async move {
            let again = runs.into_iter().map(|mut run| {
                let (runtime, guest, tenant) = (runtime.clone(), guest.clone(), tenant.clone());
                tokio::task::spawn_local(async move {
                    // Those that return are started again; those that were ended are not.
                    while matches!(run.await.outcome(), Outcome::Exited { .. }) {
                        let Some(runtime) = runtime.upgrade() else { return };
                        let Ok(next) = runtime.start(guest.request(Some(&tenant))) else { return };
                        run = next;
                    }
                })
            });
            for task in again.collect::<Vec<_>>() {
                task.await.expect("no panic");
            }
        }));
    });
    controls
}

/// How long after their deadline of 50 ms endless loops had ended, on two cores: median and 99th percentile, in milliseconds.
///
/// # Panics
/// One of them ended otherwise.
pub fn overshoot(guests: usize) -> (f64, f64) {
    const DEADLINE: Duration = Duration::from_millis(50);
    let runtime = runtime(2, 256);
    let guest = Guest::new(&runtime, Busy::Computes.text(), crate::policy(&[("wall-time", "50ms")]));
    let running: Vec<_> = (0..guests).map(|_| runtime.start(guest.request(None)).expect("room")).collect();
    let mut over: Vec<f64> = running
        .into_iter()
        .map(|run| {
            let finished = run.wait();
            assert!(matches!(finished.outcome(), Outcome::LimitExceeded { .. }), "{:?}", finished.outcome());
            let wall = Duration::from_nanos(finished.usage().wall_ns.expect("known"));
            wall.saturating_sub(DEADLINE).as_secs_f64() * 1000.0
        })
        .collect();
    (quantile(&mut over, 50), quantile(&mut over, 99))
}

/// The same with tokio alone: raw Wasmtime guests that yield at every tick of 1 ms, each under `tokio::time::timeout`.
///
/// # Panics
/// One of them ended otherwise.
pub fn overshoot_of_tokio(guests: usize) -> (f64, f64) {
    use wasmtime::{Engine, InstancePre, Linker, Store, UpdateDeadline};
    const DEADLINE: Duration = Duration::from_millis(50);
    let settings = ambit_engine::Settings::shared_process(&crate::policy(&[]));
    let engine = Engine::new(&ambit_engine::wasmtime::pooled_configuration(&settings, 256)).expect("valid");
    let module = wasmtime::Module::new(&engine, wat::parse_str(Busy::Computes.text()).expect("valid")).expect("valid");
    let pre: InstancePre<()> = Linker::new(&engine).instantiate_pre(&module).expect("no imports");
    let ticking = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = ticking.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(Duration::from_millis(1));
        }
    });
    let driver = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime");
    let tasks: Vec<_> = (0..guests)
        .map(|_| {
            let (engine, pre) = (engine.clone(), pre.clone());
            driver.spawn(async move {
                let began = Instant::now();
                let ended = tokio::time::timeout(DEADLINE, async {
                    let mut store = Store::new(&engine, ());
                    store.set_epoch_deadline(1);
                    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
                    let instance = pre.instantiate_async(&mut store).await.expect("instantiates");
                    let run = instance.get_typed_func::<(), ()>(&mut store, "run").expect("exported");
                    run.call_async(&mut store, ()).await
                });
                assert!(ended.await.is_err(), "it never returns");
                began.elapsed().saturating_sub(DEADLINE).as_secs_f64() * 1000.0
            })
        })
        .collect();
    let mut over: Vec<f64> = driver.block_on(async {
        let mut over = Vec::new();
        for task in tasks {
            over.push(task.await.expect("no panic"));
        }
        over
    });
    (quantile(&mut over, 50), quantile(&mut over, 99))
}

/// How CPU time was shared.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// What the first tenant had for each second of the other's.
    pub ratio: f64,
    /// What all tenants were billed for each second the process used.
    pub billed: f64,
}

/// Two tenants with weights 3:1, 50 busy guests each, for two seconds on two cores.
///
/// # Panics
/// The machine gives no threads.
pub fn shares(busy: Busy) -> Shares {
    let runtime = Arc::new(runtime(2, 256));
    let guest = Guest::new(&runtime, busy.text(), crate::policy(&[("wall-time", "60s"), ("memory", "4GiB")]));
    let tenant = |name, weight| runtime.tenant(TenantConfig { weight, ..TenantConfig::new(name) }).expect("a weight");
    let tenants = [tenant("heavy", 300), tenant("light", 100)];
    let controls: Vec<_> = tenants.iter().flat_map(|tenant| keep_busy(&runtime, &guest, tenant, 50)).collect();
    thread::sleep(Duration::from_millis(300));
    let billed = || {
        let stats = runtime.stats();
        let of = |name: &str| stats.tenants.iter().find(|tenant| &*tenant.name == name).map_or(Duration::ZERO, |tenant| tenant.cpu);
        [of("heavy"), of("light")]
    };
    let (before, used_before) = (billed(), used());
    thread::sleep(Duration::from_secs(2));
    let (after, used_after) = (billed(), used());
    let [heavy, light] = [0, 1].map(|i| (after[i] - before[i]).as_secs_f64());
    controls.iter().for_each(|run| run.cancel("bench"));
    Shares { ratio: heavy / light, billed: (heavy + light) / (used_after - used_before).as_secs_f64() }
}

/// Whose share is capped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capped {
    /// A tenant's with 20 guests, at a quarter of a core.
    Tenant,
    /// A guest's, at half a core.
    Guest,
}

/// Cores that a process used in which everything is capped, for some seconds, as the kernel counts them.
///
/// # Panics
/// The machine gives no threads.
pub fn capped(capped: Capped, busy: Busy) -> f64 {
    // A guest that touches memory has soon touched it all; a run that begins anew has a full share again.
    let (until, lasts) = match (capped, busy) {
        (Capped::Guest, Busy::Faults) => (200, 1000),
        _ => (500, 3000),
    };
    let runtime = Arc::new(runtime(2, 256));
    let (cpus, guests, share) = match capped {
        Capped::Tenant => (Bound::At(Cpus::from_milli(250)), 20, "1"),
        Capped::Guest => (Bound::Unlimited, 1, "0.5"),
    };
    let guest = Guest::new(&runtime, busy.text(), crate::policy(&[("wall-time", "60s"), ("memory", "4GiB"), ("cpus", share)]));
    let tenant = runtime.tenant(TenantConfig { cpus, ..TenantConfig::new("capped") }).expect("a tenant");
    let controls = keep_busy(&runtime, &guest, &tenant, guests);
    thread::sleep(Duration::from_millis(until));
    let (before, began) = (used(), Instant::now());
    thread::sleep(Duration::from_millis(lasts));
    let cores = (used() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    controls.iter().for_each(|run| run.cancel("bench"));
    cores
}

/// How long a call of a guest that does nothing takes, every 10 ms, alone and beside 500 busy guests of another tenant on two
/// cores: the 99th percentile of each, in milliseconds.
///
/// # Panics
/// A call fails.
pub fn neighbour() -> (f64, f64) {
    let runtime = Arc::new(runtime(2, 1024));
    let benign = Guest::new(&runtime, NOOP, crate::policy(&[]));
    let tenants = ["benign", "busy"].map(|name| runtime.tenant(TenantConfig::new(name)).expect("a tenant"));
    let calls = || {
        let mut took: Vec<f64> = (0..300)
            .map(|_| {
                thread::sleep(Duration::from_millis(10));
                let began = Instant::now();
                let finished = runtime.run(benign.request(Some(&tenants[0]))).expect("room");
                assert!(finished.outcome().is_success(), "{:?}", finished.outcome());
                began.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        quantile(&mut took, 99)
    };
    let alone = calls();
    let busy = Guest::new(&runtime, Busy::Computes.text(), crate::policy(&[("wall-time", "60s")]));
    let controls = keep_busy(&runtime, &busy, &tenants[1], 500);
    let beside = calls();
    controls.iter().for_each(|run| run.cancel("bench"));
    (alone, beside)
}

/// Kilobytes that each of 10 000 sleeping guests takes up beyond the page of memory and the page of its image it touches.
///
/// # Panics
/// They do not all start, or one ends.
pub fn parked() -> f64 {
    const GUESTS: usize = 10_000;
    /// The page it writes its subscription to.
    const TOUCHED: f64 = 4.0;
    let runtime = runtime(1, u32::try_from(GUESTS).expect("few"));
    let guest = Guest::new(&runtime, SLEEPS, crate::policy(&[("wall-time", "5m")]));
    let before = resident();
    let running: Vec<_> = (0..GUESTS).map(|_| runtime.start(guest.request(None)).expect("room")).collect();
    let waiting = || runtime.stats().runs[&ambit_runtime::RunState::Waiting];
    let until = Instant::now() + Duration::from_secs(30);
    while waiting() < GUESTS {
        assert!(Instant::now() < until, "{} of {GUESTS} wait", waiting());
        thread::sleep(Duration::from_millis(20));
    }
    let each = (resident() - before) / GUESTS as f64 - TOUCHED;
    running.iter().for_each(|run| run.cancel("bench"));
    for run in running {
        assert!(matches!(run.wait().outcome(), Outcome::Cancelled { .. }));
    }
    each
}

/// Kilobytes by which the process grows over 100 000 instances, made and dropped.
///
/// # Panics
/// A call fails.
pub fn churn() -> f64 {
    let runtime = runtime(1, 256);
    let guest = Guest::new(&runtime, NOOP, crate::policy(&[]));
    let runs = |count: u32| {
        for _ in 0..count {
            assert!(runtime.run(guest.request(None)).expect("room").outcome().is_success());
        }
    };
    runs(5_000);
    let before = resident();
    runs(100_000);
    resident() - before
}

/// Calls or runs a second of a module, from `threads` threads, on as many cores, as an embedder makes them: through the crate
/// `ambit`. A function is called with a fresh instance each; without one it is run as a program, and its output kept.
///
/// # Panics
/// A run fails.
pub fn rate(bytes: &[u8], invoke: Option<&str>, threads: usize) -> f64 {
    const FOR: Duration = Duration::from_millis(1500);
    let runtime = ambit::Runtime::builder().cores(threads).concurrency(10_000).build().expect("threads");
    let module = runtime.load_blocking(bytes).expect("admitted");
    let function = invoke.map(|name| module.func::<(), ()>(name).expect("exported"));
    let once = || match &function {
        Some(function) => function.call_blocking(()).expect("it returns"),
        None => drop(module.run_blocking([] as [&str; 0]).expect("it runs").success().expect("it succeeds")),
    };
    let began = Instant::now();
    let runs: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut runs = 0;
                    while began.elapsed() < FOR {
                        (0..100).for_each(|_| once());
                        runs += 100;
                    }
                    runs
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum()
    });
    runs as f64 / began.elapsed().as_secs_f64()
}

/// CPU time the process has used, as the kernel counts it.
fn used() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Resident memory, in kilobytes.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn quantile(values: &mut [f64], hundredths: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[(values.len() * hundredths).div_ceil(100).saturating_sub(1)]
}
