//! Outcomes and violations as people read them.

use ambit_core::{LimitKey, Outcome, Violation};

/// One line, or several for a trap with a trace.
pub(crate) fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited with code {code}"),
        Outcome::Trapped { trap, message, frames } => {
            let mut text = format!("trapped: {trap}: {message}");
            for (i, frame) in frames.iter().enumerate() {
                let at = frame.offset.map(|offset| format!(" at {offset:#x}")).unwrap_or_default();
                let source = frame.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
                text.push_str(&format!("\n  {i}: {}{at}{source}", frame.function));
            }
            text
        }
        Outcome::LimitExceeded { limit, allowed, used } => {
            // Time and fuel have been used up by then; of the rest, more was asked for and not given.
            let verb = match limit {
                LimitKey::WallTime | LimitKey::CpuTime | LimitKey::Fuel => "used",
                _ => "needed",
            };
            let used = used.map(|used| format!(", {} {verb}", shown(*limit, used))).unwrap_or_default();
            format!("limit exceeded: {limit}: {} allowed{used}; {}", shown(*limit, *allowed), remedy(*limit))
        }
        Outcome::Rejected(rejection) => format!("rejected: {rejection}"),
        Outcome::Cancelled { by } => format!("cancelled by {by}"),
        Outcome::Killed { signal } => format!("killed by {signal}"),
        Outcome::Lost { reason } => format!("lost: {reason}"),
    }
}

/// Times are shown to a tenth of their unit; the report has them to the nanosecond.
fn shown(limit: LimitKey, base: u64) -> String {
    match limit {
        LimitKey::WallTime | LimitKey::CpuTime if base >= 1_000_000_000 => format!("{:.1}s", base as f64 / 1e9),
        LimitKey::WallTime | LimitKey::CpuTime => format!("{:.1}ms", base as f64 / 1e6),
        limit => limit.show(base),
    }
}

fn remedy(limit: LimitKey) -> String {
    let flag = match limit {
        LimitKey::Memory => "--memory SIZE",
        LimitKey::Fuel => "--fuel N",
        LimitKey::WallTime => "--timeout TIME",
        LimitKey::CpuTime => "--cpu-time TIME",
        LimitKey::Stack => "--stack SIZE",
        LimitKey::Output => "--output SIZE",
        other => return format!("raise it with --limit {other}=VALUE"),
    };
    format!("raise it with {flag}")
}

/// A violation in one line.
pub(crate) fn violation(violation: &Violation) -> String {
    let Violation { rule, attempt, count } = violation;
    let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
    format!("denied by `{rule}`{times}: {attempt}")
}
