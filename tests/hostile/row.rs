//! What every row must show.

use std::{cell::Cell, thread, time::Duration};

use ambit_core::{ByteSize, EngineId, Isolation, LimitKey, Outcome, Report};
use ambit_manager::Launcher;
use ambit_runtime::RuntimeConfig;

use crate::{
    catalogue::{Case, Row},
    door::{Door, Ran, resident, shown},
    host, jailed,
};

/// Long enough for threads of an ended run to be gone.
const SETTLE: Duration = Duration::from_millis(20);

/// What a worker may hold beyond the guest's own limit.
const SLACK: u64 = ByteSize::mib(64).get();

/// Where rows are run.
pub(crate) trait Place {
    /// Its name.
    const ISOLATION: Isolation;

    /// Which engine runs them.
    fn engine(&self) -> EngineId;

    /// Runs a case to its end. The second value says whether what lies outside the granted directory is as it was.
    fn run(&self, case: &Case) -> (Ran, bool);

    /// What more must be true of a run that has ended.
    fn is_over(&self, ran: &Ran) -> Result<(), String>;

    /// Whether a well-behaved guest still runs and computes.
    fn is_well(&self) -> bool;
}

/// In this process.
pub(crate) struct InProcess {
    engine: EngineId,
    door: Door,
    /// What was held, and how many ends had been told of, before the run.
    before: Cell<(u64, usize)>,
}

impl InProcess {
    pub(crate) fn new(engine: EngineId) -> Self {
        let config = RuntimeConfig { pool_guests: 16, ..RuntimeConfig::default() };
        Self { engine, door: Door::on(engine, config), before: Cell::default() }
    }
}

impl Place for InProcess {
    const ISOLATION: Isolation = Isolation::None;

    fn engine(&self) -> EngineId {
        self.engine
    }

    fn run(&self, case: &Case) -> (Ran, bool) {
        self.before.set((resident(), self.door.ends()));
        host::run(&self.door, case)
    }

    fn is_over(&self, Ran { report, started, .. }: &Ran) -> Result<(), String> {
        let (held, ends) = self.before.get();
        let told = self.door.ends() - ends;
        if told != usize::from(*started) {
            return Err(format!("{told} events tell of the end"));
        }
        thread::sleep(SETTLE);
        let limit = report.policy.as_ref().map_or(0, |policy| policy.limits.get(LimitKey::Memory).finite().unwrap_or(1 << 32));
        let held = resident().saturating_sub(held);
        if held > limit + SLACK { Err(format!("{} are held after the run", ByteSize::bytes(held))) } else { Ok(()) }
    }

    fn is_well(&self) -> bool {
        self.door.is_well()
    }
}

/// In processes of its own.
pub(crate) struct Jailed(Launcher);

impl Jailed {
    pub(crate) fn new(engine: EngineId) -> Self {
        Self(jailed::launcher(engine))
    }
}

impl Place for Jailed {
    const ISOLATION: Isolation = Isolation::Process;

    fn engine(&self) -> EngineId {
        self.0.engine()
    }

    fn run(&self, case: &Case) -> (Ran, bool) {
        jailed::run(&self.0, case)
    }

    fn is_over(&self, _ran: &Ran) -> Result<(), String> {
        // Each process is gone before its report is there, and its memory with it.
        match std::fs::read_to_string("/proc/thread-self/children") {
            Ok(children) if !children.trim().is_empty() => Err(format!("processes are left: {children}")),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn is_well(&self) -> bool {
        jailed::is_well(&self.0)
    }
}

/// Checks one row: by default, without its features, and with its limit lifted.
pub(crate) fn check<P: Place>(row: &Row, place: &P) -> Result<(), String> {
    if row.lifted.is_none() && row.no_lift.is_none() {
        return Err("neither shown to bite without its limit nor said why not".into());
    }
    if !row.opt_in().is_empty() {
        let case =
            Case { features: Vec::new(), expect: "rejected:unsupported-feature".into(), violations: Vec::new(), ..row.case() };
        run(place, &case, "without its features")?;
    }
    let here = |case: Case, lifted: bool| row.on(place.engine(), P::ISOLATION, lifted, case);
    run(place, &here(row.case(), false), &row.title)?;
    match row.lifted_case() {
        Some(case) => run(place, &here(case, true), "lifted"),
        None => Ok(()),
    }
}

fn run<P: Place>(place: &P, case: &Case, which: &str) -> Result<(), String> {
    let (ran, untouched) = place.run(case);
    let Ran { report, stdout, .. } = &ran;
    let fail =
        |what: String| Err(format!("{which}: {what}\n  outcome: {:?}\n  violations: {:?}", report.outcome, report.violations));
    if report.isolation != P::ISOLATION {
        return fail(format!("it ran at isolation {}", report.isolation));
    }
    if !matches(&report.outcome, &case.expect) {
        return fail(format!("expected {}, got {}", case.expect, shown(&report.outcome)));
    }
    for rule in &case.violations {
        if !report.violations.iter().any(|violation| violation.rule == *rule) {
            return fail(format!("no violation of `{rule}` is recorded"));
        }
    }
    if let Some(part) = &case.stdout_contains
        && !String::from_utf8_lossy(stdout).contains(part)
    {
        return fail(format!("stdout lacks {part:?}: {:?}", String::from_utf8_lossy(stdout)));
    }
    if !untouched {
        return fail("what lies outside the granted directory was changed".into());
    }
    escaped(report).or_else(&fail)?;
    place.is_over(&ran).or_else(&fail)?;
    if place.is_well() { Ok(()) } else { fail("the next guest is harmed".into()) }
}

/// `exited:7`, `trapped`, `trapped:unreachable`, `limit-exceeded:fuel`, `rejected:policy`, `cancelled`.
pub(crate) fn matches(outcome: &Outcome, expect: &str) -> bool {
    let shown = shown(outcome);
    // A kind alone stands for every reason of that kind; an exit code may be written signed or unsigned.
    let unsigned = match outcome {
        Outcome::Exited { code } => format!("exited:{}", code.cast_unsigned()),
        _ => String::new(),
    };
    shown == expect || unsigned == expect || shown.split(':').next() == Some(expect)
}

/// No text of the guest's reaches the report as it was.
pub(crate) fn escaped(report: &Report) -> Result<(), String> {
    let text = serde_json::to_string(&report.view()).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut open = vec![&value];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::String(text) if text.chars().any(char::is_control) => {
                return Err(format!("unescaped text: {text:?}"));
            }
            serde_json::Value::String(text) if text.len() > 2048 => return Err(format!("{} bytes of text", text.len())),
            serde_json::Value::Array(items) => open.extend(items),
            serde_json::Value::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    Ok(())
}
