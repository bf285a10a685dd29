//! What a parent hears, and what it makes of it.

use ambit_core::{ComponentType, Frame, Isolation, LimitKey, Outcome, Policy, Profile, RejectReason, Rejection, Violation};
use ambit_jail::{
    JailError,
    wire::{Frames, FromCompiler, FromWorker, MOST_KINDS, MOST_UP, decode},
};
use ambit_manager::fuzzing::{Believed, CompilerSays, End, Repeats, WorkerSays, compiler, worker};

use crate::{input::Input, memory::bounded, messages::policy};

/// What is said about what was cut off comes on top of a cap.
const CUT: usize = 40;
/// Memory for what is heard, as a multiple of it: its strings once decoded, once escaped, and each made longer as it grows; a
/// number of one byte is four in a list.
const TIMES: usize = 16;
/// How many runs were asked for that are repeated.
const LEFT: u64 = 100;

/// The first bytes say who speaks, whether in frames, and under which policy; the rest is what is said.
pub fn wire_up(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (is_compiler, in_frames) = (input.bool(), input.bool());
    let isolation = input.one_of(&[Isolation::Process, Isolation::Tenant]);
    let policy = if input.bool() { policy(&mut input) } else { Profile::Default.policy() };
    let hear = |message: &[u8]| if is_compiler { hear_compiler(message) } else { hear_worker(message, &policy, isolation) };
    let said = input.rest();
    if !in_frames {
        return hear(said);
    }
    let mut frames = Frames::new(MOST_UP, 0);
    bounded(said.len(), TIMES, || frames.extend(said));
    while let Ok(Some((message, fds))) = frames.take() {
        assert_eq!(fds, 0, "a parent takes no descriptors");
        hear(message);
    }
}

fn hear_compiler(message: &[u8]) {
    let says = bounded(message.len(), TIMES, || decode::<FromCompiler>(message).ok().map(compiler));
    match says {
        None | Some(CompilerSays::Entered | CompilerSays::Compiled) => {}
        Some(CompilerSays::NotEntered(error)) => check_error(&error),
        Some(CompilerSays::Refused(rejection)) => check_rejection(&rejection, Isolation::Process),
        Some(CompilerSays::Failed(reason)) => check_line(&reason, 512),
    }
}

fn hear_worker(message: &[u8], policy: &Policy, isolation: Isolation) {
    let says = bounded(message.len(), TIMES, || decode::<FromWorker>(message).ok().map(|said| worker(said, isolation)));
    match says {
        None => {}
        Some(WorkerSays::Entered { layers, engine_version }) => {
            assert!(layers.is_sorted_by(|a, b| a < b), "{layers:?}");
            check_line(&engine_version, 64);
        }
        Some(WorkerSays::NotEntered(error)) => check_error(&error),
        Some(WorkerSays::Loaded { module: _, refused }) => refused.iter().for_each(|refused| check_rejection(refused, isolation)),
        Some(WorkerSays::Log(text)) => check_line(&text, message.len()),
        Some(WorkerSays::Failed(reason)) => check_line(&reason, 512),
        Some(WorkerSays::Ended(end)) => check_end(message.len(), end, policy, isolation),
        Some(WorkerSays::Repeated(repeats)) => check_repeats(message.len(), repeats, policy, isolation),
    }
}

fn check_end(bytes: usize, end: End, policy: &Policy, isolation: Isolation) {
    // Texts, which are as long in memory as on the wire; what other types come to is for the target `packed`.
    let ty = || Some(ComponentType::Tuple([ComponentType::String, ComponentType::String].into()));
    let believed = bounded(bytes, TIMES, || end.believe(policy, isolation, ty));
    let Believed { outcome, results, value, usage, violations, stdout, stderr } = believed;
    if let (Some(value), Some(ty)) = (value, ty()) {
        assert_eq!(value.check(&ty), Ok(()));
        assert!(value.memory() <= policy.limits.run.host_buffers.ceiling());
    }
    check_outcome(&outcome, policy, isolation);
    assert!(results.len() <= 1000 && violations.len() <= Violation::MAX_KEPT);
    for Violation { rule, attempt, count: _ } in &violations {
        check_line(rule, 64);
        check_line(attempt, 2048);
    }
    assert_eq!((usage.wall_ns, usage.compile_ns, usage.queue_ns), (None, None, None), "times are the parent's to say");
    assert!(stdout.len().max(stderr.len()) as u64 <= policy.limits.run.output.ceiling());
}

fn check_repeats(bytes: usize, repeats: Repeats, policy: &Policy, isolation: Isolation) {
    let (took, ended, failure) = bounded(bytes, TIMES, || repeats.believe(policy, isolation, LEFT));
    assert!(took.len() as u64 <= LEFT && ended.len() <= MOST_KINDS + 1);
    for (kind, count) in &ended {
        check_line(kind, 64);
        assert!(*count <= LEFT, "{count}");
    }
    failure.iter().for_each(|outcome| check_outcome(outcome, policy, isolation));
}

fn check_outcome(outcome: &Outcome, policy: &Policy, isolation: Isolation) {
    match outcome {
        Outcome::Exited { code: _ } => {}
        Outcome::Trapped { trap: _, message, frames } => {
            check_line(message, 2048);
            assert!(frames.len() <= Frame::MAX_KEPT);
            for Frame { function, module, offset: _, source } in frames {
                check_line(function, 2048);
                module.iter().chain(source).for_each(|text| check_line(text, 2048));
            }
        }
        Outcome::LimitExceeded { limit, allowed, used: _ } => {
            assert_eq!(*allowed, policy.limits.run.get(*limit).ceiling(), "{limit}");
            assert!(!parents_limit(*limit, isolation), "{limit}");
        }
        Outcome::Rejected(rejection) => check_rejection(rejection, isolation),
        Outcome::Lost { reason } => check_line(reason, 2048),
        // A tenant's worker ends a run when it is told to, and says so.
        Outcome::Cancelled { by } if isolation == Isolation::Tenant => check_line(by, 128),
        Outcome::Cancelled { .. } | Outcome::Killed { .. } => panic!("only a parent says {outcome:?}"),
    }
}

/// Whether only a parent knows that this limit was passed.
fn parents_limit(limit: LimitKey, isolation: Isolation) -> bool {
    use LimitKey::{CompileMemory, CompileTime, Connections, CpuTime, Cpus, ModuleSize, NetBytes, WallTime};
    match limit {
        CpuTime | WallTime => isolation == Isolation::Process,
        Cpus | Connections | NetBytes | ModuleSize | CompileTime | CompileMemory => true,
        _ => false,
    }
}

fn check_rejection(Rejection { reason, message }: &Rejection, isolation: Isolation) {
    check_line(message, 2048);
    let parents = match reason {
        RejectReason::Signature | RejectReason::Quarantined | RejectReason::CompileBudget => true,
        RejectReason::Overloaded => isolation == Isolation::Process,
        _ => false,
    };
    assert!(!parents, "only a parent says {reason}");
}

fn check_error(JailError { layer: _, step, errno }: &JailError) {
    check_line(step, 512);
    check_line(errno, 512);
}

/// One line, that moves no cursor and turns no text around, within its cap.
fn check_line(text: &str, cap: usize) {
    let deceptive = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    assert!(!text.chars().any(|c| c.is_control() || deceptive(c)), "{text:?}");
    assert!(text.len() <= cap + CUT, "{} bytes of at most {cap}", text.len());
}
