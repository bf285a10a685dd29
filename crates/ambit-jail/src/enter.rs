//! Entering the jail, from inside.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use ambit_core::{Access, Layer};
use rustix::process::{
    DumpableBehavior, Signal, SpeculationFeature, SpeculationFeatureControl, control_speculative_feature, getpid, getsid,
};

use crate::{
    capabilities,
    error::JailError,
    landlock, rlimits, root,
    seccomp::{Phase, SyscallPolicy, Use, remapping_fails},
    spec::{JailSpec, Purpose},
    sys::{self, SharedPage},
    wire::{Channel, WireError},
};

/// A process that is inside.
#[derive(Debug)]
pub struct Entered<T> {
    /// The layers that are around it, those included that spawning gave it.
    pub layers: Vec<Layer>,
    /// The page of counters that it shares with its parent, if it was given one.
    pub page: Option<SharedPage>,
    /// The granted directories, as they are inside, in the order of the specification; then `/tmp`, if there is one.
    pub dirs: Vec<OwnedFd>,
    /// The system calls that are left, for [closing](SyscallPolicy::install) the second phase.
    pub syscalls: SyscallPolicy,
    /// What was started before the last door was shut.
    pub helpers: T,
}

/// The control socket of a process that [`Spawner::spawn`](crate::Spawner::spawn) made. The first thing that such a process
/// does: it closes all other descriptors but the first three.
///
/// # Errors
/// This process was started by something else.
pub fn begin() -> Result<Channel, JailError> {
    let error = io::Error::from(io::ErrorKind::NotFound);
    let socket = sys::control_fd().ok_or_else(|| JailError::new(Layer::ClosedFds, "find the control socket", &error))?;
    sys::close_others().map_err(|error| JailError::new(Layer::ClosedFds, "close descriptors", &error))?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)
        .map_err(|error| JailError::new(Layer::ClosedFds, "keep the control socket", &error.into()))?;
    Ok(Channel::of_child(socket))
}

/// What the parent says this process is to enter.
///
/// # Errors
/// It says nothing of the kind.
pub fn receive_spec(channel: &mut Channel) -> Result<(JailSpec, Vec<OwnedFd>), WireError> {
    channel.receive()
}

/// Enters the jail, step by step. The order matters, and each step says why it stands where it does. A step that fails ends the
/// entry, unless its layer is dispensable.
///
/// Spawning has already put the process into its namespaces and groups, with its user, no environment and no descriptors that
/// it was not given: those must be so before exec, and this is what comes after.
///
/// `before` is called while the process may still use `/proc` and the old root; `helpers` once everything but the list of
/// system calls is in force: threads that it starts inherit all of it, and none can be started afterwards.
///
/// # Errors
/// The first step that failed. Nothing of a guest has been seen.
pub fn enter<T>(
    spec: &JailSpec,
    mut fds: Vec<OwnedFd>,
    before: impl FnOnce(),
    helpers: impl FnOnce() -> io::Result<T>,
) -> Result<Entered<T>, JailError> {
    // 1. What is asked for must make sense before anything is changed.
    let syscalls = syscalls(spec)?;
    if fds.len() != spec.dirs.len() + usize::from(spec.page) {
        let error = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(JailError::other("match descriptors with directories", &error));
    }
    let mut layers = Layers { have: spec.given.clone(), dispensable: &spec.dispensable };
    let namespaces = spec.given.contains(&Layer::MountNamespace);
    // 2. What needs the old root, `/proc`, or a process that may be looked at: the caller's own, and to find the stack.
    before();
    // Shared memory cannot be had later: no limit counts it.
    let page = spec.page.then(|| SharedPage::open(fds.remove(0))).transpose();
    let page = page.map_err(|error| JailError::other("map the page of counters", &error))?;
    let sealed = sys::seal_stack().is_ok();
    // What rustix asks the kernel once, and before Linux 6.4 reads in `/proc`: it panics where that is gone.
    rustix::param::page_size();
    layers.passed(Layer::ClosedFds);
    layers.check(Layer::EmptyEnvironment, no_environment)?;
    // 3. Resource limits, while memory is still small and nothing has been taken.
    layers.check(Layer::Rlimits, || rlimits::apply(&spec.rlimits))?;
    // 4. A root of its own. Needs the capability that step 6 drops.
    let dirs = if namespaces { root::build(spec, fds)? } else { root::without_namespace(spec, fds)? };
    // 5. Away from the terminal, whose owner could otherwise be fed input.
    layers.check(Layer::Session, || match rustix::process::setsid() {
        Ok(_) => Ok(()),
        // Refused to who leads a group: well if it leads a session too, and else still at its parent's terminal.
        Err(rustix::io::Errno::PERM) if getsid(None) == Ok(getpid()) => Ok(()),
        Err(error) => Err(JailError::new(Layer::Session, "make a session", &error.into())),
    })?;
    // 6. No capabilities: after the mounts that need them, before anything that a capability could undo.
    layers.check(Layer::NoCapabilities, capabilities::drop_all)?;
    // 7. Nothing gives them back. Landlock and seccomp ask for it of a process without capabilities.
    layers.check(Layer::NoNewPrivs, || {
        rustix::thread::set_no_new_privs(true)
            .map_err(|error| JailError::new(Layer::NoNewPrivs, "give up new privileges", &error.into()))
    })?;
    // 8. Nobody looks in, no core dump leaves. Late, since it also closes `/proc/self`; and again tied to the parent, since a
    //    change of identity unties it.
    layers.check(Layer::NotDumpable, || {
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(|error| JailError::new(Layer::NotDumpable, "become undumpable", &error.into()))
    })?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| JailError::other("tie the process to its parent", &error.into()))?;
    // Nor does it learn of others by what a shared branch predictor speculates. Where the CPU has no such control, or none is
    // needed, the kernel refuses.
    let _ = control_speculative_feature(SpeculationFeature::IndirectBranchSpeculation, SpeculationFeatureControl::FORCE_DISABLE);
    // 9. Landlock: after the root is as it stays, since its rules name what is there.
    let classic = spec.classic_root.then(root::itself).transpose()?;
    layers.check(Layer::Landlock, || {
        let granted = dirs.iter().zip(accesses(spec)).chain(classic.iter().map(|root| (root, Access::ReadOnly)));
        let granted: Vec<_> = granted.map(|(dir, access)| (dir.as_fd(), access)).collect();
        landlock::restrict(&granted).map(drop)
    })?;
    // 10. Threads that are needed later: they inherit everything so far, and there are no more after this.
    let helpers = helpers().map_err(|error| JailError::other("start helper threads", &error))?;
    rlimits::no_more_processes()?;
    // 11. The list of system calls, on all threads, last: the steps above need calls that it does not have.
    let first = match spec.purpose {
        Purpose::Process => Phase::Loading,
        Purpose::Tenant | Purpose::Compiler => Phase::Running,
    };
    layers.check(Layer::Seccomp, || {
        if !sealed {
            remapping_fails()?;
        }
        syscalls.install(first)
    })?;
    Ok(Entered { layers: layers.have, page, dirs, syscalls, helpers })
}

/// The system calls that are left to it.
fn syscalls(spec: &JailSpec) -> Result<SyscallPolicy, JailError> {
    let use_ = match spec.purpose {
        Purpose::Process => Use::Process,
        Purpose::Tenant => Use::Tenant,
        Purpose::Compiler => Use::Compiler,
    };
    let files = !spec.dirs.is_empty() || spec.tmp.is_some();
    let policy = SyscallPolicy::of(spec.engine, use_, files).with(&spec.syscalls);
    policy.map_err(|error| JailError::new(Layer::Seccomp, "make the list of system calls", &io::Error::other(error)))
}

/// What may be done in each directory, `/tmp` included.
fn accesses(spec: &JailSpec) -> impl Iterator<Item = Access> + '_ {
    spec.dirs.iter().map(|dir| dir.access).chain(spec.tmp.map(|_| Access::ReadWrite))
}

fn no_environment() -> Result<(), JailError> {
    // It was executed with none. Looked at, and not cleared: a variable here means that something else has started this.
    if std::env::vars_os().next().is_none() {
        return Ok(());
    }
    Err(JailError::new(Layer::EmptyEnvironment, "find no environment", &io::Error::from(io::ErrorKind::InvalidInput)))
}

/// The layers so far.
struct Layers<'a> {
    have: Vec<Layer>,
    dispensable: &'a [Layer],
}

impl Layers<'_> {
    fn passed(&mut self, layer: Layer) {
        self.have.push(layer);
    }

    /// Takes a step. One that fails ends the entry, unless its layer is dispensable.
    fn check(&mut self, layer: Layer, step: impl FnOnce() -> Result<(), JailError>) -> Result<(), JailError> {
        match step() {
            Ok(()) => {
                self.passed(layer);
                Ok(())
            }
            Err(_) if self.dispensable.contains(&layer) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
