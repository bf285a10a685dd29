//! A jail for one attempt, made by the parent.

use std::{
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::PathBuf,
    sync::OnceLock,
    time::Duration,
};

use ambit_core::{Access, EngineId, Layer};
use ambit_jail::{
    Child, DirSpec, End, ExtraSyscalls, JailError, JailSpec, Purpose, Rlimits, SpawnOptions, Spawned, Spawner,
    cgroup::Group,
    grant_dir,
    wire::{Channel, WireError},
};
use serde::{Deserialize, Serialize};

use crate::{
    inside::{Answer, Order},
    probe::Came,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// How far into its jail a process is when it makes its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Executed, and in its namespaces: nothing that it entered itself.
    Spawned,
    /// In all of it but the list of system calls.
    Below,
    /// With the list that it has while it maps an artifact.
    Loading,
    /// As it is when a guest runs.
    Running,
}

/// A jail that is to be.
#[derive(Debug, Clone)]
pub(crate) struct Jail {
    pub(crate) stage: Stage,
    pub(crate) purpose: Purpose,
    pub(crate) engine: EngineId,
    pub(crate) dispensable: Vec<Layer>,
    pub(crate) dirs: Vec<(PathBuf, Access)>,
    pub(crate) tmp: Option<u64>,
    pub(crate) classic_root: bool,
    pub(crate) rlimits: Rlimits,
}

impl Jail {
    /// That of a guest that runs alone in its process, without any grant.
    pub(crate) fn new() -> Self {
        Self {
            stage: Stage::Running,
            purpose: Purpose::Process,
            engine: EngineId::Wasmtime,
            dispensable: Vec::new(),
            dirs: Vec::new(),
            tmp: None,
            classic_root: false,
            rlimits: Rlimits::default(),
        }
    }

    pub(crate) fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    /// Makes an attempt in it.
    pub(crate) fn attempt(&self, probe: &str, with: &str) -> Came {
        match self.start(probe, with, &[], None) {
            Ok(mut inmate) => inmate.came(),
            Err(error) => Came::NotEntered(error),
        }
    }

    /// Has an attempt made in it, with descriptors and in a group.
    pub(crate) fn start(
        &self,
        probe: &str,
        with: &str,
        fds: &[BorrowedFd<'_>],
        group: Option<&Group>,
    ) -> Result<Inmate, JailError> {
        static SPAWNER: OnceLock<Spawner> = OnceLock::new();
        let spawner = SPAWNER.get_or_init(|| Spawner::this_program().expect("/proc"));
        let join: Vec<BorrowedFd<'_>> = group.into_iter().flat_map(Group::join_fds).collect();
        let options = SpawnOptions { dispensable: &self.dispensable, cgroup: group.and_then(Group::into_fd), join: &join };
        let Spawned { child, channel, given } = spawner.spawn(self.purpose.process_name(), &options)?;
        let granted = self.dirs.iter().map(|(path, access)| grant_dir(path, *access).expect("a directory that can be granted"));
        let (dirs, dir_fds): (Vec<DirSpec>, Vec<OwnedFd>) = granted.unzip();
        let spec = JailSpec {
            purpose: self.purpose,
            engine: self.engine,
            given,
            dispensable: self.dispensable.clone(),
            page: false,
            dirs,
            tmp: self.tmp,
            classic_root: self.classic_root,
            rlimits: self.rlimits.clone(),
            syscalls: ExtraSyscalls::default(),
        };
        let dir_fds: Vec<BorrowedFd<'_>> = dir_fds.iter().map(|fd| fd.as_fd()).collect();
        let order = Order { probe: probe.to_owned(), with: with.to_owned(), stage: self.stage };
        let told = channel.send(&spec, &dir_fds, PATIENCE).and_then(|()| channel.send(&order, fds, PATIENCE));
        match told {
            // It could not even be executed, which is found when it is waited for.
            Ok(()) | Err(WireError::Closed) => Ok(Inmate { child, channel, layers: Vec::new() }),
            Err(error) => panic!("tell it what to do: {error}"),
        }
    }
}

/// A jailed process.
#[derive(Debug)]
pub(crate) struct Inmate {
    pub(crate) child: Child,
    pub(crate) channel: Channel,
    pub(crate) layers: Vec<Layer>,
}

impl Inmate {
    /// Waits until it is inside.
    pub(crate) fn entered(&mut self) {
        match self.channel.receive() {
            Ok((Answer::Entered(layers), _)) => self.layers = layers,
            other => panic!("not inside: {other:?} {:?}", self.child.last_words()),
        }
    }

    /// Waits for what came of its attempt, and for its end.
    pub(crate) fn came(&mut self) -> Came {
        let mut said = None;
        loop {
            match self.channel.receive() {
                Ok((Answer::Entered(layers), _)) => self.layers = layers,
                Ok((Answer::NotEntered(error), _)) => return Came::NotEntered(error),
                Ok((Answer::Came(text), _)) => said = Some(text),
                Err(WireError::Closed) => break,
                Err(error) => panic!("what it says: {error}"),
            }
        }
        let end = self.child.wait().expect("its end").end;
        if let Some(error) = self.child.failed_start() {
            return Came::NotEntered(error);
        }
        match (end, said) {
            (End::Code(0), Some(said)) => Came::Said(said),
            (End::Signal(signal), _) => Came::Killed(signal),
            (End::Code(code), said) => panic!("ended with {code}, {said:?}: {:?}", self.child.last_words()),
        }
    }
}
