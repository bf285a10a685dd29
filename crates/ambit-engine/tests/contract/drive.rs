//! What a scheduler does, at its least: polls a guest until it ends, while somebody ticks.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
    time::Duration,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Isolation, LimitsSpec, OnMemoryRefusal, Outcome, Policy, PolicySpec, Profile, ResultValue};
use ambit_engine::{
    Answer, Call, Ended, Engine, Guest, HostFunctions, Kept, Meter, Program, Settings,
    host::HostSpec,
    wasmi::WasmiEngine,
    wasmtime::{PoolConfig, WasmtimeEngine},
};

/// An engine that the contract is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tested {
    /// With instances from a small pool.
    Wasmtime,
    Wasmi,
}

/// Tests of what every engine does, one for each: functions of the engine.
macro_rules! on_each_engine {
    ($($(#[$doc:meta])* fn $name:ident($engine:ident) $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            use super::*;

            fn check($engine: $crate::drive::Tested) $body

            #[test]
            fn wasmtime() {
                check($crate::drive::Tested::Wasmtime);
            }

            #[test]
            fn wasmi() {
                check($crate::drive::Tested::Wasmi);
            }
        }
    )* };
}
pub(crate) use on_each_engine;

/// A module, loaded into an engine of its own that is ticked.
pub(crate) struct Rig {
    pub(crate) module: Verified,
    pub(crate) policy: Policy,
    program: Arc<dyn Program>,
    _ticks: Ticks,
}

/// A guest with its account, and what polls it.
pub(crate) struct Driven {
    pub(crate) guest: Box<dyn Guest>,
    pub(crate) meter: Arc<Meter>,
    runtime: tokio::runtime::Runtime,
}

/// The profile `default` with these limits.
pub(crate) fn policy(limits: &[(&str, &str)]) -> Policy {
    let mut spec = LimitsSpec::default();
    for (key, value) in limits {
        spec.set(key, value).expect("a limit");
    }
    let spec = PolicySpec { limits: spec, ..PolicySpec::default() };
    Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::None).expect("enforceable")
}

impl Rig {
    /// The module in this text, under these limits.
    pub(crate) fn on(engine: Tested, text: &str, limits: &[(&str, &str)]) -> Self {
        Self::functions(engine, text, HostFunctions::new(), &[], limits)
    }

    /// The same on Wasmtime.
    pub(crate) fn new(text: &str, limits: &[(&str, &str)]) -> Self {
        Self::on(Tested::Wasmtime, text, limits)
    }

    pub(crate) fn pooled(text: &str, limits: &[(&str, &str)], guests: u32) -> Self {
        Self::load(Arc::new(WasmtimeEngine::new(PoolConfig { guests })), text.as_bytes(), policy(limits))
    }

    /// The module in this text, with all of these functions granted.
    pub(crate) fn functions(
        engine: Tested,
        text: &str,
        functions: HostFunctions,
        grants: &[&str],
        limits: &[(&str, &str)],
    ) -> Self {
        let mut policy = policy(limits);
        policy.grants.functions = grants.iter().map(ToString::to_string).collect();
        Self::load(engine.with(functions), text.as_bytes(), policy)
    }

    /// What the policy gives a guest.
    pub(crate) fn host(&self) -> HostSpec {
        HostSpec { functions: self.policy.grants.functions.clone(), ..HostSpec::default() }
    }

    /// A module, in text or binary, in this engine.
    pub(crate) fn load(engine: Arc<dyn Engine>, bytes: &[u8], policy: Policy) -> Self {
        let bytes = wat::parse_bytes(bytes).expect("valid text").into_owned();
        let host_functions = engine.functions().admitted(&policy.grants).expect("known");
        let rules = AdmitRules { host_functions, ..AdmitRules::from_policy(&policy) };
        let module = ambit_admit::admit(bytes, &rules).expect("admitted");
        let artifact = engine.compile(&module, &Settings::shared_process(&policy)).expect("compiled");
        let program = engine.load(&artifact).expect("loaded");
        Self { _ticks: Ticks::start(engine), module, policy, program }
    }

    fn meter(&self, refusal: OnMemoryRefusal) -> Arc<Meter> {
        Arc::new(Meter::new(self.policy.limits.run.clone(), refusal))
    }

    pub(crate) fn guest(&self, host: HostSpec, call: Call) -> Driven {
        let meter = self.meter(OnMemoryRefusal::Continue);
        Driven::new(self.program.guest(host, Arc::clone(&meter), call), meter)
    }

    /// A kept guest that has not run.
    pub(crate) fn keep(&self, host: HostSpec) -> Driven {
        self.keep_or(host, OnMemoryRefusal::Continue)
    }

    pub(crate) fn keep_or(&self, host: HostSpec, refusal: OnMemoryRefusal) -> Driven {
        let meter = self.meter(refusal);
        Driven::new(self.program.keep(host, Arc::clone(&meter)), meter)
    }

    /// A kept guest that is ready for calls.
    pub(crate) fn kept(&self) -> Driven {
        let mut driven = self.keep(self.host());
        assert_eq!(driven.end(), Ended::Returned(Vec::new()));
        driven
    }

    /// A call of `name` with these arguments.
    pub(crate) fn call(&self, name: &str, args: &[ResultValue]) -> Call {
        Call::values(&self.module, name, args.to_vec()).expect("fits")
    }

    /// The outcome of one call in a fresh instance.
    pub(crate) fn run(&self, name: &str, args: &[ResultValue]) -> (Outcome, Vec<ResultValue>) {
        let (outcome, answer) = self.guest(self.host(), self.call(name, args)).outcome();
        (outcome, answer.into_values())
    }
}

impl Tested {
    /// One with these host functions.
    pub(crate) fn with(self, functions: HostFunctions) -> Arc<dyn Engine> {
        match self {
            Tested::Wasmtime => Arc::new(WasmtimeEngine::with_functions(PoolConfig { guests: 4 }, functions)),
            Tested::Wasmi => Arc::new(WasmiEngine::with_functions(functions)),
        }
    }
}

impl Driven {
    fn new(guest: Box<dyn Guest>, meter: Arc<Meter>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().enable_io().build().expect("a runtime");
        Self { guest, meter, runtime }
    }

    /// Polls until the guest ends.
    pub(crate) fn end(&mut self) -> Ended {
        let guest = &mut self.guest;
        self.runtime.block_on(async {
            let ended = poll_fn(|cx| guest.poll_slice(cx));
            tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends")
        })
    }

    pub(crate) fn outcome(&mut self) -> (Outcome, Answer) {
        self.end().outcome(&self.meter)
    }

    /// Polls once.
    pub(crate) fn slice(&mut self) -> Poll<Ended> {
        let _entered = self.runtime.enter();
        self.guest.poll_slice(&mut Context::from_waker(Waker::noop()))
    }

    pub(crate) fn instance(&mut self) -> &mut dyn Kept {
        self.guest.kept().expect("between calls")
    }

    pub(crate) fn is_kept(&mut self) -> bool {
        self.guest.kept().is_some()
    }

    /// Makes a call in the kept instance.
    pub(crate) fn call(&mut self, call: Call) -> Ended {
        self.instance().call(call);
        self.end()
    }
}

/// A thread that ticks an engine.
struct Ticks {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticks {
    fn start(engine: Arc<dyn Engine>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Relaxed) {
                thread::sleep(Duration::from_millis(1));
                engine.tick();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it only ticks");
        }
    }
}
