//! The layers of isolation around a process that runs or compiles a guest.

use crate::ids::names;

names! {
    /// One layer of isolation. A report lists those that were active; a level of isolation requires all of them, unless a
    /// request says that it goes without one.
    Layer, "layer of isolation";
    /// A user namespace: what the process may do, it may do to itself alone.
    UserNamespace = "user-namespace",
    /// A mount namespace with a root of its own, empty but for granted directories.
    MountNamespace = "mount-namespace",
    /// A process namespace: no other process can be named.
    PidNamespace = "pid-namespace",
    /// A network namespace without a network.
    NetNamespace = "net-namespace",
    /// A namespace for System V and POSIX IPC.
    IpcNamespace = "ipc-namespace",
    /// A namespace for host names.
    UtsNamespace = "uts-namespace",
    /// No descriptor but those it was given.
    ClosedFds = "closed-fds",
    /// No environment variable.
    EmptyEnvironment = "empty-environment",
    /// A control group, for limits that nothing else enforces.
    Cgroup = "cgroup",
    /// Resource limits of the process.
    Rlimits = "rlimits",
    /// A session of its own, without a terminal.
    Session = "session",
    /// No capabilities, and none to be had; a user without rights of its own where it was started by root.
    NoCapabilities = "no-capabilities",
    /// Nothing it could execute gives it more rights.
    NoNewPrivs = "no-new-privs",
    /// It cannot be traced, and leaves no core dump.
    NotDumpable = "not-dumpable",
    /// Landlock: no file, address or socket beyond what was granted.
    Landlock = "landlock",
    /// A list of allowed system calls; any other kills.
    Seccomp = "seccomp",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for layer in Layer::ALL {
            assert_eq!(layer.name().parse(), Ok(*layer));
        }
        let error = "landlok".parse::<Layer>().expect_err("unknown");
        assert_eq!(error.to_string(), "there is no layer of isolation `landlok`; did you mean `landlock`?");
    }
}
