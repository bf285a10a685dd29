//! Workers and compilers that were taken over: each says what it should not, and its run ends as one that was lost, in its
//! time, and with nothing in the report that was not there to be said.
//!
//! The liars are this program, spawned into jails as any other: how each is to lie is the guest's first argument.

mod lies;

use std::{
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, admit};
use ambit_core::{Isolation, Outcome, Policy, PolicySpec, Profile, RejectReason, Report, RunId};
use ambit_jail::Purpose;
use ambit_manager::{Control, Entry, LaunchConfig, LaunchEvent, LaunchRequest, Launcher, Streams};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(purpose) = Purpose::of_this_process() {
        return lies::tell(purpose);
    }
    let tests: [(&str, fn()); 4] = [
        ("what_only_the_parent_knows_is_not_the_workers_to_say", what_only_the_parent_knows_is_not_the_workers_to_say),
        ("who_talks_without_end_does_not_outlast_its_deadline", who_talks_without_end_does_not_outlast_its_deadline),
        ("no_more_is_logged_than_the_guest_may", no_more_is_logged_than_the_guest_may),
        ("reasons_are_one_line", reasons_are_one_line),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// Has a run lied about, and says what was made of it and how much was logged.
fn run(lie: &str, limits: &[(&str, &str)]) -> (Report, usize) {
    let mut spec = PolicySpec::default();
    for (name, value) in limits {
        spec.limits.set(name, value).expect("a limit and its value");
    }
    let mut policy: Policy = Profile::Default.policy().narrow(&spec).expect("within the ceilings");
    policy.grants.args = vec![lie.to_owned()];
    let policy = Arc::new(policy);
    let module = admit(b"\0asm\x01\0\0\0".to_vec(), &AdmitRules::from_policy(&policy)).expect("an empty module");
    let launcher = Launcher::new(LaunchConfig::default()).expect("there is /proc");
    let prepared = launcher.prepare(&policy).expect("a jail");
    let request = LaunchRequest {
        run: RunId(1),
        module: Arc::new(module),
        entry: Entry::Command,
        name: "liar".into(),
        streams: Streams::default(),
        since: Instant::now(),
    };
    let mut logged = 0;
    let control = Control::new().expect("a descriptor");
    let report = launcher.run(prepared, request, &control, &mut |event| {
        if let LaunchEvent::Log(text) = event {
            logged += text.len();
            // Slower than it is said, so that there is always more.
            thread::sleep(Duration::from_micros(50));
        }
    });
    assert_eq!(report.isolation, Isolation::Process);
    (report, logged)
}

fn what_only_the_parent_knows_is_not_the_workers_to_say() {
    let check = |lie: &str, expect: &str| {
        let (report, _) = run(lie, &[]);
        let Outcome::Lost { reason } = &report.outcome else { panic!("{lie}: {:?}", report.outcome) };
        assert_eq!(reason, expect, "{lie}");
    };
    let only = "the worker says what only the control process can know";
    check("cancelled", only);
    check("killed", only);
    check("deadline", only);
    let unasked = "the worker says what nobody has asked";
    check("entered-again", unasked);
    check("not-entered-after-all", unasked);
    check("loaded-twice", unasked);
    check("compiler-not-entered-after-all", "the compiler says what nobody has asked");
    let nonsense = "the worker was ended by SIGKILL: what came is no ";
    let (report, _) = run("too-many-violations", &[]);
    let Outcome::Lost { reason } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(reason.starts_with(nonsense), "{reason}");
}

fn who_talks_without_end_does_not_outlast_its_deadline() {
    for lie in ["log-for-ever", "fail-for-ever", "compiler-fails-for-ever"] {
        let began = Instant::now();
        let (report, _) = run(lie, &[("wall-time", "300ms"), ("log-bytes", "1GiB")]);
        assert_eq!(report.outcome.exit_status(), 124, "{lie}: {:?}", report.outcome);
        assert!(began.elapsed() < Duration::from_secs(5), "{lie}: {:?}", began.elapsed());
    }
}

fn no_more_is_logged_than_the_guest_may() {
    let (report, logged) = run("log-for-ever", &[("log-bytes", "1KiB")]);
    let Outcome::Lost { reason } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(reason, "the worker passes on more messages than its guest may send");
    assert!(logged <= 10 << 10, "{logged}");
}

fn reasons_are_one_line() {
    let (report, _) = run("compiler-rejects-in-red", &[]);
    // Nor is the module quarantined: that is not the compiler's to say.
    let Outcome::Rejected(rejection) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!((rejection.reason, rejection.message.as_str()), (RejectReason::Policy, "\\u{1b}[31mred"));
    let (report, _) = run("compiler-not-entered-in-red", &[]);
    let Outcome::Rejected(rejection) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(rejection.message.contains("\\u{1b}[31mred"), "{rejection}");
}
