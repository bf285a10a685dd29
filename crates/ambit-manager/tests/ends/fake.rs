//! What this program is when it is spawned: a worker or a compiler that plays a part.

use std::{
    fs::File,
    io::Write,
    net::UdpSocket,
    os::fd::OwnedFd,
    process::{ExitCode, abort},
    thread,
    time::Duration,
};

use ambit_core::{Layer, Outcome, Policy, RejectReason, Rejection, TrapKind, Usage};
use ambit_jail::{
    JailError, JailSpec, Purpose, begin, enter, receive_spec,
    wire::{Channel, FromCompiler, FromWorker, RunEnd, ToCompiler, ToWorker},
};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::liars;

/// For as long as any test takes.
const EVER: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(60);
/// What an engine's runtime says when there is no memory.
const NO_MEMORY: &str = "memory allocation of 1048576 bytes failed\n";

pub(crate) fn be(purpose: Purpose) -> ExitCode {
    let mut channel = begin().expect("spawned by a launcher");
    let (spec, fds) = receive_spec(&mut channel).expect("what to enter");
    match purpose {
        Purpose::Compiler => compiler(channel),
        Purpose::Process | Purpose::Tenant => worker(channel, &spec, fds),
    }
}

/// The part is the first argument that the guest is granted.
fn part(policy: &Policy) -> String {
    policy.grants.args.first().cloned().unwrap_or_default()
}

fn entered() -> FromWorker {
    FromWorker::Entered { layers: vec![Layer::Seccomp], engine_version: "0\x1b[2J".into() }
}

fn worker(mut channel: Channel, spec: &JailSpec, dirs: Vec<OwnedFd>) -> ExitCode {
    let tell = |channel: &Channel, message: &FromWorker| drop(channel.send(message, &[], PATIENCE));
    // One part that cannot be told in a job, since it does not take one.
    if spec.syscalls.allow == ["deaf"] {
        thread::sleep(EVER);
    }
    // As a real one finds out that its parent has gone before it was tied to it.
    if channel.send(&entered(), &[], PATIENCE).is_err() {
        return ExitCode::FAILURE;
    }
    let Ok((ToWorker::Module { module, policy, .. }, _)) = channel.receive() else { return ExitCode::FAILURE };
    let Ok((ToWorker::Run(job), streams)) = channel.receive() else { return ExitCode::FAILURE };
    let part = part(&policy);
    match &*part {
        "ends before it has begun" => {
            tell(&channel, &FromWorker::Ended(end(job.run, Outcome::Exited { code: 0 })));
            thread::sleep(EVER);
        }
        "cannot enter" => {
            let error = JailError { layer: Some(Layer::Landlock), step: "do\x1b[2J".into(), errno: "\n".repeat(9) };
            tell(&channel, &FromWorker::NotEntered(error));
            thread::sleep(EVER);
        }
        _ => {}
    }
    let Ok((ToWorker::Artifact { .. }, _)) = channel.receive() else { return ExitCode::FAILURE };
    if part == "spins and never has loaded" {
        loop {
            std::hint::spin_loop();
        }
    }
    tell(&channel, &FromWorker::Loaded { module, refused: None });
    match &*part {
        "exits with 0" => ExitCode::SUCCESS,
        "exits with 3" => ExitCode::from(3),
        "aborts" => abort(),
        "has no memory" => {
            let _ = std::io::stderr().write_all(NO_MEMORY.as_bytes());
            abort()
        }
        "says it has no memory" => {
            let _ = std::io::stderr().write_all(NO_MEMORY.as_bytes());
            ExitCode::FAILURE
        }
        "panics" => {
            tell(&channel, &FromWorker::Failed("panicked\x1b[2J".repeat(1000)));
            abort()
        }
        "makes a forbidden call" => {
            enter(spec, dirs, || (), || Ok(())).expect("a jail");
            let _ = UdpSocket::bind("127.0.0.1:0");
            ExitCode::SUCCESS
        }
        "takes half a gigabyte" => {
            let file = || {
                let file = memfd_create("taken", MemfdFlags::CLOEXEC).map(File::from).expect("a memory file");
                (&file).write_all(&vec![1; 8 << 20]).map(|()| file).expect("written")
            };
            let taken: Vec<File> = (0..64).map(|_| file()).collect();
            ExitCode::from(if taken.len() == 64 { 3 } else { 4 })
        }
        "waits in its jail" => {
            enter(spec, dirs, || (), || Ok(())).expect("a jail");
            // For its parent to hang up.
            let _ = channel.receive::<ToWorker>();
            ExitCode::FAILURE
        }
        "is silent" => quiet(),
        "spins" => loop {
            std::hint::spin_loop();
        },
        "speaks garbage" => garbage(&channel, &[0x55; 4096]),
        "speaks another version" => garbage(&channel, b"A\x02\0\0\0\0\0\0"),
        "announces four gigabytes" => garbage(&channel, b"A\x01\0\0\xff\xff\xff\xff"),
        "announces descriptors" => garbage(&channel, b"A\x01\x01\0\0\0\0\0"),
        "sends no message" => garbage(&channel, b"A\x01\0\0\x01\0\0\0\xff"),
        "stops in a frame" => garbage(&channel, b"A\x01\0\0\x10\0\0\0half"),
        "closes its socket" => {
            drop(channel);
            quiet()
        }
        "enters twice" => {
            tell(&channel, &entered());
            quiet()
        }
        "logs without end" => loop {
            let _ = channel.send(&FromWorker::Log { run: job.run, text: "again".into() }, &[], PATIENCE);
        },
        "fails without end" => loop {
            let _ = channel.send(&FromWorker::Failed("again".into()), &[], PATIENCE);
        },
        "writes without counting" => {
            let mut stdout = File::from(streams.into_iter().next().expect("a stream"));
            loop {
                // The pipe may be full, and takes more later.
                let _ = stdout.write(&[b'x'; 4096]);
            }
        }
        "exits well" => {
            tell(&channel, &FromWorker::Ended(end(job.run, Outcome::Exited { code: 7 })));
            ExitCode::SUCCESS
        }
        lie => {
            tell(&channel, &FromWorker::Ended(Box::new(liars::lie(lie, job.run))));
            quiet()
        }
    }
}

fn compiler(mut channel: Channel) -> ExitCode {
    let tell = |channel: &Channel, message: &FromCompiler| drop(channel.send(message, &[], PATIENCE));
    tell(&channel, &FromCompiler::Entered(vec![Layer::Seccomp]));
    let Ok((ToCompiler::Compile { policy, .. }, fds)) = channel.receive() else { return ExitCode::FAILURE };
    let mut artifact = File::from(fds.into_iter().nth(1).expect("a file"));
    match &*part(&policy) {
        "compiler: exits with 3" => return ExitCode::from(3),
        "compiler: aborts" => abort(),
        "compiler: has no memory" => {
            let _ = std::io::stderr().write_all(NO_MEMORY.as_bytes());
            abort()
        }
        "compiler: is silent" => return quiet(),
        "compiler: spins" => loop {
            std::hint::spin_loop();
        },
        "compiler: enters without end" => loop {
            let _ = channel.send(&FromCompiler::Entered(Vec::new()), &[], PATIENCE);
        },
        "compiler: speaks garbage" => return garbage(&channel, &[0x55; 4096]),
        "compiler: closes its socket" => {
            drop(channel);
            return quiet();
        }
        "compiler: gives nothing" => {}
        "compiler: refuses" => {
            let rejection = Rejection::new(RejectReason::InvalidModule, "because\x1b[2J".repeat(1000));
            tell(&channel, &FromCompiler::Rejected(rejection));
            return quiet();
        }
        "compiler: speaks for its parent" => {
            tell(&channel, &FromCompiler::Rejected(Rejection::new(RejectReason::Quarantined, "since I say so")));
            return quiet();
        }
        "compiler: cannot enter" => {
            let error = JailError { layer: None, step: "do\x1b[2J".into(), errno: "\n".repeat(5000) };
            tell(&channel, &FromCompiler::NotEntered(error));
            return quiet();
        }
        _ => artifact.write_all(b"code").expect("room"),
    }
    tell(&channel, &FromCompiler::Compiled);
    ExitCode::SUCCESS
}

fn quiet() -> ExitCode {
    thread::sleep(EVER);
    ExitCode::SUCCESS
}

fn garbage(channel: &Channel, bytes: &[u8]) -> ExitCode {
    let _ = rustix::io::write(channel.socket(), bytes);
    quiet()
}

/// An end of a run that is no lie.
pub(crate) fn end(run: u64, outcome: Outcome) -> Box<RunEnd> {
    let (usage, nothing) = (Usage::default(), Vec::new);
    Box::new(RunEnd {
        run,
        outcome,
        results: Vec::new(),
        value: None,
        usage,
        violations: Vec::new(),
        stdout: nothing(),
        stderr: nothing(),
    })
}

/// A trap without anything else.
pub(crate) fn trap(message: String) -> Outcome {
    Outcome::Trapped { trap: TrapKind::Unreachable, message, frames: Vec::new() }
}
