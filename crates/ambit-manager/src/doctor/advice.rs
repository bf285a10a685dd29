//! What each layer is for, and what to change where it is missing.

use std::fs;

use ambit_core::Layer;

/// Why a layer is missing that did not fail itself.
pub(super) const LEANS: &str = "it takes the user namespace";

/// What a layer keeps a guest from that has taken its process over.
pub(super) fn purpose(layer: Layer) -> &'static str {
    match layer {
        Layer::UserNamespace => "what it may do, it may do to itself alone",
        Layer::MountNamespace => "a root of its own, empty but for granted directories",
        Layer::PidNamespace => "it sees and signals no other process",
        Layer::NetNamespace => "it has no network, not even the loopback",
        Layer::IpcNamespace => "it shares no memory or queue with other processes",
        Layer::UtsNamespace => "it does not learn or change the host's name",
        Layer::ClosedFds => "it holds no descriptor but those it was given",
        Layer::EmptyEnvironment => "it finds no secret in the environment",
        Layer::Cgroup => "limits that nothing else keeps, such as a share of a core",
        Layer::Rlimits => "bounds its memory, files and processes",
        Layer::Session => "it cannot type into a terminal",
        Layer::NoCapabilities => "it has no right of root's",
        Layer::NoNewPrivs => "nothing it executes gives it more rights",
        Layer::NotDumpable => "nobody traces it, and it leaves no core dump",
        Layer::Landlock => "it opens no file, address or socket, whatever namespaces do",
        Layer::Seccomp => "it reaches little of the kernel: 50 system calls at most",
    }
}

/// What to change where a layer is missing.
pub(super) fn remedy(layer: Layer, root: bool) -> String {
    match layer {
        Layer::UserNamespace => user_namespaces(),
        Layer::MountNamespace | Layer::PidNamespace | Layer::NetNamespace | Layer::IpcNamespace | Layer::UtsNamespace => {
            if root {
                "run with CAP_SYS_ADMIN, or allow user namespaces".into()
            } else {
                "as for user-namespace".into()
            }
        }
        Layer::Landlock => {
            "Linux 5.13 with CONFIG_SECURITY_LANDLOCK; if it has that, boot with landlock in the parameter lsm=, as in \
                            lsm=landlock,…"
                .into()
        }
        Layer::Seccomp => "a kernel with CONFIG_SECCOMP_FILTER".into(),
        Layer::ClosedFds => "Linux 5.11".into(),
        Layer::Cgroup => "a group that is delegated".into(),
        Layer::NoCapabilities if root => {
            "user 65534, which root's workers become, must exist where Ambit runs: map it into the user namespace, or do not run as \
             root there"
                .into()
        }
        Layer::EmptyEnvironment
        | Layer::Rlimits
        | Layer::Session
        | Layer::NoCapabilities
        | Layer::NoNewPrivs
        | Layer::NotDumpable => "every kernel has it: look at what Ambit itself is run in, such as a container".into(),
    }
}

/// What stands against user namespaces here, of what is known to.
fn user_namespaces() -> String {
    let is = |name: &str, value: &str| fs::read_to_string(format!("/proc/sys/{name}")).is_ok_and(|text| text.trim() == value);
    let settings = [
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "an AppArmor profile for ambit with `userns,`, or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ];
    let against: Vec<&str> = settings.iter().filter(|(name, value, _)| is(name, value)).map(|(.., remedy)| *remedy).collect();
    if against.is_empty() {
        // Nothing that can be read says so: a container's list of system calls, a root that was changed, or the kernel itself.
        return "allow clone with CLONE_NEWUSER in what Ambit itself is run in, such as a container; else a kernel with CONFIG_USER_NS"
            .into();
    }
    against.join("; ")
}
