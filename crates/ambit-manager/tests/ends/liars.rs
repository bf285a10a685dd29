//! A worker that lies about its run, in every field there is.

use ambit_core::{Frame, LimitKey, Outcome, RejectReason, Rejection, ResultValue, Usage, Violation};
use ambit_jail::wire::RunEnd;

use crate::{
    Tests,
    fake::{end, trap},
    launch::check,
};

/// Text that would move a cursor.
const MOVES: &str = "\x1b[2J\r\n\u{202e}\u{7f}";

pub(crate) fn tests() -> Tests {
    vec![
        ("what_only_the_parent_knows_is_not_believed", what_only_the_parent_knows_is_not_believed),
        ("a_lie_in_every_field_is_cut_down", a_lie_in_every_field_is_cut_down),
        ("more_than_may_be_said_is_not_taken", more_than_may_be_said_is_not_taken),
    ]
}

/// What a worker says that plays this part.
pub(crate) fn lie(part: &str, run: u64) -> RunEnd {
    let limit = |limit| Outcome::LimitExceeded { limit, allowed: u64::MAX, used: Some(u64::MAX) };
    let outcome = match part {
        "claims the deadline" => limit(LimitKey::WallTime),
        "claims its CPU time" => limit(LimitKey::CpuTime),
        "claims the compiler's budget" => limit(LimitKey::CompileMemory),
        "claims a limit that there is not" => limit(LimitKey::Fuel),
        "claims more memory than there was" => limit(LimitKey::Memory),
        "claims to be cancelled" => Outcome::Cancelled { by: MOVES.into() },
        "claims to be killed" => Outcome::Killed { signal: MOVES.into() },
        "claims a quarantine" => Outcome::Rejected(Rejection::new(RejectReason::Quarantined, MOVES)),
        "claims to be lost" => Outcome::Lost { reason: MOVES.repeat(10_000) },
        "returns what nothing returns" => {
            return RunEnd { value: Some(vec![0xff; 4096]), ..*end(run, Outcome::Exited { code: 0 }) };
        }
        "lies in every field" => return everything(run, [64, 1000, Violation::MAX_KEPT]),
        "lists too much" => return everything(run, [65, 1000, Violation::MAX_KEPT]),
        "says too much" => return everything(run, [30_000; 3]),
        other => panic!("nobody plays `{other}`"),
    };
    *end(run, outcome)
}

/// So many frames, results and violations, each text as bad as can be, each number as large.
fn everything(run: u64, [frames, results, violations]: [usize; 3]) -> RunEnd {
    let frame = Frame { function: MOVES.repeat(4), module: Some(MOVES.into()), offset: Some(u64::MAX), source: Some(MOVES.into()) };
    let Outcome::Trapped { trap, message, .. } = trap(MOVES.repeat(10_000)) else { unreachable!("a trap") };
    let most = Some(u64::MAX);
    RunEnd {
        run: u64::MAX - run,
        outcome: Outcome::Trapped { trap, message, frames: vec![frame; frames] },
        results: vec![ResultValue::V128(u128::MAX); results],
        value: None,
        usage: Usage {
            wall_ns: most,
            cpu_ns: most,
            fuel: most,
            peak_memory_bytes: most,
            output_bytes: most,
            disk_bytes: most,
            files_created: most,
            host_calls: most,
            compile_ns: most,
            instantiate_ns: most,
            queue_ns: most,
        },
        violations: vec![Violation { rule: MOVES.repeat(50), attempt: MOVES.repeat(4), count: u64::MAX }; violations],
        stdout: vec![0xff; 4096],
        stderr: vec![0x1b; 4096],
    }
}

fn what_only_the_parent_knows_is_not_believed() {
    const ONLY: &str = "the worker says what only the control process can know";
    for part in [
        "claims the deadline",
        "claims its CPU time",
        "claims the compiler's budget",
        "claims a limit that there is not",
        "claims to be cancelled",
        "claims to be killed",
    ] {
        check(part, &[], "lost", ONLY);
    }
    check("claims a quarantine", &[], "rejected:policy", "");
    check("claims to be lost", &[], "lost", "\\\\u{1b}[2J");
    check("returns what nothing returns", &[], "lost", "returned what it cannot return");
    let report = check("claims more memory than there was", &[("memory", "32MiB")], "limit-exceeded:memory", "");
    assert!(matches!(report.outcome, Outcome::LimitExceeded { allowed, .. } if allowed == 32 << 20), "{report:?}");
}

fn a_lie_in_every_field_is_cut_down() {
    let report = check("lies in every field", &[], "trapped:unreachable", "\\\\u{1b}[2J");
    let Outcome::Trapped { frames, .. } = &report.outcome else { panic!("{report:?}") };
    assert_eq!((frames.len(), report.results.len(), report.violations.len()), (64, 1000, Violation::MAX_KEPT));
    assert_eq!(report.run.0, 1, "a run's number is the parent's to say");
    let a_minute = Some(60_000_000_000);
    let Usage { wall_ns, cpu_ns, compile_ns, queue_ns, fuel, .. } = report.usage;
    assert!(wall_ns < a_minute && cpu_ns < a_minute && compile_ns < a_minute, "times are the parent's: {:?}", report.usage);
    assert_eq!((queue_ns, fuel), (None, None), "what was not measured is absent");
}

fn more_than_may_be_said_is_not_taken() {
    check("lists too much", &[], "lost", "what came is no message");
    check("says too much", &[], "lost", "bytes; at most ");
}
