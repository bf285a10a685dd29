//! Compilers and workers that are spoken to without a launcher, and what becomes of them when all does not go well.

use std::{fs::File, os::fd::AsFd as _, path::Path, thread, time::Duration};

use ambit_core::{EngineId, Isolation, Metering};
use ambit_jail::{
    Child, End, ExtraSyscalls, JailSpec, Purpose, Rlimits, SpawnOptions, Spawned, Spawner,
    wire::{Channel, FromCompiler, FromWorker, ModuleForm, ToCompiler, ToWorker},
};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{Signal, kill_process},
};

use crate::guests::HELLO;

const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough for a process to have nothing left to do but wait.
const IDLE: Duration = Duration::from_millis(20);
/// Memory of a process that is given a module of twice as much.
const LITTLE: u64 = 64 << 20;

/// All of it.
pub(crate) fn survives(engine: EngineId, purpose: Purpose, without: &[String]) -> Result<(), String> {
    hung_up(engine, purpose, without)?;
    faulted(engine, purpose, without)?;
    starved(engine, purpose, without)
}

/// Its parent hangs up: it ends, with a code.
fn hung_up(engine: EngineId, purpose: Purpose, without: &[String]) -> Result<(), String> {
    let (child, channel) = entered(engine, purpose, without, None)?;
    thread::sleep(IDLE);
    drop(channel);
    ended("hung up", child, |end| matches!(end, End::Code(_)))
}

/// A signal comes that is a fault's, and none that a guest can have made: its handler lets it be.
fn faulted(engine: EngineId, purpose: Purpose, without: &[String]) -> Result<(), String> {
    let (child, channel) = entered(engine, purpose, without, None)?;
    kill_process(child.pid(), Signal::SEGV).expect("it is there");
    thread::sleep(IDLE);
    drop(channel);
    ended("faulted", child, |end| matches!(end, End::Code(_)))
}

/// It has no memory for what it is told, and aborts. The first process of a namespace is sent no `SIGABRT` by itself, and ends
/// by another signal.
fn starved(engine: EngineId, purpose: Purpose, without: &[String]) -> Result<(), String> {
    let (child, channel) = entered(engine, purpose, without, Some(LITTLE))?;
    let module = File::from(memfd_create("module", MemfdFlags::CLOEXEC).expect("a file"));
    module.set_len(2 * LITTLE).expect("as large as that");
    let policy = Box::new((*HELLO.policy(Isolation::Process, None)).clone());
    let told = match purpose {
        Purpose::Compiler => {
            let compile = ToCompiler::Compile { policy, metering: Metering::Kernel };
            channel.send(&compile, &[module.as_fd(), module.as_fd()], PATIENCE)
        }
        Purpose::Process | Purpose::Tenant => {
            let metering = if purpose == Purpose::Process { Metering::Kernel } else { Metering::Epochs };
            channel.send(&ToWorker::Module { module: 1, form: ModuleForm::Bytes, policy, metering }, &[module.as_fd()], PATIENCE)
        }
    };
    told.map_err(|error| format!("starved: {error}"))?;
    ended("starved", child, |end| matches!(end, End::Signal(signal) if signal != Signal::SYS.as_raw()))
}

fn ended(what: &str, mut child: Child, expect: fn(End) -> bool) -> Result<(), String> {
    let end = child.wait().expect("its end").end;
    if expect(end) { Ok(()) } else { Err(format!("{what}, it ended with {end:?}")) }
}

/// A process in its jail, without these rules and with so much memory.
fn entered(engine: EngineId, purpose: Purpose, without: &[String], data: Option<u64>) -> Result<(Child, Channel), String> {
    let spawner = Spawner::of(Path::new(env!("CARGO_BIN_EXE_ambit"))).expect("the program under test");
    let spawned = spawner.spawn(purpose.process_name(), &SpawnOptions { dispensable: &[], cgroup: None, join: &[] });
    let Spawned { mut child, mut channel, given } = spawned.map_err(|error| error.to_string())?;
    let spec = JailSpec {
        purpose,
        engine,
        given,
        dispensable: Vec::new(),
        page: false,
        dirs: Vec::new(),
        tmp: None,
        classic_root: false,
        rlimits: Rlimits { data, ..Rlimits::default() },
        syscalls: ExtraSyscalls { deny: without.to_vec(), ..ExtraSyscalls::default() },
    };
    channel.send(&spec, &[], PATIENCE).map_err(|error| error.to_string())?;
    let said = match purpose {
        Purpose::Compiler => channel.receive().map(|(said, _)| matches!(said, FromCompiler::Entered(_))),
        Purpose::Process | Purpose::Tenant => channel.receive().map(|(said, _)| matches!(said, FromWorker::Entered { .. })),
    };
    match said {
        Ok(true) => Ok((child, channel)),
        Ok(false) => Err("it has not entered".into()),
        Err(error) => Err(format!("{error}: {:?}", child.wait())),
    }
}
