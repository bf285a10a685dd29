//! What a worker and a compiler say that were taken over.

use std::{convert::Infallible, fs::File, io::Write, process::ExitCode, time::Duration};

use ambit_core::{Layer, LimitKey, Outcome, Policy, RejectReason, Rejection, Usage, Violation};
use ambit_jail::{
    JailError, Purpose, begin, receive_spec,
    wire::{Channel, FromCompiler, FromWorker, RunEnd, ToCompiler, ToWorker, WireError},
};
use serde::Serialize;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn tell(purpose: Purpose) -> ExitCode {
    let Ok(mut channel) = begin() else { return ExitCode::FAILURE };
    // It stays where it was spawned, and enters nothing: nobody would notice.
    let told = match purpose {
        Purpose::Compiler => compiler(&mut channel),
        Purpose::Process | Purpose::Tenant => worker(&mut channel),
    };
    // Until it is ended.
    let _ = told.and_then(|()| channel.receive::<()>());
    ExitCode::SUCCESS
}

fn say(channel: &Channel, what: &impl Serialize) -> Result<(), WireError> {
    channel.send(what, &[], PATIENCE)
}

fn for_ever(channel: &Channel, what: &impl Serialize) -> Result<(), WireError> {
    let ever: Result<Infallible, WireError> = loop {
        if let Err(error) = say(channel, what) {
            break Err(error);
        }
    };
    ever.map(|_| ())
}

fn lie(policy: &Policy) -> &str {
    policy.grants.args.first().map_or("", String::as_str)
}

fn red() -> JailError {
    JailError { layer: Some(Layer::Seccomp), step: "\u{1b}[31mred".into(), errno: String::new() }
}

fn compiler(channel: &mut Channel) -> Result<(), WireError> {
    receive_spec(channel)?;
    let (ToCompiler::Compile { policy, .. }, fds) = channel.receive()?;
    if lie(&policy) == "compiler-not-entered-in-red" {
        return say(channel, &FromCompiler::NotEntered(red()));
    }
    say(channel, &FromCompiler::Entered(vec![Layer::Seccomp]))?;
    match lie(&policy) {
        "compiler-not-entered-after-all" => say(channel, &FromCompiler::NotEntered(red())),
        "compiler-fails-for-ever" => for_ever(channel, &FromCompiler::Failed("again".into())),
        "compiler-rejects-in-red" => {
            say(channel, &FromCompiler::Rejected(Rejection::new(RejectReason::Quarantined, "\u{1b}[31mred")))
        }
        _ => {
            for fd in fds.into_iter().skip(1) {
                File::from(fd).write_all(b"code").map_err(WireError::Socket)?;
            }
            say(channel, &FromCompiler::Compiled)
        }
    }
}

fn worker(channel: &mut Channel) -> Result<(), WireError> {
    receive_spec(channel)?;
    let entered = FromWorker::Entered { layers: vec![Layer::Seccomp], engine_version: "1".into() };
    say(channel, &entered)?;
    let (ToWorker::Module { module, policy, .. }, _) = channel.receive()? else { return Err(WireError::NoFrame) };
    let (ToWorker::Run(job), _) = channel.receive()? else { return Err(WireError::NoFrame) };
    if lie(&policy) == "fail-for-ever" {
        return for_ever(channel, &FromWorker::Failed("again".into()));
    }
    let (ToWorker::Artifact { .. }, _) = channel.receive()? else { return Err(WireError::NoFrame) };
    let loaded = FromWorker::Loaded { module, refused: None };
    say(channel, &loaded)?;
    let ended = |outcome: Outcome| RunEnd {
        run: job.run,
        outcome,
        results: Vec::new(),
        value: None,
        usage: Usage::default(),
        violations: Vec::new(),
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let end = |outcome: Outcome| say(channel, &FromWorker::Ended(Box::new(ended(outcome))));
    match lie(&policy) {
        "entered-again" => say(channel, &entered),
        "not-entered-after-all" => say(channel, &FromWorker::NotEntered(red())),
        "loaded-twice" => say(channel, &loaded),
        "log-for-ever" => for_ever(channel, &FromWorker::Log { run: job.run, text: "again".into() }),
        "cancelled" => end(Outcome::Cancelled { by: "user".into() }),
        "killed" => end(Outcome::Killed { signal: "SIGKILL".into() }),
        "deadline" => end(Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed: 1, used: None }),
        "too-many-violations" => {
            let violation = Violation { rule: String::new(), attempt: String::new(), count: 0 };
            let violations = vec![violation; 1_000_000];
            let end = RunEnd { violations, ..ended(Outcome::Exited { code: 0 }) };
            say(channel, &FromWorker::Ended(Box::new(end)))
        }
        _ => end(Outcome::Exited { code: 0 }),
    }
}
