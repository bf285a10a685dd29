//! The two processes of a run: what they enter, and how they are started.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use ambit_core::{Bound, Cpus, EngineId, Layer, Metering, Policy, RejectReason, Rejection};
use ambit_jail::{
    Child, DirSpec, GrantError, JailSpec, Purpose, Rlimits, SpawnOptions, Spawned,
    cgroup::{Cgroups, Group, GroupLimits},
    grant_dir,
    wire::{Channel, WireError},
};

use super::{Launcher, refused, verdict::Death};

/// Writable memory of a worker beyond what its guest may have: the program itself, its stacks, what the host buffers.
pub(super) const SLACK: u64 = 64 << 20;
/// Writable memory of a compiler beyond its budget: the program itself, and the module that it was given.
const COMPILER_SLACK: u64 = 32 << 20;
/// Descriptors of a worker besides those its guest opens: its streams, its timers, the artifact.
const DESCRIPTORS: u64 = 64;
/// The most bytes of an artifact. The largest programs that are known come to half of that.
pub(super) const MOST_ARTIFACT: u64 = 1 << 30;
/// How long a fresh process is waited for to take what it is told. Long: it may share its core with hundreds.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How a run's limits are enforced where that depends on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// How its guest is compiled.
    pub(super) metering: Metering,
    /// What its group bounds, if it needs one.
    group: Option<GroupLimits>,
    /// The share of a core that it is kept to by being stopped, where no group can.
    pub(super) throttled: Option<Cpus>,
}

impl Needs {
    /// A group is joined only for what nothing else bounds, since to join one takes as long as half the rest: a guest alone
    /// with one thread can never use more than one core; its memory is bounded by the limiter and by the kernel's limit on
    /// private writable memory, and there is no other kind; of processes and threads there are no more to be had.
    pub(super) fn of<'a>(policy: &Policy, cgroups: impl FnOnce() -> &'a Cgroups) -> Self {
        let capped = match policy.limits.run.cpus {
            Bound::At(cpus) if cpus.milli() < 1000 => Some(cpus),
            Bound::At(_) | Bound::Unlimited => None,
        };
        match capped {
            None => Self { metering: Metering::Kernel, group: None, throttled: None },
            Some(cpus) if cgroups().offers().cpu => {
                let group = GroupLimits { cpus: Some(cpus), memory: None, pids: None };
                Self { metering: Metering::Kernel, group: Some(group), throttled: None }
            }
            Some(cpus) => Self { metering: Metering::Kernel, group: None, throttled: Some(cpus) },
        }
    }
}

/// A jailed process and what is said to it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) channel: Channel,
    /// Ended and removed after the process.
    pub(super) group: Option<Group>,
}

impl Launcher {
    pub(super) fn spawn_compiler(&self, policy: &Policy) -> Result<Process, Rejection> {
        let memory = policy.limits.run.compile_memory.finite().map(|bytes| bytes.saturating_add(COMPILER_SLACK));
        let rlimits = Rlimits { data: memory, address_space: None, file_size: Some(MOST_ARTIFACT), open_files: Some(DESCRIPTORS) };
        self.spawn(Purpose::Compiler, rlimits, Vec::new(), None, None)
    }

    pub(super) fn spawn_worker(&self, policy: &Policy, needs: &Needs) -> Result<Process, Rejection> {
        let limits = &policy.limits.run;
        let mut dirs = Vec::new();
        for dir in &policy.grants.dirs {
            dirs.push(grant_dir(&dir.host, dir.access).map_err(|error| ungranted(&error))?);
        }
        let rlimits = Rlimits {
            data: limits.memory.finite().map(|bytes| bytes.saturating_add(SLACK)),
            address_space: None,
            file_size: limits.file_size.finite(),
            open_files: limits.open_files.finite().map(|files| files.saturating_add(DESCRIPTORS + dirs.len() as u64)),
        };
        let tmp = policy.grants.tmp.map(|size| size.get());
        let group = match needs.group {
            Some(limits) => {
                let cgroups = self.cgroups.get_or_init(Cgroups::discover);
                Some(cgroups.create("run", &limits).map_err(|error| refused(&error))?)
            }
            None => None,
        };
        self.spawn(Purpose::Process, rlimits, dirs, tmp, group)
    }

    fn spawn(
        &self,
        purpose: Purpose,
        rlimits: Rlimits,
        dirs: Vec<(DirSpec, OwnedFd)>,
        tmp: Option<u64>,
        group: Option<Group>,
    ) -> Result<Process, Rejection> {
        let join: Vec<BorrowedFd<'_>> = group.iter().flat_map(Group::join_fds).collect();
        let options =
            SpawnOptions { dispensable: &self.config.dispensable, cgroup: group.as_ref().and_then(Group::into_fd), join: &join };
        let spawned = self.spawner.spawn(purpose.process_name(), &options).map_err(|error| refused(&error))?;
        let Spawned { child, channel, given } = spawned;
        let (dirs, fds): (Vec<DirSpec>, Vec<OwnedFd>) = dirs.into_iter().unzip();
        let guest = purpose != Purpose::Compiler;
        let spec = JailSpec {
            purpose,
            engine: EngineId::Wasmtime,
            given,
            dispensable: self.config.dispensable.clone(),
            dirs,
            tmp,
            classic_root: guest && self.config.classic_root,
            rlimits,
            syscalls: if guest { self.config.syscalls.clone() } else { ambit_jail::ExtraSyscalls::default() },
        };
        let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
        // Into the socket's buffer: it need not have begun to read. Should it be dead, that is found when it is waited for.
        match channel.send(&spec, &fds, PATIENCE) {
            Ok(()) | Err(WireError::Closed) => {}
            Err(error) => {
                let error = std::io::Error::other(error.to_string());
                return Err(refused(&ambit_jail::JailError::other("tell the process what to enter", &error)));
            }
        }
        Ok(Process { child, channel, group })
    }
}

impl Process {
    /// The step into its jail that failed before it could say so.
    pub(super) fn failed_start(&self) -> Option<Rejection> {
        self.child.failed_start().map(|error| refused(&error))
    }

    /// Ends it and waits until it is gone.
    pub(super) fn end(&mut self) -> Option<ambit_jail::Exit> {
        self.child.kill();
        self.child.wait().ok()
    }
}

/// The layers that a report lists, in the order of their names.
pub(super) fn layer_names(layers: &[Layer]) -> Vec<String> {
    Layer::ALL.iter().filter(|layer| layers.contains(layer)).map(|layer| layer.name().to_owned()).collect()
}

fn ungranted(error: &GrantError) -> Rejection {
    match error {
        GrantError::Open { .. } => Rejection::new(RejectReason::NotFound, error.to_string()),
        GrantError::Jail { .. } => Rejection::new(RejectReason::Unenforceable, error.to_string()),
    }
}

/// Looks at a process that is gone, or speaks no sense and is ended for it. The step into its jail that failed, if it never got
/// so far as to say so.
pub(super) fn death(process: &mut Process, words: Option<String>, error: &WireError) -> Result<Death, Rejection> {
    if !matches!(error, WireError::Closed) {
        process.child.kill();
    }
    let exit = process.child.wait().ok();
    if let Some(rejection) = process.failed_start() {
        return Err(rejection);
    }
    let out_of_memory = process.group.as_ref().is_some_and(|group| group.usage().oom_kills.is_some_and(|kills| kills > 0));
    let words = words.or_else(|| process.child.last_words());
    let words = words.or_else(|| (!matches!(error, WireError::Closed)).then(|| error.to_string()));
    Ok(Death { exit, out_of_memory, words })
}
