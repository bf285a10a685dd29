//! The compiler: one module in, one artifact out.

use std::{
    fs::File,
    io::{self, Read, Write},
    iter,
    os::fd::OwnedFd,
    sync::Arc,
};

use ambit_admit::{AdmitRules, Hashed, Verified};
use ambit_core::{Policy, Rejection};
use ambit_engine::{
    Engine, Settings,
    wasmtime::{PoolConfig, WasmtimeEngine},
};
use ambit_jail::{
    enter, receive_spec,
    wire::{Channel, FromCompiler, ToCompiler},
};

use crate::error::{PATIENCE, WorkerError};

/// Threads that compile one module.
const THREADS: usize = 2;

pub(crate) fn run(mut channel: Channel) -> Result<(), WorkerError> {
    let (spec, fds) = receive_spec(&mut channel)?;
    let entered = enter(&spec, fds, || (), start_threads)?;
    channel.send(&FromCompiler::Entered(entered.layers), &[], PATIENCE)?;
    let (ToCompiler::Compile { policy, metering }, fds) = channel.receive()?;
    let [module, artifact] =
        <[OwnedFd; 2]>::try_from(fds).map_err(|_| WorkerError::Protocol("a module and a file were not given"))?;
    let engine = WasmtimeEngine::new(PoolConfig { guests: 0 });
    let said = match admit(module, &policy)?.and_then(|module| engine.compile(&module, &Settings::of(&policy, metering))) {
        Ok(compiled) => {
            let code = engine.code_of(&compiled).ok_or(WorkerError::Protocol("the engine gives no bytes"))?;
            File::from(artifact).write_all(code).map_err(WorkerError::system("write the artifact"))?;
            FromCompiler::Compiled
        }
        Err(rejection) => FromCompiler::Rejected(rejection),
    };
    channel.send(&said, &[], PATIENCE)?;
    Ok(())
}

/// Admits the module in `file`, once more: what is to be compiled is not taken from another process unread.
pub(crate) fn admit(file: OwnedFd, policy: &Policy) -> Result<Result<Arc<Verified>, Rejection>, WorkerError> {
    let rules = AdmitRules::from_policy(policy);
    Ok(ambit_admit::admit(contents(file)?, &rules).map(Arc::new))
}

/// What there is to know of the module in `file` for who loads what it was compiled to. Its functions' bodies are not looked at: native
/// code is run here, which nothing that is said of them makes better or worse.
pub(crate) fn read_again(file: OwnedFd, policy: &Policy) -> Result<Result<Arc<Verified>, Rejection>, WorkerError> {
    let rules = AdmitRules::from_policy(policy);
    Ok(ambit_admit::admit_again(Hashed::of(contents(file)?), &rules).map(Arc::new))
}

/// All of a file.
pub(crate) fn contents(file: OwnedFd) -> Result<Arc<[u8]>, WorkerError> {
    let size = rustix::fs::fstat(&file).map_err(|error| WorkerError::system("look at the module")(error.into()))?.st_size;
    let size = usize::try_from(size).map_err(|_| WorkerError::Protocol("a module without a size"))?;
    // Once, and as large as it is: memory is counted here. Where there is not enough, the process aborts and says so.
    let mut bytes: Arc<[u8]> = iter::repeat_n(0, size).collect();
    let room = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
    File::from(file).read_exact(room).map_err(WorkerError::system("read the module"))?;
    Ok(bytes)
}

/// Starts the compiler's threads, and waits until each has begun: what a thread does to begin is not on the list of system
/// calls.
fn start_threads() -> io::Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global().map_err(io::Error::other)?;
    rayon::broadcast(|_| ());
    Ok(())
}
