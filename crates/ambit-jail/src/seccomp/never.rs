//! Calls that no list may ever have, and why. None of this is needed to say no: what a list does not name is denied. It is
//! here so that whoever asks for one learns the reason.

/// Names of calls that have one reason.
struct Group {
    why: &'static str,
    names: &'static [&'static str],
}

const NEVER: &[Group] = &[
    Group {
        why: "it reads or takes over other processes",
        names: &[
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "process_mrelease",
            "kcmp",
            "pidfd_open",
            "pidfd_getfd",
            "pidfd_send_signal",
            "kill",
            "tkill",
            "rt_sigqueueinfo",
            "rt_tgsigqueueinfo",
            "migrate_pages",
            "move_pages",
        ],
    },
    Group { why: "it makes processes or threads", names: &["clone", "clone3", "fork", "vfork"] },
    Group { why: "it starts another program", names: &["execve", "execveat", "uselib"] },
    Group {
        why: "it leaves or makes namespaces, or changes what the file system is",
        names: &[
            "setns",
            "unshare",
            "mount",
            "umount2",
            "pivot_root",
            "chroot",
            "mount_setattr",
            "move_mount",
            "open_tree",
            "open_tree_attr",
            "fsopen",
            "fsconfig",
            "fsmount",
            "fspick",
            "statmount",
            "listmount",
            "swapon",
            "swapoff",
            "quotactl",
            "quotactl_fd",
        ],
    },
    Group {
        why: "it names files past every directory and rule",
        names: &["open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark"],
    },
    Group {
        why: "what it sets in motion is seen by no filter",
        names: &["io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit"],
    },
    Group {
        why: "it hands page faults or memory to others, or hides memory from limits",
        names: &["userfaultfd", "memfd_secret", "remap_file_pages", "vmsplice", "shmget", "shmat", "shmctl", "shmdt"],
    },
    Group {
        why: "it talks to the kernel's inner parts, or watches all of the machine",
        names: &[
            "bpf",
            "perf_event_open",
            "lookup_dcookie",
            "syslog",
            "kexec_load",
            "kexec_file_load",
            "init_module",
            "finit_module",
            "delete_module",
            "create_module",
            "iopl",
            "ioperm",
            "modify_ldt",
            "reboot",
            "acct",
            "vhangup",
        ],
    },
    Group { why: "it reaches keys of other processes", names: &["keyctl", "add_key", "request_key"] },
    Group {
        why: "it changes who the process is, or what binds it",
        names: &[
            "setuid",
            "setgid",
            "setreuid",
            "setregid",
            "setresuid",
            "setresgid",
            "setfsuid",
            "setfsgid",
            "setgroups",
            "capset",
            "prctl",
            "arch_prctl",
            "personality",
            "seccomp",
            "landlock_create_ruleset",
            "landlock_add_rule",
            "landlock_restrict_self",
            "lsm_set_self_attr",
            "setrlimit",
            "prlimit64",
            "setpriority",
            "ioprio_set",
            "sched_setscheduler",
            "sched_setattr",
            "sched_setparam",
        ],
    },
    Group {
        why: "it sets what is the machine's",
        names: &["settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname"],
    },
    Group {
        why: "it makes sockets or gives them addresses; a process has those that it was handed",
        names: &["socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "setsockopt"],
    },
    Group {
        why: "it changes owners, modes or attributes, or makes devices",
        names: &[
            "chown",
            "fchown",
            "lchown",
            "fchownat",
            "chmod",
            "fchmod",
            "fchmodat",
            "fchmodat2",
            "mknod",
            "mknodat",
            "setxattr",
            "lsetxattr",
            "fsetxattr",
            "setxattrat",
            "removexattr",
            "lremovexattr",
            "fremovexattr",
            "removexattrat",
            "file_setattr",
        ],
    },
    Group { why: "it sends commands to whatever device or terminal is behind a descriptor", names: &["ioctl"] },
];

/// Why a call can never be allowed, if so. Some are on a list with arguments that take the harm out; those lists are the
/// only way to them.
pub(super) fn why(name: &str) -> Option<&'static str> {
    NEVER.iter().find(|group| group.names.contains(&name)).map(|group| group.why)
}

/// Every such call.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NEVER.iter().flat_map(|group| group.names).copied()
}
