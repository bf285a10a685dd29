//! Calls that a list has for some arguments only.

use ambit_core::EngineId::{Wasmi, Wasmtime};
use ambit_jail::Use::{Compiler, Process, Tenant};
use libc::{
    MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_HUGETLB, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_GROWSDOWN, PROT_NONE,
    PROT_READ, PROT_WRITE,
};

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, Wall, attempt},
    raw::call,
};

pub(crate) const TESTS: &[Test] = &[
    ("code_is_mapped_when_it_may_be", code_is_mapped_when_it_may_be),
    ("memory_is_what_limits_count", memory_is_what_limits_count),
    ("other_calls_take_some_arguments", other_calls_take_some_arguments),
    ("files_come_with_directories", files_come_with_directories),
];

const DATA: i32 = MAP_PRIVATE | MAP_ANONYMOUS;

pub(crate) const ATTEMPTS: Attempts = &[
    ("mmap none", Attempt::Call(|| mmap(PROT_NONE, DATA))),
    ("mmap rw", Attempt::Call(|| mmap(PROT_READ | PROT_WRITE, DATA))),
    ("mmap rx", Attempt::Call(|| mmap(PROT_READ | PROT_EXEC, DATA))),
    ("mmap x", Attempt::Call(|| mmap(PROT_EXEC, DATA))),
    ("mmap wx", Attempt::Call(|| mmap(PROT_WRITE | PROT_EXEC, DATA))),
    ("mmap rwx", Attempt::Call(|| mmap(PROT_READ | PROT_WRITE | PROT_EXEC, DATA))),
    ("mmap shared", Attempt::Call(|| mmap(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS))),
    ("mmap validated", Attempt::Call(|| mmap(PROT_READ, libc::MAP_SHARED_VALIDATE | MAP_ANONYMOUS))),
    ("mmap growing", Attempt::Call(|| mmap(PROT_READ | PROT_WRITE, DATA | MAP_GROWSDOWN))),
    ("mmap huge", Attempt::Call(|| mmap(PROT_READ | PROT_WRITE, DATA | MAP_HUGETLB))),
    ("mmap populated", Attempt::Call(|| mmap(PROT_READ | PROT_WRITE, DATA | MAP_POPULATE))),
    ("mprotect none", Attempt::Call(|| mprotect(PROT_NONE))),
    ("mprotect r", Attempt::Call(|| mprotect(PROT_READ))),
    ("mprotect w", Attempt::Call(|| mprotect(PROT_WRITE))),
    ("mprotect rw", Attempt::Call(|| mprotect(PROT_READ | PROT_WRITE))),
    ("mprotect rx", Attempt::Call(|| mprotect(PROT_READ | PROT_EXEC))),
    ("mprotect rwx", Attempt::Call(|| mprotect(PROT_READ | PROT_WRITE | PROT_EXEC))),
    ("mprotect growing", Attempt::Call(|| mprotect(PROT_READ | PROT_WRITE | PROT_GROWSDOWN))),
    ("mprotect high bit", Attempt::Call(|| call(libc::SYS_mprotect, [page(), 4096, 1 << 40, 0, 0, 0]))),
    ("mremap", Attempt::Call(|| call(libc::SYS_mremap, [page(), 4096, 8192, 1, 0, 0]).min(0))),
    ("mremap fixed", Attempt::Call(|| call(libc::SYS_mremap, [page(), 4096, 8192, 3, page(), 0]).min(0))),
    ("madvise dontneed", Attempt::Call(|| call(libc::SYS_madvise, [page(), 4096, libc::MADV_DONTNEED as u64, 0, 0, 0]))),
    ("madvise hwpoison", Attempt::Call(|| call(libc::SYS_madvise, [0, 0, 100, 0, 0, 0]))),
    ("memfd", Attempt::Call(|| call(libc::SYS_memfd_create, [c"m".as_ptr() as u64, 3, 0, 0, 0, 0]))),
    ("memfd huge", Attempt::Call(|| call(libc::SYS_memfd_create, [c"m".as_ptr() as u64, 4, 0, 0, 0, 0]))),
    ("process_madvise self", Attempt::Call(|| call(libc::SYS_process_madvise, [low(-10_000), 0, 0, 4, 0, 0]))),
    ("process_madvise other", Attempt::Call(|| call(libc::SYS_process_madvise, [0, 0, 0, 4, 0, 0]))),
    ("futex wake", Attempt::Call(|| futex(libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG))),
    ("futex requeue", Attempt::Call(|| futex(libc::FUTEX_CMP_REQUEUE))),
    ("futex lend", Attempt::Call(|| futex(libc::FUTEX_UNLOCK_PI))),
    ("tgkill self", Attempt::Call(|| call(libc::SYS_tgkill, [own(), own(), 0, 0, 0, 0]))),
    ("tgkill parent", Attempt::Call(|| call(libc::SYS_tgkill, [parent(), parent(), 0, 0, 0, 0]))),
    ("fcntl getfl", Attempt::Call(|| fcntl(libc::F_GETFL, 0))),
    ("fcntl dup", Attempt::Call(|| fcntl(libc::F_DUPFD_CLOEXEC, 0))),
    ("fcntl setfl", Attempt::Call(|| fcntl(libc::F_SETFL, libc::O_NONBLOCK))),
    ("fcntl async", Attempt::Call(|| fcntl(libc::F_SETFL, libc::O_ASYNC))),
    ("fcntl owner", Attempt::Call(|| fcntl(libc::F_SETOWN, 0))),
    ("fcntl seal", Attempt::Call(|| fcntl(libc::F_ADD_SEALS, 0))),
    ("ioctl pagemap", Attempt::Call(|| call(libc::SYS_ioctl, [u64::MAX, 0xc060_6610, 0, 0, 0, 0]))),
    ("ioctl terminal", Attempt::Call(|| call(libc::SYS_ioctl, [0, libc::TCGETS, 0, 0, 0, 0]))),
    ("ioctl size", Attempt::Call(|| call(libc::SYS_ioctl, [0, libc::TIOCGWINSZ, page(), 0, 0, 0]))),
    ("ioctl type", Attempt::Call(|| call(libc::SYS_ioctl, [0, libc::TIOCSTI, page(), 0, 0, 0]))),
    ("sendto address", Attempt::Call(|| call(libc::SYS_sendto, [0, 0, 0, 0, page(), 16]))),
    ("sendmsg", Attempt::Call(|| call(libc::SYS_sendmsg, [0; 6]))),
    ("openat read", Attempt::Call(|| openat(libc::O_RDONLY | libc::O_CLOEXEC))),
    ("openat list", Attempt::Call(|| openat(libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC))),
    ("openat write", Attempt::Call(|| openat(libc::O_WRONLY))),
    #[cfg(target_arch = "x86_64")]
    ("open anew", Attempt::Call(|| open(libc::O_WRONLY | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY | 0o100_000))),
    #[cfg(target_arch = "x86_64")]
    ("open create", Attempt::Call(|| open(libc::O_CREAT | libc::O_RDWR))),
    ("openat create", Attempt::Call(|| openat(libc::O_CREAT | libc::O_RDWR))),
    ("openat2", Attempt::Call(|| call(libc::SYS_openat2, [u64::MAX, 0, 0, 0, 0, 0]))),
    ("unlinkat", Attempt::Call(|| call(libc::SYS_unlinkat, [u64::MAX, 0, 0, 0, 0, 0]))),
    ("prlimit ask", Attempt::Call(|| call(libc::SYS_prlimit64, [0, libc::RLIMIT_AS.into(), 0, page(), 0, 0]))),
    ("prlimit set", Attempt::Call(|| call(libc::SYS_prlimit64, [0, libc::RLIMIT_AS.into(), page(), 0, 0, 0]))),
    ("prlimit parent", Attempt::Call(|| call(libc::SYS_prlimit64, [parent(), libc::RLIMIT_AS.into(), 0, page(), 0, 0]))),
];

/// An `int` as a register has it: what the upper half holds means nothing, and a filter must not care.
fn low(value: i32) -> u64 {
    u64::from(value.cast_unsigned()) | 0xabcd << 32
}

fn mmap(protection: i32, flags: i32) -> i64 {
    let address = call(libc::SYS_mmap, [0, 4096, protection as u64, flags as u64, u64::MAX, 0]);
    address.min(0)
}

fn page() -> u64 {
    call(libc::SYS_mmap, [0, 8192, (PROT_READ | PROT_WRITE) as u64, DATA as u64, u64::MAX, 0]).cast_unsigned()
}

fn mprotect(protection: i32) -> i64 {
    call(libc::SYS_mprotect, [page(), 4096, protection as u64, 0, 0, 0])
}

fn futex(operation: i32) -> i64 {
    call(libc::SYS_futex, [page(), low(operation), 1, 0, 0, 0])
}

fn fcntl(command: i32, argument: i32) -> i64 {
    call(libc::SYS_fcntl, [0, low(command), argument as u64, 0, 0, 0]).min(0)
}

fn openat(flags: i32) -> i64 {
    call(libc::SYS_openat, [low(libc::AT_FDCWD), c"/nowhere/at-all".as_ptr() as u64, low(flags), 0, 0, 0])
}

#[cfg(target_arch = "x86_64")]
fn open(flags: i32) -> i64 {
    call(libc::SYS_open, [c"/nowhere/at-all".as_ptr() as u64, low(flags), 0, 0, 0, 0])
}

fn own() -> u64 {
    std::process::id().into()
}

fn parent() -> u64 {
    std::os::unix::process::parent_id().into()
}

/// Behind `walls`, each of `allowed` is answered and each of `denied` kills; without a wall all are answered.
fn check(walls: &[Wall], allowed: &[&str], denied: &[&str]) {
    for name in allowed.iter().chain(denied) {
        let alone = attempt(name, &Wall::none());
        assert!(matches!(alone, End::Went(_)), "{name}: {alone:?}");
        for wall in walls {
            let end = attempt(name, wall);
            if allowed.contains(name) {
                assert_eq!(end, alone, "{name} behind {wall:?}");
            } else {
                assert_eq!(end, End::SIGSYS, "{name} behind {wall:?}");
            }
        }
    }
}

fn code_is_mapped_when_it_may_be() {
    let running = |engine, use_| Wall::running(engine, use_);
    let never = ["mmap x", "mmap rx", "mmap wx", "mmap rwx", "mprotect w", "mprotect rwx", "mprotect high bit"];
    check(&[Wall::loading(Wasmtime)], &["mprotect rx"], &never);
    check(&[running(Wasmtime, Process)], &[], &["mprotect rx"]);
    check(&[running(Wasmtime, Tenant)], &["mprotect rx"], &[]);
    check(&[Wall::loading(Wasmi), running(Wasmtime, Compiler)], &[], &["mprotect rx"]);
    check(&[running(Wasmi, Process), running(Wasmi, Tenant)], &[], &["mprotect rx"]);
    check(&Wall::each(), &["mmap none", "mmap rw"], &never);
    let interprets_one = |wall: &Wall| *wall == running(Wasmi, Process).with_files();
    let (one, others): (Vec<_>, Vec<_>) = Wall::each().into_iter().partition(interprets_one);
    check(&others, &["mprotect rw"], &[]);
    check(&one, &[], &["mprotect rw"]);
}

fn memory_is_what_limits_count() {
    let denied =
        ["mmap shared", "mmap validated", "mmap growing", "mmap huge", "mmap populated", "mprotect growing", "mremap fixed"];
    check(&Wall::each(), &["mremap"], &denied);
    // Of threads' heaps, and of pools.
    check(&[Wall::running(Wasmtime, Tenant), Wall::running(Wasmtime, Compiler)], &["madvise dontneed"], &[]);
    check(&[Wall::loading(Wasmtime), Wall::running(Wasmi, Process)], &[], &["madvise dontneed"]);
    // What was filled and is then no longer writable would be counted no longer.
    let hides = ["mprotect none", "mprotect r"];
    check(&[Wall::loading(Wasmtime), Wall::running(Wasmtime, Tenant)], &hides, &[]);
    check(&[Wall::running(Wasmtime, Process), Wall::running(Wasmtime, Compiler)], &[], &hides);
    check(&[Wall::loading(Wasmi), Wall::running(Wasmi, Process), Wall::running(Wasmi, Tenant)], &[], &hides);
    check(&Wall::each(), &[], &["madvise hwpoison", "memfd huge", "process_madvise other"]);
    check(&[Wall::loading(Wasmtime)], &["memfd", "fcntl seal"], &[]);
    check(&[Wall::running(Wasmtime, Tenant)], &["fcntl seal", "process_madvise self"], &[]);
    check(&[Wall::running(Wasmtime, Process), Wall::running(Wasmi, Tenant)], &[], &["memfd", "fcntl seal", "process_madvise self"]);
}

fn other_calls_take_some_arguments() {
    check(&Wall::each(), &["futex wake", "tgkill self"], &["futex requeue", "futex lend", "tgkill parent"]);
    check(&Wall::each(), &["sendmsg"], &["fcntl getfl", "fcntl async", "fcntl owner", "sendto address"]);
    check(&[Wall::running(Wasmtime, Process), Wall::running(Wasmtime, Tenant)], &["fcntl dup"], &[]);
    check(&[Wall::running(Wasmtime, Compiler), Wall::running(Wasmi, Process)], &[], &["fcntl dup"]);
    check(&[Wall::running(Wasmtime, Tenant), Wall::running(Wasmtime, Compiler)], &["openat read"], &["openat list"]);
    check(&Wall::each(), &[], &["ioctl terminal", "ioctl type", "ioctl size", "prlimit ask", "prlimit set", "prlimit parent"]);
    #[cfg(target_arch = "x86_64")]
    check(&[Wall::running(Wasmtime, Tenant)], &["ioctl pagemap"], &["open anew", "open create"]);
    check(&[Wall::running(Wasmtime, Process), Wall::running(Wasmi, Tenant)], &[], &["ioctl pagemap"]);
}

fn files_come_with_directories() {
    // Files are opened by openat2, of which a filter sees no flags.
    check(&Wall::each(), &[], &["openat write", "openat create"]);
    let names = ["openat2", "openat list", "unlinkat", "fcntl setfl"];
    for engine in [Wasmtime, Wasmi] {
        check(&[Wall::running(engine, Process).with_files()], &names, &[]);
        check(&[Wall::running(engine, Process)], &[], &names);
    }
    // What compiles has none, nor have guests that share a process.
    let others = [(Wasmtime, Compiler), (Wasmtime, Tenant), (Wasmi, Tenant)];
    check(&others.map(|(engine, use_)| Wall::running(engine, use_).with_files()), &[], &names);
}
