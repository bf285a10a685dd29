//! Ambit's side.

use std::sync::Arc;

use ambit_admit::AdmitRules;
use ambit_core::Policy;
use ambit_engine::{Call, host::Capture};
use ambit_runtime::{LoadedModule, Module, RunRequest, Runtime, RuntimeConfig, Streams};

/// A loaded module and what to call in it, through the runtime with everything on: limits, accounting, deadlines.
#[derive(Debug)]
pub struct Ours {
    runtime: Runtime,
    module: Arc<LoadedModule>,
    policy: Arc<Policy>,
    call: Call,
    name: Arc<str>,
}

impl Ours {
    /// A module to be run as a program, or to call `invoke` in with `args`.
    ///
    /// # Panics
    /// The module is not admitted, or has no such entry.
    pub fn new(bytes: &[u8], invoke: Option<&str>, args: &[String], policy: Policy) -> Self {
        let runtime = Runtime::new(RuntimeConfig { pool_guests: crate::POOL, ..RuntimeConfig::default() }).expect("threads");
        let module = Arc::new(ambit_admit::admit(bytes, &AdmitRules::from_policy(&policy)).expect("admitted"));
        let call = match invoke {
            Some(name) => Call::invoke(&module, name, args).expect("exported"),
            None => Call::command(&module).expect("a program"),
        };
        let module = runtime.load(&module, &policy).expect("compiled");
        Self { runtime, module, policy: Arc::new(policy), call, name: "bench".into() }
    }

    /// Runs `count` fresh guests, one after the other.
    ///
    /// # Panics
    /// One of them does not succeed.
    pub fn runs(&self, count: u32) {
        for _ in 0..count {
            let request = RunRequest {
                module: Module::Loaded(Arc::clone(&self.module)),
                policy: Arc::clone(&self.policy),
                call: self.call.clone(),
                streams: Streams { stdout: Box::new(Capture::default()), ..Streams::default() },
                since: None,
                tenant: None,
                name: Arc::clone(&self.name),
            };
            let finished = self.runtime.run(request).expect("accepted");
            assert!(finished.outcome().is_success(), "{:?}", finished.outcome());
        }
    }
}
