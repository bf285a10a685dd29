//! Host functions of the embedder's, under the scheduler: deadlines, panics, cancellation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, FuncType};
use ambit_core::{Isolation, LimitKey, Outcome, PolicySpec, Profile};
use ambit_engine::{
    Call, HostFunctions,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use ambit_runtime::{Module, RunRequest, Running, Runtime, RuntimeConfig, Streams};

const GUEST: &str = r#"(module
    (import "app" "f" (func $f))
    (func (export "_start") (call $f))
    (func (export "spin") (loop (br 0))))"#;

/// A runtime with the functions, and the module started under a deadline.
fn start(functions: HostFunctions, wall_time: &str) -> (Runtime, impl Fn(&Runtime) -> Running) {
    let mut spec = PolicySpec::default();
    spec.limits.set("wall-time", wall_time).expect("a limit");
    spec.grants.get_or_insert_default().functions = vec!["f".into()];
    let policy = Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::None).expect("enforceable");
    let rules =
        AdmitRules { host_functions: functions.admitted(&policy.grants).expect("known"), ..AdmitRules::from_policy(&policy) };
    let module = ambit_admit::admit(wat::parse_str(GUEST).expect("valid text"), &rules).expect("admitted");
    let (module, policy) = (Arc::new(module), Arc::new(policy));
    let engine = Arc::new(WasmtimeEngine::with_functions(PoolConfig { guests: 4 }, functions));
    let runtime = Runtime::with_engine(RuntimeConfig::default(), engine).expect("threads");
    let start = move |runtime: &Runtime| {
        let request = RunRequest {
            module: Module::Verified(Arc::clone(&module)),
            policy: Arc::clone(&policy),
            call: Call::command(&module).expect("a program"),
            streams: Streams::default(),
            since: None,
            tenant: None,
            name: "guest".into(),
        };
        runtime.start(request).expect("accepted")
    };
    (runtime, start)
}

fn nothing() -> FuncType {
    FuncType { params: Vec::new(), results: Vec::new() }
}

/// Counts those that are alive.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A function that never answers, and how many of it wait.
fn endless() -> (HostFunctions, Arc<AtomicU32>) {
    let alive = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&alive);
    let mut functions = HostFunctions::new();
    let added = functions.add_async(("app", "f"), nothing(), "f", move |_call, _args| {
        let alive = Alive::new(&count);
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(alive);
            Ok(Vec::new())
        })
    });
    added.expect("free");
    (functions, alive)
}

#[test]
fn a_function_that_never_answers_ends_at_the_deadline() {
    let (functions, alive) = endless();
    let (runtime, start) = start(functions, "50ms");
    let began = Instant::now();
    let runs: Vec<Running> = (0..8).map(|_| start(&runtime)).collect();
    for run in runs {
        let finished = run.wait();
        let wall = matches!(finished.outcome(), Outcome::LimitExceeded { limit: LimitKey::WallTime, .. });
        assert!(wall, "{:?}", finished.outcome());
        assert_eq!(finished.usage().host_calls, Some(1));
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(alive.load(SeqCst), 0, "what it waited for is dropped");
}

#[test]
fn a_function_that_never_answers_ends_when_it_is_cancelled() {
    let (functions, alive) = endless();
    let (runtime, start) = start(functions, "60s");
    let run = start(&runtime);
    while alive.load(SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    run.cancel("the test");
    assert_eq!(run.wait().outcome(), &Outcome::Cancelled { by: "the test".into() });
    assert_eq!(alive.load(SeqCst), 0);
}

/// Row host-009 of the catalogue of attacks, as far as one process goes.
#[test]
fn host_009_a_panic_in_a_function_loses_its_run_alone() {
    let calls = Arc::new(AtomicU32::new(0));
    let body = |calls: &Arc<AtomicU32>| {
        // Every other time.
        if calls.fetch_add(1, SeqCst).is_multiple_of(2) {
            panic!("a bug\x1b[2J");
        }
        Ok(Vec::new())
    };
    let (now, later) = (Arc::clone(&calls), Arc::clone(&calls));
    let mut at_once = HostFunctions::new();
    at_once.add(("app", "f"), nothing(), "f", move |_, _| body(&now)).expect("free");
    let mut after = HostFunctions::new();
    let added = after.add_async(("app", "f"), nothing(), "f", move |_, _| {
        let calls = Arc::clone(&later);
        Box::pin(async move {
            tokio::task::yield_now().await;
            body(&calls)
        })
    });
    added.expect("free");
    for functions in [at_once, after] {
        let (runtime, start) = start(functions, "10s");
        for _ in 0..3 {
            let lost = start(&runtime).wait();
            assert_eq!(lost.outcome(), &Outcome::Lost { reason: "the host panicked: a bug\\u{1b}[2J".into() });
            assert_eq!(start(&runtime).wait().outcome(), &Outcome::Exited { code: 0 });
        }
    }
}
