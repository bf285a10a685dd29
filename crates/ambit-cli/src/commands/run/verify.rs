//! `--verify-with`: the same run on a second engine, and whether both come to the same.
//!
//! Both are given the same: clocks that stand still, random numbers from one seed, an input that was read to its end before. What is
//! compared is all that anybody outside sees of them: how they ended, what they returned, what they wrote and what they logged. What
//! a limit in an engine's own units ended cannot be compared: a unit of fuel or stack is another thing on each, and so is how far a guest
//! comes in a second.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use ambit_admit::Verified;
use ambit_core::{
    Access, Bound, ByteSize, EngineId, Isolation, LimitKey, Outcome, Policy, RejectReason, Rejection, Report, RunId, Stdin, escape,
};
use ambit_engine::{
    Call,
    host::{Capture, FdInput, GuestInput},
};
use ambit_manager::{Control, Entry, Input, LaunchConfig, LaunchEvent, LaunchRequest, Launcher, Output};
use ambit_runtime::{Module, RunRequest, Runtime, RuntimeConfig};
use rustix::fs::{MemfdFlags, memfd_create};

use super::{
    Asked,
    unstarted::{Refused, unstarted},
};
use crate::{
    commands::{finish::finish, module_source::Found, read_in_time::read_in_time},
    engines, output,
};

/// The most bytes of input that are kept to be given twice.
const MOST_INPUT: u64 = 1 << 30;

/// The most bytes of output of a guest for which nobody has named a limit.
const MOST_OUTPUT: ByteSize = ByteSize::mib(64);

/// What was seen of a run.
struct Seen {
    report: Report,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    log: Vec<String>,
}

/// A run that is made twice.
struct Twice {
    module: Arc<Verified>,
    input: Option<File>,
    config: LaunchConfig,
}

/// Runs it on both engines, and says what the first did; or that they differ, as a run that is lost.
pub(super) fn run(asked: Asked, config: LaunchConfig, second: (EngineId, Policy)) -> anyhow::Result<u8> {
    let (began, isolation) = (asked.began, asked.isolation);
    let mut refused = Refused { policy: Some(Policy::clone(&asked.policy)), module: None };
    let ready = read_in_time(asked.source.clone(), asked.signatures.clone(), &asked.policy, began, &asked.on_signal, None)
        .and_then(|found| found.map_err(Outcome::Rejected))
        .and_then(|Found { module, .. }| {
            refused.module = Some(module.digest());
            let input = recorded(&asked.policy).map_err(Outcome::Rejected)?;
            Ok(Twice { module, input, config })
        });
    let twice = match ready {
        Ok(twice) => twice,
        Err(outcome) => return finish(&asked.talk, asked.report, unstarted(outcome, refused, &asked.name, began, isolation)),
    };
    let (engine, policy) = second;
    let mut first = twice.once(&asked, asked.engine, &asked.policy)?;
    let other = twice.once(&asked, engine, &Arc::new(policy))?;
    // Written before anything is said of it, and whether it is to be believed or not.
    for line in &first.log {
        output::note(&format!("log: {line}"));
    }
    io::stderr().write_all(&first.stderr)?;
    output::raw(&first.stdout)?;
    match compared(&first, &other) {
        Compared::Same if asked.talk.verbose => output::note(&format!("{} and {engine} come to the same", asked.engine)),
        Compared::Same => {}
        Compared::Incomparable(limit) => {
            output::note(&format!("not compared: `{limit}` is measured in each engine's own way, and ended one of the two"));
        }
        Compared::Different(how) => {
            let reason = format!("{} and {engine} differ: {how}", asked.engine);
            first.report.outcome = Outcome::Lost { reason };
        }
    }
    finish(&asked.talk, asked.report, first.report)
}

/// What the guest may read, kept so that it can be read twice.
fn recorded(policy: &Policy) -> Result<Option<File>, Rejection> {
    let failed = |error: io::Error| Rejection::new(RejectReason::NotFound, format!("cannot read the guest's input: {error}"));
    let from: Box<dyn Read> = match &policy.grants.stdin {
        Stdin::None => return Ok(None),
        Stdin::Inherit => Box::new(io::stdin().lock()),
        Stdin::File(path) => Box::new(File::open(path).map_err(failed)?),
    };
    let mut kept = File::from(memfd_create("ambit-input", MemfdFlags::CLOEXEC).map_err(|error| failed(error.into()))?);
    if io::copy(&mut from.take(MOST_INPUT + 1), &mut kept).map_err(failed)? > MOST_INPUT {
        let message = format!("the guest's input is longer than the {MOST_INPUT} bytes that --verify-with gives twice");
        return Err(Rejection::new(RejectReason::Policy, message));
    }
    Ok(Some(kept))
}

/// What the guest writes is kept until both runs are over: without a limit of its own there is one all the same.
pub(super) fn bounded(mut policy: Policy) -> Policy {
    if policy.limits.run.output == Bound::Unlimited {
        policy.limits.run.output = Bound::At(MOST_OUTPUT);
    }
    policy
}

/// Refuses what the second run would find otherwise than the first.
pub(super) fn check(policy: &Policy) -> Result<(), Rejection> {
    match policy.grants.dirs.iter().find(|dir| dir.access == Access::ReadWrite) {
        None => Ok(()),
        Some(dir) => {
            let shown = escape(&*dir.guest, 128);
            let message = format!(
                "`{shown}` can be written to, so that the second run of --verify-with would find what the first has left; grant it to be read"
            );
            Err(Rejection::new(RejectReason::Unenforceable, message))
        }
    }
}

impl Twice {
    fn once(&self, asked: &Asked, engine: EngineId, policy: &Arc<Policy>) -> anyhow::Result<Seen> {
        // From its beginning, and with a position of its own.
        let input =
            self.input.as_ref().map(|input| File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(input))));
        let input = input.transpose()?;
        match asked.isolation {
            Isolation::None => self.inside(asked, engine, policy, input),
            Isolation::Process | Isolation::Tenant => self.jailed(asked, engine, policy, input),
        }
    }

    fn inside(&self, asked: &Asked, engine: EngineId, policy: &Arc<Policy>, input: Option<File>) -> anyhow::Result<Seen> {
        let since = Instant::now();
        let unseen = |outcome: Outcome| {
            let refused = Refused { policy: Some(Policy::clone(policy)), module: Some(self.module.digest()) };
            Seen::nothing(unstarted(outcome, refused, &asked.name, since, asked.isolation))
        };
        let ready = engines::engine(engine, 0).and_then(|engine| {
            let call = match &asked.invoke {
                Some(function) => Call::invoke(&self.module, function, &asked.function_args)?,
                None => Call::command(&self.module)?,
            };
            Ok((engine, call))
        });
        let (engine, call) = match ready {
            Ok(ready) => ready,
            Err(rejection) => return Ok(unseen(Outcome::Rejected(rejection))),
        };
        let runtime = Runtime::with_engine(RuntimeConfig { pool_guests: 0, ..RuntimeConfig::default() }, engine)?;
        let (stdout, stderr, log) = (Capture::default(), Capture::default(), Arc::new(Mutex::new(Vec::new())));
        let logged = Arc::clone(&log);
        let streams = ambit_runtime::Streams {
            stdin: input.map(|input| Box::new(FdInput::new(OwnedFd::from(input))) as Box<dyn GuestInput>),
            stdout: Box::new(stdout.clone()),
            stderr: Box::new(stderr.clone()),
            log: Box::new(move |text: &str| {
                logged.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
                true
            }),
        };
        let request = RunRequest {
            module: Module::Verified(Arc::clone(&self.module)),
            policy: Arc::clone(policy),
            call,
            streams,
            since: Some(since),
            tenant: None,
            name: asked.name.as_str().into(),
        };
        let running = match runtime.start(request) {
            Ok(running) => running,
            Err(rejection) => return Ok(unseen(Outcome::Rejected(rejection))),
        };
        let control = running.control();
        asked.on_signal.ends(move || control.cancel("user"));
        let report = running.wait().report();
        let log = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Seen { report, stdout: stdout.take(), stderr: stderr.take(), log })
    }

    fn jailed(&self, asked: &Asked, engine: EngineId, policy: &Arc<Policy>, input: Option<File>) -> anyhow::Result<Seen> {
        let since = Instant::now();
        let launched = Launcher::new(LaunchConfig { engine, cache: None, ..self.config.clone() })
            .and_then(|launcher| Ok((launcher.prepare(policy)?, launcher)));
        let (prepared, launcher) = match launched {
            Ok(launched) => launched,
            Err(rejection) => {
                let refused = Refused { policy: Some(Policy::clone(policy)), module: Some(self.module.digest()) };
                let outcome = Outcome::Rejected(rejection);
                return Ok(Seen::nothing(unstarted(outcome, refused, &asked.name, since, asked.isolation)));
            }
        };
        let output = || -> io::Result<(File, Output)> {
            let file = File::from(memfd_create("ambit-output", MemfdFlags::CLOEXEC)?);
            Ok((file.try_clone()?, Output::Fd(file.into())))
        };
        let ((mut stdout, to_stdout), (mut stderr, to_stderr)) = (output()?, output()?);
        let request = LaunchRequest {
            run: RunId(1),
            module: Arc::clone(&self.module),
            entry: match &asked.invoke {
                Some(function) => Entry::Invoke { function: function.clone(), args: asked.function_args.clone() },
                None => Entry::Command,
            },
            name: asked.name.clone(),
            streams: ambit_manager::Streams {
                stdin: input.map_or(Input::Nothing, |input| Input::Fd(input.into())),
                stdout: to_stdout,
                stderr: to_stderr,
            },
            since,
        };
        let control = Control::new()?;
        let cancel = control.clone();
        asked.on_signal.ends(move || cancel.cancel("user"));
        let mut log = Vec::new();
        let report = launcher.run(prepared, request, &control, &mut |event| match event {
            LaunchEvent::Log(text) => log.push(text.to_owned()),
            LaunchEvent::Compiled | LaunchEvent::ArtifactRefused(_) => {}
        });
        let read = |file: &mut File| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Ok(Seen { report, stdout: read(&mut stdout)?, stderr: read(&mut stderr)?, log })
    }
}

impl Seen {
    fn nothing(report: Report) -> Self {
        Self { report, stdout: Vec::new(), stderr: Vec::new(), log: Vec::new() }
    }
}

/// What a comparison came to.
#[derive(Debug, PartialEq, Eq)]
enum Compared {
    Same,
    /// By the limit that ended one of the two.
    Incomparable(LimitKey),
    /// How.
    Different(String),
}

fn compared(first: &Seen, second: &Seen) -> Compared {
    for seen in [first, second] {
        if let Outcome::LimitExceeded { limit, .. } = seen.report.outcome
            && matches!(limit, LimitKey::Fuel | LimitKey::Stack | LimitKey::WallTime | LimitKey::CpuTime)
        {
            return Compared::Incomparable(limit);
        }
    }
    let (one, other) = (ended(&first.report.outcome), ended(&second.report.outcome));
    if one != other {
        return Compared::Different(format!("the one ended `{one}`, the other `{other}`"));
    }
    if first.report.results != second.report.results || first.report.value != second.report.value {
        let shown = |report: &Report| report.results.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        return Compared::Different(format!("the one returned {}, the other {}", shown(&first.report), shown(&second.report)));
    }
    for (what, one, other) in [("stdout", &first.stdout, &second.stdout), ("stderr", &first.stderr, &second.stderr)] {
        if one != other {
            let at = one.iter().zip(other).take_while(|(one, other)| one == other).count();
            let lengths = format!("of {} and {}", one.len(), other.len());
            return Compared::Different(format!("what they wrote to {what} differs from byte {at} on, {lengths}"));
        }
    }
    if first.log == second.log { Compared::Same } else { Compared::Different("what they logged differs".into()) }
}

/// An outcome without what engines have their own words for.
fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exited {code}"),
        Outcome::Trapped { trap, .. } => format!("trapped {trap}"),
        Outcome::LimitExceeded { limit, .. } => format!("limit-exceeded {limit}"),
        Outcome::Rejected(rejection) => format!("rejected {rejection}"),
        Outcome::Cancelled { by } => format!("cancelled {by}"),
        Outcome::Killed { signal } => format!("killed {signal}"),
        Outcome::Lost { reason } => format!("lost {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use ambit_core::{ResultValue, TrapKind};

    use super::*;

    fn seen(outcome: Outcome) -> Seen {
        Seen::nothing(unstarted(outcome, Refused::default(), "guest", Instant::now(), Isolation::None))
    }

    #[test]
    fn each_difference_is_told() {
        let exited = || seen(Outcome::Exited { code: 0 });
        let check = |second: Seen, expect: &str| assert_eq!(compared(&exited(), &second), Compared::Different(expect.into()));
        assert_eq!(compared(&exited(), &exited()), Compared::Same);
        check(seen(Outcome::Exited { code: 1 }), "the one ended `exited 0`, the other `exited 1`");
        let stdout = b"x".to_vec();
        check(Seen { stdout, ..exited() }, "what they wrote to stdout differs from byte 0 on, of 0 and 1");
        check(Seen { log: vec!["a".into()], ..exited() }, "what they logged differs");
        let mut returned = exited();
        returned.report.results = vec![ResultValue::I32(7)];
        check(returned, "the one returned , the other 7");
        let fuel = seen(Outcome::LimitExceeded { limit: LimitKey::Fuel, allowed: 1, used: Some(1) });
        assert_eq!(compared(&exited(), &fuel), Compared::Incomparable(LimitKey::Fuel));
        // Each engine has its own words for a trap, and not its own kinds.
        let trapped =
            |message: &str| seen(Outcome::Trapped { trap: TrapKind::Unreachable, message: message.into(), frames: Vec::new() });
        assert_eq!(compared(&trapped("one"), &trapped("other")), Compared::Same);
    }
}
