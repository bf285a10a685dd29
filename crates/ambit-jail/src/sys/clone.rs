//! Making a child: clone3, then nothing but plain system calls, then exec.
#![expect(unsafe_code, reason = "between clone3 and exec the child of a threaded process may only make system calls")]

use std::{
    ffi::{CStr, c_char, c_int, c_long},
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use rustix::process::Pid;

/// What the child does, prepared before it exists: after clone3 it must not allocate.
pub(crate) struct ChildPlan<'a> {
    /// What is executed.
    pub(crate) program: BorrowedFd<'a>,
    /// Its `argv[0]`; there are no other arguments, and no environment.
    pub(crate) name: &'a CStr,
    /// `CLONE_NEW…`.
    pub(crate) namespaces: c_int,
    /// A cgroup of version 2 to be made in.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    /// Files `cgroup.procs` of version 1 to join.
    pub(crate) join: &'a [BorrowedFd<'a>],
    /// The user and group to become, if any.
    pub(crate) become_id: Option<u32>,
    /// The two capabilities, by number, that survive exec: as a pair, since the child cannot allocate.
    pub(crate) keep: Option<[u32; 2]>,
    /// Becomes descriptors 0 and 1.
    pub(crate) null: BorrowedFd<'a>,
    /// Becomes descriptor 2: what a process says that dies.
    pub(crate) words: BorrowedFd<'a>,
    /// Becomes descriptor 3.
    pub(crate) control: BorrowedFd<'a>,
    /// A counter of events; anything in it lets the child go.
    pub(crate) go: BorrowedFd<'a>,
    /// A step that fails is told here. Nobody at its other end is the end of the parent.
    pub(crate) gate: BorrowedFd<'a>,
}

/// A step of the child's that can fail, as it is told through the gate: this number, then errno as four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    JoinGroup = 1,
    BecomeId = 2,
    KeepCapabilities = 3,
    Descriptors = 4,
    DieWithParent = 5,
    Exec = 6,
    Shed = 7,
}

impl Step {
    pub(crate) const ALL: [Self; 7] =
        [Self::JoinGroup, Self::BecomeId, Self::KeepCapabilities, Self::Descriptors, Self::DieWithParent, Self::Exec, Self::Shed];
}

/// Makes the child. It waits at the gate until the parent lets it go, so that the parent can write its user maps first.
pub(crate) fn clone_and_exec(plan: &ChildPlan<'_>) -> io::Result<(Pid, OwnedFd)> {
    let mut pidfd: RawFd = -1;
    // SAFETY: `clone_args` is plain numbers, for which zero means absent.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    let flags = libc::CLONE_PIDFD | plan.namespaces;
    args.flags = u64::from(flags.cast_unsigned()) | CLONE_CLEAR_SIGHAND;
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    if let Some(cgroup) = plan.cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: `args` is valid for the call and describes a child with its own copy of our memory (no CLONE_VM), so nothing
    // that it does can change ours. It goes on in `child` alone, which makes system calls only and never returns.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) };
    match pid {
        0 => child(plan),
        pid if pid > 0 => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
            // SAFETY: the kernel has just put a new descriptor there, which nobody else knows.
            Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// `CLONE_CLEAR_SIGHAND`: a signal that arrives before exec does not run a handler of the parent's, which would tell the parent's
/// own pipes of it.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// `CLONE_INTO_CGROUP`, which does not fit the type that libc gives the other flags.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// The descriptor of the control socket in the child.
pub(super) const CONTROL: RawFd = 3;

/// The child, up to exec.
fn child(plan: &ChildPlan<'_>) -> ! {
    let gate = plan.gate.as_raw_fd();
    let fail = |step: Step| -> ! {
        // SAFETY: errno is this thread's own; the calls take numbers and a buffer that lives as long as they run.
        unsafe {
            let errno = (*libc::__errno_location()).to_le_bytes();
            let message = [step as u8, errno[0], errno[1], errno[2], errno[3]];
            libc::write(gate, message.as_ptr().cast(), message.len());
            libc::_exit(127)
        }
    };
    let check = |step: Step, result: c_long| {
        if result < 0 {
            fail(step);
        }
    };
    // SAFETY: system calls with numbers, and with pointers to values that live as long as the call. Nothing here allocates,
    // takes a lock or unwinds, so that it does not matter what other threads of the parent were doing when they were not
    // copied. The descriptors are open: the plan borrows them.
    unsafe {
        check(Step::Descriptors, close_others(plan));
        // Until the parent has written the maps.
        let watch = |fd: RawFd, events| libc::pollfd { fd, events, revents: 0 };
        let mut watched = [watch(plan.go.as_raw_fd(), libc::POLLIN), watch(gate, 0)];
        while watched[0].revents == 0 {
            libc::poll(watched.as_mut_ptr(), 2, -1);
            if watched[1].revents != 0 {
                libc::_exit(127);
            }
        }
        for group in plan.join {
            check(Step::JoinGroup, libc::write(group.as_raw_fd(), c"0".as_ptr().cast(), 1) as c_long);
        }
        if let Some(id) = plan.become_id {
            // Without a user namespace of its own, who ceases to be root loses the two that are kept below. Exec ends this.
            check(Step::BecomeId, c_long::from(libc::prctl(libc::PR_SET_KEEPCAPS, 1)));
            // The raw calls: this process has one thread, and libc's would look for others to tell.
            check(Step::BecomeId, libc::syscall(libc::SYS_setgroups, 0, ptr::null::<u32>()));
            check(Step::BecomeId, libc::syscall(libc::SYS_setresgid, id, id, id));
            check(Step::BecomeId, libc::syscall(libc::SYS_setresuid, id, id, id));
        }
        if let Some(keep) = plan.keep {
            check(Step::KeepCapabilities, keep_over_exec(keep));
        }
        check(Step::DieWithParent, c_long::from(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)));
        check(Step::Shed, shed());
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        // Out of the way first, so that no copy overwrites what is copied next: all of these are above 3 from then on.
        let up = |fd: RawFd| {
            let fd = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 16);
            check(Step::Descriptors, c_long::from(fd));
            fd
        };
        let (program, null) = (up(plan.program.as_raw_fd()), up(plan.null.as_raw_fd()));
        let (words, control) = (up(plan.words.as_raw_fd()), up(plan.control.as_raw_fd()));
        for (from, to) in [(null, 0), (null, 1), (words, 2), (control, CONTROL)] {
            check(Step::Descriptors, c_long::from(libc::dup2(from, to)));
        }
        check(Step::Descriptors, libc::syscall(libc::SYS_close_range, CONTROL + 1, u32::MAX, libc::CLOSE_RANGE_CLOEXEC));
        let argv: [*const c_char; 2] = [plan.name.as_ptr(), ptr::null()];
        let envp: [*const c_char; 1] = [ptr::null()];
        libc::syscall(libc::SYS_execveat, program, c"".as_ptr(), argv.as_ptr(), envp.as_ptr(), libc::AT_EMPTY_PATH);
        fail(Step::Exec)
    }
}

/// Closes all descriptors but those of the plan: with a copy of the parent's end of a gate, its own or that of a child made at the
/// same time, neither would ever find that the parent has gone.
unsafe fn close_others(plan: &ChildPlan<'_>) -> c_long {
    let mut from: RawFd = 0;
    loop {
        let ours = [plan.program, plan.null, plan.words, plan.control, plan.go, plan.gate];
        let kept = ours.iter().chain(plan.join).map(AsRawFd::as_raw_fd).filter(|fd| *fd >= from).min();
        let until = kept.map_or(RawFd::MAX, |kept| kept - 1);
        if until >= from {
            // SAFETY: numbers; this process owns its copies of the descriptors, and uses none but those of the plan.
            let failed = unsafe { libc::syscall(libc::SYS_close_range, from, until, 0) };
            if failed < 0 {
                return failed;
            }
        }
        match kept {
            Some(kept) => from = kept + 1,
            None => return 0,
        }
    }
}

/// Sheds what a child inherits over exec and a jailed process has no use for.
unsafe fn shed() -> c_long {
    const SIGNALS: c_int = 64;
    const IOPRIO_PROCESS: c_int = 1;
    const IOPRIO_REALTIME: c_long = 1;
    const IOPRIO_CLASS_SHIFT: u32 = 13;
    // What the raw call gives for a nice value of 0; less nice is more.
    const NICE_0: c_long = 20;
    // SAFETY: system calls with numbers, and with a pointer to a value that lives as long as the call.
    unsafe {
        // Ignored signals: handlers are gone already. The raw call, since the C library refuses two numbers of its own; of the two
        // that can only have their default the kernel refuses to hear.
        let default = [0_u64; 4];
        for signal in 1..=SIGNALS {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), ptr::null_mut::<u64>(), size_of::<u64>());
        }
        // Addresses that are not random, or pages that can be executed if they can be read.
        if libc::personality(0xffff_ffff) != 0 && libc::personality(0) < 0 {
            return -1;
        }
        // A share of the machine that is not for guests: a limit on priorities does not take away one that is there.
        let policy = libc::syscall(libc::SYS_sched_getscheduler, 0);
        let realtime = [libc::SCHED_FIFO, libc::SCHED_RR].map(c_long::from).contains(&(policy & 0xffff));
        let ordinary: c_int = 0;
        if realtime && libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_OTHER, &raw const ordinary) < 0 {
            return -1;
        }
        if libc::syscall(libc::SYS_getpriority, libc::PRIO_PROCESS, 0) > NICE_0
            && libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, 0) < 0
        {
            return -1;
        }
        if libc::syscall(libc::SYS_ioprio_get, IOPRIO_PROCESS, 0) >> IOPRIO_CLASS_SHIFT == IOPRIO_REALTIME
            && libc::syscall(libc::SYS_ioprio_set, IOPRIO_PROCESS, 0, 0) < 0
        {
            return -1;
        }
        // The keys of the parent's session. No call on any list reaches them; what the kernel looks for on behalf of a process
        // does. Not every kernel has keys, and a user may have no room for one more ring.
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, ptr::null::<c_char>());
    }
    0
}

/// Makes two capabilities survive exec in a process that is not root: inheritable first, then ambient.
unsafe fn keep_over_exec(capabilities: [u32; 2]) -> c_long {
    // The kernel's own structures of version 3: a header, and twice 32 bits of each set.
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Sets {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let header = Header { version: 0x2008_0522, pid: 0 };
    // Both lie in the first 32.
    let bits = (1 << capabilities[0]) | (1 << capabilities[1]);
    let sets = [Sets { effective: bits, permitted: bits, inheritable: bits }, Sets { effective: 0, permitted: 0, inheritable: 0 }];
    // SAFETY: header and sets are what capset reads, and live as long as the call; prctl takes numbers.
    unsafe {
        let failed = libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr());
        if failed < 0 {
            return failed;
        }
        for capability in capabilities {
            let failed = libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0);
            if failed < 0 {
                return c_long::from(failed);
            }
        }
    }
    0
}
