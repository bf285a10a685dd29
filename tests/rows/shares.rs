//! Limits on rates: a share of a core, and messages a second.

use std::sync::{Arc, Mutex};

use ambit_admit::AdmitRules;
use ambit_core::{Isolation, LimitsSpec, PolicySpec, Profile};
use ambit_engine::Call;
use ambit_runtime::{Module, RunRequest, Streams};

use crate::door::{Ask, Door, shown};

#[test]
fn a_tenth_of_a_core_is_a_tenth() {
    let endless = r#"(module (func (export "f") (loop (br 0))))"#;
    let share = |cpus: &str| {
        let ask = Ask::new(endless, &[("cpus", cpus), ("wall-time", "1s")]).invoke("f", &[]);
        let report = Door::new().run(ask).report;
        assert_eq!(shown(&report.outcome), "limit-exceeded:wall-time", "throttled, not ended");
        let (cpu, wall) = (report.usage.cpu_ns.expect("billed"), report.usage.wall_ns.expect("known"));
        cpu as f64 / wall as f64
    };
    // The first tenth of a second is full at the start, so a second gives at most 0.11 and the slice under way.
    let tenth = share("0.1");
    assert!(tenth < 0.13, "{tenth}");
    assert!(tenth > 0.0, "it runs all the same");
}

#[test]
fn messages_beyond_the_rate_are_dropped_and_recorded() {
    let text = r#"(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
        (func (export "f") (local $left i32) (local.set $left (i32.const 500))
            (loop (call $log (i32.const 0) (i32.const 4))
                (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#;
    let door = Door::new();
    let logged = |rate: &str| {
        let mut limits = LimitsSpec::default();
        limits.set("log-rate", rate).expect("a limit");
        let policy = Profile::Default.policy().narrow(&PolicySpec { limits, ..PolicySpec::default() }).expect("within");
        let policy = policy.resolve(Isolation::None).expect("enforceable");
        let module = wat::parse_str(text).expect("valid text");
        let module = Arc::new(ambit_admit::admit(module, &AdmitRules::from_policy(&policy)).expect("admitted"));
        let count = Arc::new(Mutex::new(0));
        let sink = Arc::clone(&count);
        let request = RunRequest {
            call: Call::invoke(&module, "f", &[]).expect("exported"),
            module: Module::Verified(module),
            policy: Arc::new(policy),
            streams: Streams {
                log: Box::new(move |_: &str| {
                    *sink.lock().expect("no panic") += 1;
                    true
                }),
                ..Streams::default()
            },
            since: None,
            tenant: None,
            name: "log".into(),
        };
        let finished = door.runtime.start(request).expect("accepted").wait();
        assert!(finished.outcome().is_success());
        let dropped =
            finished.violations().iter().find(|violation| violation.rule == "log-rate").map_or(0, |violation| violation.count);
        let passed: u64 = *count.lock().expect("no panic");
        assert_eq!(passed + dropped, 500);
        passed
    };
    // 500 messages take far less than a second; should they straddle one, it counts twice.
    assert!(logged("100") <= 200);
    assert_eq!(logged("1000"), 500);
}
