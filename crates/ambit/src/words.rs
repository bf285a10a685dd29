//! Outcomes in words, for errors.

use std::fmt::Write as _;

use ambit_core::{LimitKey, Outcome, TrapKind};

/// How a run ended that was to return, and what would help: one line, and one for each frame of a stack.
pub(crate) fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited with code {code}"),
        Outcome::Trapped { trap, message, frames } => {
            let mut text = format!("trapped: {trap}: {message}");
            if *trap == TrapKind::Exchange {
                text.push_str("; the limit `host-buffers` bounds replies");
            }
            for (at, frame) in frames.iter().enumerate() {
                let offset = frame.offset.map(|offset| format!(" at {offset:#x}")).unwrap_or_default();
                let source = frame.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
                // Writing to a string does not fail.
                let _ = write!(text, "\n  {at}: {}{offset}{source}", frame.function);
            }
            text
        }
        Outcome::LimitExceeded { limit, allowed, used } => {
            let used = used.map(|used| format!(", {} used or asked for", limit.show(used))).unwrap_or_default();
            format!("exceeded the limit `{limit}`: {} allowed{used}; raise it with {}", limit.show(*allowed), remedy(*limit))
        }
        Outcome::Rejected(rejection) => format!("was refused: {rejection}"),
        Outcome::Cancelled { by } => format!("was cancelled by {by}"),
        Outcome::Killed { signal } => format!("was killed by {signal}"),
        Outcome::Lost { reason } => format!("was lost by a failure of the host's: {reason}"),
    }
}

/// What of a policy's builder sets the limit.
fn remedy(limit: LimitKey) -> String {
    match limit {
        LimitKey::Memory => "`.memory(…)`".into(),
        LimitKey::Fuel => "`.fuel(…)`".into(),
        LimitKey::WallTime => "`.timeout(…)`".into(),
        LimitKey::CpuTime => "`.cpu_time(…)`".into(),
        LimitKey::Stack => "`.stack(…)`".into(),
        LimitKey::Output => "`.output(…)`".into(),
        other => format!("`.limit(\"{other}\", …)`"),
    }
}

#[cfg(test)]
mod tests {
    use ambit_core::Frame;

    use super::*;

    #[test]
    fn words_say_what_and_how_to_go_on() {
        let check = |outcome: Outcome, expect: &str| assert_eq!(describe(&outcome), expect);
        check(Outcome::Exited { code: 3 }, "exited with code 3");
        check(
            Outcome::LimitExceeded { limit: LimitKey::Memory, allowed: 1 << 20, used: Some(2 << 20) },
            "exceeded the limit `memory`: 1MiB allowed, 2MiB used or asked for; raise it with `.memory(…)`",
        );
        check(
            Outcome::LimitExceeded { limit: LimitKey::Files, allowed: 3, used: None },
            "exceeded the limit `files`: 3 allowed; raise it with `.limit(\"files\", …)`",
        );
        let frames = vec![Frame { function: "f".into(), module: None, offset: Some(31), source: Some("a.c:1:2".into()) }];
        check(
            Outcome::Trapped { trap: TrapKind::Unreachable, message: "wasm trap".into(), frames },
            "trapped: unreachable: wasm trap\n  0: f at 0x1f (a.c:1:2)",
        );
        check(Outcome::Cancelled { by: "user".into() }, "was cancelled by user");
    }
}
