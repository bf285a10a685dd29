//! What every row must show.

use std::{thread, time::Duration};

use ambit_core::{ByteSize, LimitKey, Outcome, Report};

use crate::{
    catalogue::{Case, Row},
    door::{Door, Ran, resident, shown},
    host,
};

/// Long enough for threads of an ended run to be gone.
const SETTLE: Duration = Duration::from_millis(20);

/// What a worker may hold beyond the guest's own limit.
const SLACK: u64 = ByteSize::mib(64).get();

/// Checks one row: by default, without its features, and with its limit lifted.
pub(crate) fn check(row: &Row) -> Result<(), String> {
    if row.lifted.is_none() && row.no_lift.is_none() {
        return Err("neither shown to bite without its limit nor said why not".into());
    }
    let door = Door::new();
    if !row.opt_in().is_empty() {
        let case =
            Case { features: Vec::new(), expect: "rejected:unsupported-feature".into(), violations: Vec::new(), ..row.case() };
        run(&door, &case, "without its features")?;
    }
    run(&door, &row.case(), &row.title)?;
    match row.lifted_case() {
        Some(case) => run(&door, &case, "lifted"),
        None => Ok(()),
    }
}

fn run(door: &Door, case: &Case, which: &str) -> Result<(), String> {
    let before = resident();
    let ends = door.ends();
    let (Ran { report, stdout, started }, untouched) = host::run(door, case);
    let fail =
        |what: String| Err(format!("{which}: {what}\n  outcome: {:?}\n  violations: {:?}", report.outcome, report.violations));
    if !matches(&report.outcome, &case.expect) {
        return fail(format!("expected {}, got {}", case.expect, shown(&report.outcome)));
    }
    for rule in &case.violations {
        if !report.violations.iter().any(|violation| violation.rule == *rule) {
            return fail(format!("no violation of `{rule}` is recorded"));
        }
    }
    if let Some(part) = &case.stdout_contains
        && !String::from_utf8_lossy(&stdout).contains(part)
    {
        return fail(format!("stdout lacks {part:?}: {:?}", String::from_utf8_lossy(&stdout)));
    }
    if !untouched {
        return fail("what lies outside the granted directory was changed".into());
    }
    if door.ends() - ends != usize::from(started) {
        return fail(format!("{} events tell of the end", door.ends() - ends));
    }
    escaped(&report).or_else(&fail)?;
    if !door.is_well() {
        return fail("the next guest is harmed".into());
    }
    thread::sleep(SETTLE);
    let limit = report.policy.as_ref().map_or(0, |policy| policy.limits.get(LimitKey::Memory).finite().unwrap_or(1 << 32));
    let held = resident().saturating_sub(before);
    if held > limit + SLACK {
        return fail(format!("{} are held after the run", ByteSize::bytes(held)));
    }
    Ok(())
}

/// `exited:7`, `trapped`, `trapped:unreachable`, `limit-exceeded:fuel`, `rejected:policy`, `cancelled`.
fn matches(outcome: &Outcome, expect: &str) -> bool {
    let shown = shown(outcome);
    // A kind alone stands for every reason of that kind; an exit code may be written signed or unsigned.
    let unsigned = match outcome {
        Outcome::Exited { code } => format!("exited:{}", code.cast_unsigned()),
        _ => String::new(),
    };
    shown == expect || unsigned == expect || shown.split(':').next() == Some(expect)
}

/// No text of the guest's reaches the report as it was.
fn escaped(report: &Report) -> Result<(), String> {
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
