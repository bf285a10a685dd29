//! The one door of these tests.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::AdmitRules;
use ambit_core::{Grants, Isolation, Outcome, Policy, PolicySpec, Profile, Report, RunId};
use ambit_manager::{Control, Entry, LaunchConfig, LaunchRequest, Launcher, Output, Streams};

/// A part to play, under limits.
pub(crate) struct Run<'a> {
    pub(crate) part: &'a str,
    pub(crate) limits: &'a [(&'a str, &'a str)],
    pub(crate) config: LaunchConfig,
    pub(crate) cancel_after: Option<Duration>,
    /// More that the process has to be told.
    pub(crate) ballast: usize,
    /// Whether it is granted a `/tmp`.
    pub(crate) tmp: bool,
}

impl<'a> Run<'a> {
    pub(crate) fn new(part: &'a str, limits: &'a [(&'a str, &'a str)]) -> Self {
        Self { part, limits, config: LaunchConfig::default(), cancel_after: None, ballast: 0, tmp: false }
    }

    pub(crate) fn report(self) -> Report {
        let launcher = Launcher::new(self.config.clone()).expect("this program");
        let report = self.with(&launcher);
        // Each process is reaped before its run is reported.
        let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        assert_eq!(children.trim(), "", "processes are left");
        report
    }

    fn policy(&self) -> Arc<Policy> {
        let mut spec = PolicySpec::default();
        // Longer than anything takes that is not to be ended by it, and shorter than a test may take.
        for (key, value) in [&[("wall-time", "60s")], self.limits].concat() {
            spec.limits.set(key, value).expect("a limit");
        }
        let args = vec![self.part.into(), "x".repeat(self.ballast)];
        let tmp = self.tmp.then(|| "1MiB".parse().expect("a size"));
        spec.grants = Some(Grants { args, tmp, ..Grants::default() });
        Arc::new(Profile::Default.policy().narrow(&spec).expect("within").resolve(Isolation::Process).expect("enforceable"))
    }

    pub(crate) fn with(self, launcher: &Launcher) -> Report {
        let policy = self.policy();
        let module = wat::parse_str(r#"(module (func (export "_start")))"#).expect("text");
        let module = Arc::new(ambit_admit::admit(module, &AdmitRules::from_policy(&policy)).expect("a module"));
        let control = Control::new().expect("descriptors");
        if let Some(after) = self.cancel_after {
            let control = control.clone();
            thread::spawn(move || {
                thread::sleep(after);
                control.cancel("some\x1bbody");
            });
        }
        let since = Instant::now();
        let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("a device");
        let streams = Streams { stdout: Output::Fd(nowhere.into()), ..Streams::default() };
        let request = LaunchRequest { run: RunId(1), module, entry: Entry::Command, name: "guest".into(), streams, since };
        let prepared = launcher.prepare(&policy).expect("processes");
        launcher.run(prepared, request, &control, &mut |_| {})
    }
}

/// `lost`, `killed:SIGSYS`, `limit-exceeded:memory`, `rejected:policy`.
pub(crate) fn shown(outcome: &Outcome) -> String {
    let kind = outcome.kind();
    match outcome {
        Outcome::Exited { code } => format!("{kind}:{code}"),
        Outcome::Trapped { trap, .. } => format!("{kind}:{trap}"),
        Outcome::LimitExceeded { limit, .. } => format!("{kind}:{limit}"),
        Outcome::Rejected(rejection) => format!("{kind}:{}", rejection.reason),
        Outcome::Killed { signal } => format!("{kind}:{signal}"),
        Outcome::Cancelled { .. } | Outcome::Lost { .. } => kind.into(),
    }
}

/// Runs a part to its end, which must be this, and say that.
#[track_caller]
pub(crate) fn check(part: &str, limits: &[(&str, &str)], expect: &str, says: &str) -> Report {
    let report = Run::new(part, limits).report();
    is(part, report, expect, says)
}

#[track_caller]
pub(crate) fn is(part: &str, report: Report, expect: &str, says: &str) -> Report {
    assert_eq!(shown(&report.outcome), expect, "{part}: {:?}", report.outcome);
    let text = serde_json::to_string(&report.view()).expect("a report");
    assert!(text.contains(says), "{part} lacks {says:?}: {text}");
    tame(&serde_json::from_str(&text).expect("JSON"), part);
    report
}

/// What is kept of a text, and what says that there was more.
const LONGEST: usize = 2048 + 64;

/// No text in it moves a cursor or fills a screen.
#[track_caller]
fn tame(value: &serde_json::Value, part: &str) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::String(text) => {
                assert!(!text.chars().any(char::is_control), "{part}: {text:?}");
                assert!(text.len() <= LONGEST, "{part}: {} bytes of text", text.len());
            }
            serde_json::Value::Array(items) => {
                assert!(items.len() <= 1000, "{part}: {} of something", items.len());
                open.extend(items);
            }
            // What whoever asked for the run has said is theirs.
            serde_json::Value::Object(fields) => {
                open.extend(fields.iter().filter(|(key, _)| *key != "policy").map(|(_, value)| value))
            }
            _ => {}
        }
    }
}
