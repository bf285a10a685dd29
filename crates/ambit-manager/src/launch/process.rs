//! The two processes of a run: what they enter, and how they are started.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use ambit_core::{Bound, Cpus, EngineId, Layer, Metering, Policy, RejectReason, Rejection};
use ambit_jail::{
    Child, DirSpec, GrantError, JailError, JailSpec, Purpose, Rlimits, SharedPage, SpawnOptions, Spawned,
    cgroup::{Cgroups, Group, GroupLimits},
    grant_dir,
    wire::{Channel, WireError},
};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::{Launcher, refused, verdict::Death};

/// Writable memory of a worker beyond what its guest may have, and its module: the program itself, its stacks, what the host
/// buffers.
pub(super) const SLACK: u64 = 64 << 20;
/// Address space of one linear memory, guards included: what 32 bits can address, reserved at once. Reserved space is no memory,
/// but the kernel's tables of it are, for what is only ever read too: 2 KiB a MiB.
const MEMORY_SPACE: u64 = (4 << 30) + (256 << 20);
/// Address space of everything else in a worker: the program, the artifact, stacks, tables.
const OTHER_SPACE: u64 = (4 << 30) + MOST_ARTIFACT;
/// How much more writable memory than it has a memory may take that grows under Wasmi: room is made for as much again, so that the next
/// growth need not move it. What is not used of that is not there but by the kernel's account.
const DOUBLED: u64 = 2;
/// Bytes that a module may come to for each of its own: as it was read, and as Wasmi translates it. The costliest that are known come to 14.
const TRANSLATED: u64 = 32;
/// Address space of a worker with Wasmi beyond its memory: the program and its stacks.
const INTERPRETER_SPACE: u64 = 1 << 30;
/// Writable memory of a compiler beyond its budget: the program itself, and the module that it was given.
const COMPILER_SLACK: u64 = 32 << 20;
/// Address space of a compiler beyond its memory: the program, and heaps and stacks of its threads that are not in use.
const COMPILER_SPACE: u64 = 2 << 30;
/// Descriptors of a worker besides those its guest opens: its streams, its timers, the artifact.
const DESCRIPTORS: u64 = 64;
/// The most bytes of an artifact. The largest programs that are known come to half of that.
pub(super) const MOST_ARTIFACT: u64 = 1 << 30;
/// The most bytes that a process may say at once, besides what its guest writes and returns: what is made of a message takes many times its
/// size, in a process that many runs share.
const MOST_SAID: u32 = 1 << 20;
/// How many times longer a line of a log is when all of it has to be escaped, and more.
const ESCAPED: u64 = 8;
/// How long a process that has closed its socket is waited for to end, as it does at once if that is why it has.
const LINGER: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// How long a fresh process is waited for to take what it is told. Long: it may share its core with hundreds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How a run's limits are enforced where that depends on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// How its guest is compiled.
    pub(super) metering: Metering,
    /// What its group bounds, if it needs one.
    pub(super) group: Option<GroupLimits>,
    /// The share of a core that it is kept to by being stopped, where no group can.
    pub(super) throttled: Option<Cpus>,
}

impl Needs {
    /// A group is joined only for what nothing else bounds, since to join one takes half a millisecond: a guest alone
    /// with one thread can never use more than one core; its memory is bounded by the limiter and by the kernel's limits on
    /// private writable memory, of which there is no other kind, and on address space, and so on page tables; of processes and
    /// threads there are no more to be had. One that is joined bounds memory of every kind as well.
    pub(super) fn of<'a>(engine: EngineId, policy: &Policy, cgroups: impl FnOnce() -> &'a Cgroups) -> Self {
        let capped = match policy.limits.run.cpus {
            Bound::At(cpus) if cpus.milli() < 1000 => Some(cpus),
            Bound::At(_) | Bound::Unlimited => None,
        };
        match capped {
            None => Self { metering: Metering::Kernel, group: None, throttled: None },
            Some(cpus) => {
                let offers = cgroups().offers();
                if !offers.cpu {
                    return Self { metering: Metering::Kernel, group: None, throttled: Some(cpus) };
                }
                let memory = group_memory(engine, policy).filter(|_| offers.memory);
                let group = GroupLimits { cpus: Some(cpus), memory, pids: None };
                Self { metering: Metering::Kernel, group: Some(group), throttled: None }
            }
        }
    }
}

/// A jailed process and what is said to it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) channel: Channel,
    /// Ended and removed after the process.
    pub(crate) group: Option<(Group, GroupLimits)>,
    /// What it counts in, of its guest. For looking at, and not to be believed.
    pub(crate) page: Option<SharedPage>,
    /// What it said when it had entered its jail, if that has been heard.
    pub(crate) entered: Option<Entered>,
}

/// What a worker says once it is in its jail.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    /// The layers around it.
    pub(crate) layers: Vec<Layer>,
    /// The version of its engine.
    pub(crate) engine_version: String,
}

impl Launcher {
    pub(super) fn spawn_compiler(&self, policy: &Policy) -> Result<Process, Rejection> {
        let memory = policy.limits.run.compile_memory.finite().map(|bytes| bytes.saturating_add(COMPILER_SLACK));
        let rlimits = Rlimits {
            data: memory,
            address_space: memory.map(|bytes| bytes.saturating_add(COMPILER_SPACE)),
            file_size: Some(MOST_ARTIFACT),
            open_files: Some(DESCRIPTORS),
        };
        let mut process = self.spawn(Purpose::Compiler, rlimits, Vec::new(), None, None)?;
        process.channel.takes_at_most(MOST_SAID);
        Ok(process)
    }

    /// For a module of so many bytes.
    pub(super) fn spawn_worker(&self, policy: &Policy, needs: &Needs, module: u64) -> Result<Process, Rejection> {
        let mut dirs = Vec::new();
        for dir in &policy.grants.dirs {
            dirs.push(grant_dir(&dir.host, dir.access).map_err(|error| ungranted(&error))?);
        }
        let tmp = policy.grants.tmp.map(|size| size.get());
        let group = needs.group.map(|limits| self.group("run", limits)).transpose()?;
        let process = self.spawn(Purpose::Process, worker_rlimits(self.config.engine, policy, module), dirs, tmp, group)?;
        process.bounds_cpu(false).map_err(|error| refused(&error))?;
        Ok(process)
    }

    /// The most bytes that a worker may say at once, whose guest may return a value.
    pub(super) fn most_said(policy: &Policy, gives_value: bool) -> u32 {
        let limits = &policy.limits.run;
        // A value is packed into less than it is charged as.
        let value = if gives_value { limits.host_buffers.ceiling() } else { 0 };
        let written = limits.log_bytes.ceiling().saturating_mul(ESCAPED).saturating_add(limits.output.ceiling());
        u32::try_from(written.saturating_add(value)).unwrap_or(u32::MAX).saturating_add(MOST_SAID)
    }

    /// A group of its own for a process, and what it bounds.
    pub(crate) fn group(&self, name: &str, limits: GroupLimits) -> Result<(Group, GroupLimits), Rejection> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = format!("{name}-{}", MADE.fetch_add(1, Relaxed));
        let group = self.cgroups().create(&name, &limits).map_err(|error| refused(&error))?;
        Ok((group, limits))
    }

    pub(crate) fn spawn(
        &self,
        purpose: Purpose,
        rlimits: Rlimits,
        dirs: Vec<(DirSpec, OwnedFd)>,
        tmp: Option<u64>,
        group: Option<(Group, GroupLimits)>,
    ) -> Result<Process, Rejection> {
        let join: Vec<BorrowedFd<'_>> = group.iter().flat_map(|(group, _)| group.join_fds()).collect();
        let cgroup = group.as_ref().and_then(|(group, _)| group.into_fd());
        let options = SpawnOptions { dispensable: &self.config.dispensable, cgroup, join: &join };
        let spawned = self.spawner.spawn(purpose.process_name(), &options).map_err(|error| refused(&error))?;
        let Spawned { child, channel, given } = spawned;
        let (dirs, mut fds): (Vec<DirSpec>, Vec<OwnedFd>) = dirs.into_iter().unzip();
        let page = match purpose {
            Purpose::Process => {
                let made = SharedPage::create();
                let (page, fd) = made.map_err(|error| refused(&JailError::other("make a page of counters", &error)))?;
                fds.insert(0, fd);
                Some(page)
            }
            Purpose::Tenant | Purpose::Compiler => None,
        };
        let guest = purpose != Purpose::Compiler;
        let spec = JailSpec {
            purpose,
            // Who compiles writes native code, whatever runs it.
            engine: if guest { self.config.engine } else { EngineId::Wasmtime },
            given,
            dispensable: self.config.dispensable.clone(),
            page: page.is_some(),
            dirs,
            tmp,
            classic_root: guest && self.config.classic_root,
            rlimits,
            syscalls: if guest { &self.config.syscalls } else { &self.config.compiler_syscalls }.clone(),
        };
        let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
        // Into the socket's buffer: it need not have begun to read. Should it be dead, that is found when it is waited for.
        match channel.send(&spec, &fds, PATIENCE) {
            Ok(()) | Err(WireError::Closed) => {}
            Err(error) => {
                let error = std::io::Error::other(error.to_string());
                return Err(refused(&JailError::other("tell the process what to enter", &error)));
            }
        }
        Ok(Process { child, channel, group, page, entered: None })
    }
}

impl Process {
    /// The step into its jail that failed before it could say so.
    fn failed_start(&self) -> Option<Rejection> {
        self.child.failed_start().map(|error| refused(&error))
    }

    /// Whether the CPU of its group is bounded from now on. To enter a jail and to end takes as long as it takes: a process that has
    /// used up its share would be ended when it has earned the next.
    pub(super) fn bounds_cpu(&self, bounded: bool) -> Result<(), JailError> {
        let Some((group, limits)) = &self.group else { return Ok(()) };
        group.set(&GroupLimits { cpus: limits.cpus.filter(|_| bounded), ..*limits })
    }

    /// Ends it and waits until it is gone.
    pub(crate) fn end(&mut self) -> Option<ambit_jail::Exit> {
        // A group that keeps its bound has it end later.
        let _ = self.bounds_cpu(false);
        self.child.kill();
        self.child.wait().ok()
    }
}

/// The kernel's limits around a guest's own, with room for a module of so many bytes, which the worker admits once more.
pub(super) fn worker_rlimits(engine: EngineId, policy: &Policy, module: u64) -> Rlimits {
    let limits = &policy.limits.run;
    let memory = limits.memory.finite();
    let (data, address_space) = match engine {
        EngineId::Wasmtime | EngineId::Wasmer => {
            // One more for a heap of objects.
            let memories = limits.memories.finite().map(|memories| memories.saturating_add(1));
            let space = memory
                .zip(memories)
                .map(|(bytes, memories)| memories.saturating_mul(MEMORY_SPACE).saturating_add(OTHER_SPACE).saturating_add(bytes));
            (memory.map(|bytes| bytes.saturating_add(SLACK + module)), space)
        }
        EngineId::Wasmi => {
            let translated = module.saturating_mul(TRANSLATED);
            let data = memory.map(|bytes| bytes.saturating_mul(DOUBLED).saturating_add(SLACK).saturating_add(translated));
            (data, data.map(|bytes| bytes.saturating_add(INTERPRETER_SPACE)))
        }
    };
    let dirs = policy.grants.dirs.len() as u64;
    Rlimits {
        data,
        address_space,
        file_size: limits.file_size.finite(),
        open_files: limits.open_files.finite().map(|files| files.saturating_add(DESCRIPTORS + dirs)),
    }
}

/// Memory of a worker in a group: what its limits allow of its own; its `/tmp`, the module's data as a file, and what the kernel
/// has on its behalf, page tables and pages of the program among them, none of which those count.
fn group_memory(engine: EngineId, policy: &Policy) -> Option<u64> {
    let module = most_module(policy);
    let tmp = policy.grants.tmp.map_or(0, |size| size.get());
    let own = worker_rlimits(engine, policy, module).data?;
    Some(own.saturating_add(tmp).saturating_add(module + SLACK))
}

/// The most bytes of a module that is not known yet.
pub(super) fn most_module(policy: &Policy) -> u64 {
    policy.limits.run.module_size.ceiling().min(MOST_ARTIFACT)
}

/// The layers that a report lists, in the order of their names.
pub(super) fn layer_names(layers: &[Layer]) -> Vec<String> {
    Layer::ALL.iter().filter(|layer| layers.contains(layer)).map(|layer| layer.name().to_owned()).collect()
}

fn ungranted(error: &GrantError) -> Rejection {
    match error {
        GrantError::Open { .. } => Rejection::new(RejectReason::NotFound, error.to_string()),
        GrantError::Jail { .. } => {
            let remedy = "grant a directory without other file systems beneath it, or use isolation `none`";
            Rejection::new(RejectReason::Unenforceable, format!("{error}; {remedy}"))
        }
    }
}

/// Looks at a process that is gone, or speaks no sense and is ended for it. The step into its jail that failed, if it never got
/// so far as to say so.
pub(crate) fn death(process: &mut Process, words: Option<String>, error: &WireError) -> Result<Death, Rejection> {
    let closed = matches!(error, WireError::Closed);
    if closed {
        let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(process.child.pidfd(), PollFlags::IN)], Some(&LINGER));
    }
    let goes_on = closed && !process.child.has_ended();
    let _ = process.bounds_cpu(false);
    process.child.kill();
    let exit = process.child.wait().ok();
    if let Some(rejection) = process.failed_start() {
        return Err(rejection);
    }
    let out_of_memory = process.group.as_ref().is_some_and(|(group, _)| group.usage().oom_kills.is_some_and(|kills| kills > 0));
    let words = words.or_else(|| process.child.last_words());
    let words = words.or_else(|| goes_on.then(|| "it closed its socket and went on".into()));
    let words = words.or_else(|| (!closed).then(|| error.to_string()));
    Ok(Death { exit, out_of_memory, words })
}
