//! Many guests in one runtime: shares, admission, pauses, ends, kept instances, and the cache of modules.

mod admission;
mod cache;
mod ends;
mod instances;
mod pauses;
mod sealed;
mod shares;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Isolation, Outcome, Policy, PolicySpec, Profile, Rejection};
use ambit_engine::Call;
use ambit_runtime::{InstanceRequest, Module, RunRequest, Running, Runtime, RuntimeConfig, Streams, Tenant};

/// A guest that can do what a test needs: end at once, never, by a trap; wait; count.
const GUEST: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1 4)
    (global $count (export "count") (mut i32) (i32.const 0))
    (func (export "nothing"))
    (func (export "spin") (loop $again (br $again)))
    (func (export "burn") (param $times i32)
        (loop $again (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
    (func (export "trap") (unreachable))
    (func (export "sleep") (param $millis i64)
        (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.mul (local.get $millis) (i64.const 1000000)))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))
    (func (export "add") (param i32) (result i32)
        (global.set $count (i32.add (global.get $count) (local.get 0)))
        (global.get $count))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

/// A runtime, and the guest admitted for it.
struct World {
    runtime: Runtime,
    module: Arc<Verified>,
}

impl World {
    fn new(config: RuntimeConfig) -> Self {
        let module = ambit_admit::admit(wat::parse_str(GUEST).expect("valid text"), &AdmitRules::from_policy(&policy(&[])));
        Self {
            runtime: Runtime::new(RuntimeConfig { pool_guests: 16, ..config }).expect("threads"),
            module: Arc::new(module.expect("admitted")),
        }
    }

    fn request(&self, function: &str, args: &[&str], policy: Policy, tenant: Option<&Tenant>) -> RunRequest {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        RunRequest {
            module: Module::Verified(Arc::clone(&self.module)),
            policy: Arc::new(policy),
            call: Call::invoke(&self.module, function, &args).expect("exported"),
            streams: Streams::default(),
            since: None,
            name: "guest".into(),
            tenant: tenant.cloned(),
        }
    }

    fn start(&self, function: &str, args: &[&str], policy: Policy) -> Running {
        self.try_start(function, args, policy, None).expect("accepted")
    }

    fn try_start(&self, function: &str, args: &[&str], policy: Policy, tenant: Option<&Tenant>) -> Result<Running, Rejection> {
        self.runtime.start(self.request(function, args, policy, tenant))
    }

    fn instance(&self, policy: Policy) -> InstanceRequest {
        let module = self.runtime.load(&self.module, &policy).expect("compiled");
        InstanceRequest { module, policy: Arc::new(policy), streams: Streams::default(), name: "kept".into(), tenant: None }
    }
}

/// The profile `default` with these limits.
fn policy(limits: &[(&str, &str)]) -> Policy {
    let mut spec = PolicySpec::default();
    for (key, value) in limits {
        spec.limits.set(key, value).unwrap_or_else(|error| panic!("{error}"));
    }
    Profile::Default.policy().narrow(&spec).expect("within the ceilings").resolve(Isolation::None).expect("enforceable")
}

/// An outcome in a word.
fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited:{code}"),
        Outcome::Trapped { trap, .. } => format!("trapped:{trap}"),
        Outcome::LimitExceeded { limit, .. } => format!("limit-exceeded:{limit}"),
        Outcome::Rejected(rejection) => format!("rejected:{}", rejection.reason),
        Outcome::Cancelled { by } => format!("cancelled:{by}"),
        Outcome::Killed { signal } => format!("killed:{signal}"),
        Outcome::Lost { reason } => format!("lost:{reason}"),
    }
}

/// Waits until something is so, for at most ten seconds.
fn until(what: &str, so: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
