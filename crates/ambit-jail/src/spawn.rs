//! Making a jailed process, from outside.

use std::{
    ffi::{CStr, c_int},
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use ambit_core::Layer;
use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{Mode, OFlags},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, getegid, geteuid},
    thread::CapabilitySet,
};

use crate::{
    child::Child,
    error::JailError,
    identity::{is_root, proc_is_ours},
    sys::{ChildPlan, clone_and_exec},
    wire::Channel,
};

/// The user that jailed processes of root's run as: nobody, who owns nothing.
pub const NOBODY: u32 = 65534;

/// How much sooner than others it is ended where memory runs out, of 1000.
const OOM_SCORE: i32 = 300;

/// The layers that are namespaces, and their flags.
const NAMESPACES: [(Layer, c_int); 6] = [
    (Layer::UserNamespace, libc::CLONE_NEWUSER),
    (Layer::MountNamespace, libc::CLONE_NEWNS),
    (Layer::PidNamespace, libc::CLONE_NEWPID),
    (Layer::NetNamespace, libc::CLONE_NEWNET),
    (Layer::IpcNamespace, libc::CLONE_NEWIPC),
    (Layer::UtsNamespace, libc::CLONE_NEWUTS),
];

/// Whether a layer is a namespace.
pub(crate) fn is_namespace(layer: Layer) -> bool {
    NAMESPACES.iter().any(|(namespace, _)| *namespace == layer)
}

/// What it needs in its own user namespace to build its root and to give the rest away: mounts, and the bounding set.
const KEPT: [u32; 2] = [21, 8];
const _: () = {
    assert!(CapabilitySet::SYS_ADMIN.bits() == 1 << KEPT[0]);
    assert!(CapabilitySet::SETPCAP.bits() == 1 << KEPT[1]);
};

/// Makes jailed processes of one program. Processes die with the *thread* that made them: make them on one that stays.
#[derive(Debug)]
pub struct Spawner {
    program: OwnedFd,
    null: OwnedFd,
}

/// What a process is spawned into besides its namespaces.
#[derive(Debug, Default)]
pub struct SpawnOptions<'a> {
    /// Layers without which it may go on.
    pub dispensable: &'a [Layer],
    /// A group of version 2 to be made in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// Files `cgroup.procs` of version 1 to join.
    pub join: &'a [BorrowedFd<'a>],
}

/// A process that was spawned, and has yet to enter the rest of its jail.
#[derive(Debug)]
pub struct Spawned {
    /// The process.
    pub child: Child,
    /// What is said to it and heard from it.
    pub channel: Channel,
    /// The layers that it has.
    pub given: Vec<Layer>,
}

impl Spawner {
    /// Of this program itself.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn this_program() -> Result<Self, JailError> {
        Self::of(Path::new("/proc/self/exe"))
    }

    /// Of the program at `path`.
    ///
    /// # Errors
    /// There is none; or `/proc` is missing, or of another PID namespace, in which the numbers of processes are those of others.
    pub fn of(path: &Path) -> Result<Self, JailError> {
        if !proc_is_ours() {
            let why = io::Error::other("it is missing, or of another PID namespace: `mount -t proc proc /proc` in this one");
            return Err(JailError::other("find this process in `/proc`", &why));
        }
        let open = |path: &Path, flags: OFlags| {
            rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty())
                .map_err(|error| JailError::other(format!("open `{}`", path.display()), &error.into()))
        };
        Ok(Self { program: open(path, OFlags::PATH)?, null: open(Path::new("/dev/null"), OFlags::RDWR)? })
    }

    /// Spawns the program under this name, which is all that it is told: its `argv[0]`.
    ///
    /// # Errors
    /// A layer cannot be had and is not dispensable, or the machine has no more processes.
    pub fn spawn(&self, name: &CStr, options: &SpawnOptions<'_>) -> Result<Spawned, JailError> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(|error| JailError::other("make a control socket", &error.into()))?;
        // An event, for which the kernel wakes the child on a core of its own. For a byte in a pipe or a socket it expects us to
        // wait for an answer, and leaves the child behind us on ours: it would begin when we have started the next.
        let go = eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| JailError::other("make a gate", &error.into()))?;
        let pipe =
            || pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(|error| JailError::other("make a pipe", &error.into()));
        let ((gate, their_gate), (words, their_words)) = (pipe()?, pipe()?);
        let root = is_root();
        let mut layers: Vec<(Layer, c_int)> = NAMESPACES.to_vec();
        loop {
            let users = layers.iter().any(|(layer, _)| *layer == Layer::UserNamespace);
            let plan = ChildPlan {
                program: self.program.as_fd(),
                name,
                namespaces: layers.iter().fold(0, |flags, (_, flag)| flags | flag),
                cgroup: options.cgroup,
                join: options.join,
                // Root that has no user namespace of its own ceases to be root, or nothing runs.
                become_id: (root || !users && geteuid().is_root()).then_some(NOBODY),
                keep: (users || root).then_some(KEPT),
                null: self.null.as_fd(),
                words: their_words.as_fd(),
                control: theirs.as_fd(),
                go: go.as_fd(),
                gate: their_gate.as_fd(),
            };
            let (pid, pidfd) = match clone_and_exec(&plan) {
                Ok(child) => child,
                // With all of them or without any: they lean on each other. Without a user namespace only root has the others.
                Err(error) if !layers.is_empty() => {
                    let refused = JailError::new(Layer::UserNamespace, "make namespaces", &error);
                    layers = without(&layers, root, options.dispensable).ok_or(refused)?;
                    continue;
                }
                Err(error) => return Err(JailError::other("make a process", &error)),
            };
            let child = Child::new(pid, pidfd, gate, words);
            if users {
                write_maps(pid, root)?;
            }
            die_first(pid);
            // Lets it go on to exec. Should it be dead already, whoever waits for it finds out.
            let _ = rustix::io::write(&go, &1_u64.to_ne_bytes());
            let mut given: Vec<Layer> = layers.iter().map(|(layer, _)| *layer).collect();
            if options.cgroup.is_some() || !options.join.is_empty() {
                given.push(Layer::Cgroup);
            }
            return Ok(Spawned { child, channel: Channel::of_parent(ours), given });
        }
    }
}

/// The layers to try next, if those refused are dispensable.
fn without(layers: &[(Layer, c_int)], root: bool, dispensable: &[Layer]) -> Option<Vec<(Layer, c_int)>> {
    let user = layers.first().is_some_and(|(layer, _)| *layer == Layer::UserNamespace);
    let gone = |layer: &Layer| if user && root { *layer == Layer::UserNamespace } else { true };
    let next: Vec<_> = layers.iter().filter(|(layer, _)| !gone(layer)).copied().collect();
    layers.iter().filter(|(layer, _)| gone(layer)).all(|(layer, _)| dispensable.contains(layer)).then_some(next)
}

/// Where the machine has no memory left, a jailed process is to end before those that serve others: a service that is spared
/// hands that on to its children. Never makes it less likely to, and where that cannot be set nothing is lost but order.
fn die_first(pid: Pid) {
    let read = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).ok()?.trim().parse::<i32>().ok();
    if read("self").is_some_and(|ours| ours < OOM_SCORE) {
        let _ = std::fs::write(format!("/proc/{}/oom_score_adj", pid.as_raw_nonzero()), OOM_SCORE.to_string());
    }
}

/// Who is who in the process's user namespace: one user, who has no rights outside.
fn write_maps(pid: Pid, root: bool) -> Result<(), JailError> {
    let write = |file: &str, text: &str| {
        let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
        let written = File::options().write(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error: io::Error| JailError::new(Layer::UserNamespace, format!("write `{file}`"), &error))
    };
    let (uid, gid) = if root { (NOBODY, NOBODY) } else { (geteuid().as_raw(), getegid().as_raw()) };
    // Nobody is root in a jail, by whatever name outside.
    let inside = |id: u32| if id == 0 { NOBODY } else { id };
    write("uid_map", &format!("{} {uid} 1\n", inside(uid)))?;
    if !root {
        // The kernel's condition for mapping a group without rights outside: no group can be dropped or added.
        write("setgroups", "deny")?;
    }
    write("gid_map", &format!("{} {gid} 1\n", inside(gid)))
}
