//! Each rule is needed: what it is there for works with it, and kills without it.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::{IoSlice, Seek as _, SeekFrom, Write as _},
    os::{
        fd::OwnedFd,
        unix::{fs::FileExt as _, net::UnixStream},
    },
    path::PathBuf,
    process::abort,
    time::Duration,
};

use ambit_core::EngineId::Wasmtime;
use ambit_jail::{
    SyscallPolicy,
    Use::{self, Compiler, Process, Tenant},
    wire::Channel,
};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, WITH, Wall, attempt_with},
    ordinary::{alone, ending, threads},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] =
    &[("every_rule_is_known_to_be_needed", every_rule_is_known_to_be_needed), ("every_rule_is_needed", every_rule_is_needed)];

/// What rules are for, by that. Those of a guest's traps, modules and events take an engine: see [`OF_AN_ENGINE`].
pub(crate) const ATTEMPTS: Attempts = &[
    ("a thread ends", Attempt::Whole(ending)),
    ("the process ends", Attempt::Whole(alone)),
    ("abort() lets SIGABRT through; glibc blocks signals while a thread ends", Attempt::Whole(aborts)),
    ("abort() names its thread", Attempt::Whole(aborts)),
    ("abort() names its process", Attempt::Whole(aborts)),
    ("abort() sends SIGABRT, to its own process", Attempt::Whole(aborts)),
    (
        "the engine handles SIGSEGV, SIGILL and SIGFPE; abort() resets SIGABRT",
        Attempt::Whole(|wall| {
            behind(wall, || call(libc::SYS_rt_sigaction, [libc::SIGSEGV as u64, ptr(&mut [0_u64; 4]), 0, 8, 0, 0]))
        }),
    ),
    ("a signal handler needs a stack when the thread's own has overflowed", Attempt::Whole(alone)),
    // Only the kernel makes this call, in the place of one that was interrupted.
    (
        "the kernel goes on with a wait during which the process was stopped",
        Attempt::Whole(|wall| behind(wall, || call(libc::SYS_restart_syscall, [0; 6]))),
    ),
    (
        "glibc waits for a lock or a thread",
        Attempt::Whole(|wall| behind(wall, || call(libc::SYS_futex, [ptr(&mut 0_u64), 0, 1, 0, 0, 0]))),
    ),
    ("locks and channels wait, until a time", Attempt::Whole(threads)),
    ("locks and channels wake who waits", Attempt::Whole(alone)),
    (
        "a thread that has nothing to compile looks around before it waits",
        Attempt::Whole(|wall| behind(wall, std::thread::yield_now)),
    ),
    (
        "the CPU clock of a thread, which the vDSO cannot read; any clock where there is no vDSO",
        Attempt::Whole(|wall| behind(wall, || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime))),
    ),
    (
        "hash tables are seeded; a guest may be granted random numbers",
        Attempt::Whole(|wall| {
            behind(wall, || call(libc::SYS_getrandom, [ptr(&mut HashMap::<u8, u8>::new().len().to_ne_bytes()), 8, 0, 0, 0, 0]))
        }),
    ),
    (
        "the allocator looks for /proc/sys/vm/overcommit_memory before it shrinks a thread's heap, and the standard library for \
         how many processors a group may use",
        Attempt::Whole(threads),
    ),
    ("the allocator's main heap grows and shrinks", Attempt::Whole(alone)),
    ("the allocator's large blocks; a guest's memories, tables and stacks", Attempt::Whole(alone)),
    ("the allocator and the engine give memory back", Attempt::Whole(alone)),
    ("the allocator grows a large block", Attempt::Whole(alone)),
    ("a thread's heap, an ending thread and the engine give pages back, and find zeros later", Attempt::Whole(threads)),
    ("a guest's input; waking the runtime", Attempt::Whole(alone)),
    ("a guest's output; waking the runtime; the last words of a panic", Attempt::Whole(alone)),
    (
        "several buffers at once",
        Attempt::Whole(|wall| {
            let (mut here, _there) = UnixStream::pair().expect("sockets");
            behind(wall, || here.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).expect("written"))
        }),
    ),
    (
        "a descriptor is no longer needed",
        Attempt::Whole(|wall| {
            let here = UnixStream::pair().expect("sockets");
            behind(wall, || drop(here))
        }),
    ),
    ("the host looks at what it was handed", Attempt::Whole(|wall| behind(wall, || rustix::fs::fstat(rustix::stdio::stdin())))),
    (
        "the size of an artifact that it was handed",
        Attempt::Whole(|wall| {
            let file = tempfile::tempfile().expect("a file");
            behind(wall, || file.metadata().expect("looked at").len())
        }),
    ),
    (
        "a frame with descriptors",
        Attempt::Whole(|wall| {
            let (parent, mut child) = channels();
            parent.send(&7_u8, &[rustix::stdio::stdin()], Duration::ZERO).expect("sent");
            behind(wall, || child.receive::<u8>().expect("received").1.len())
        }),
    ),
    (
        "a frame",
        Attempt::Whole(|wall| {
            let (_parent, child) = channels();
            behind(wall, || child.send(&7_u8, &[], Duration::ZERO).expect("sent"))
        }),
    ),
    (
        "the process waits for its socket; the host asks whether a stream is ready",
        Attempt::Whole(|wall| {
            let (_parent, child) = channels();
            let watch = rustix::event::PollFd::from_borrowed_fd(child.socket(), rustix::event::PollFlags::IN);
            let moment = rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            behind(wall, || rustix::event::poll(&mut [watch], Some(&moment)).expect("waited"))
        }),
    ),
    (
        "a descriptor gets a copy of its own",
        Attempt::Whole(|wall| {
            let (here, _there) = UnixStream::pair().expect("sockets");
            behind(wall, || std::mem::forget(here.try_clone().expect("a copy")))
        }),
    ),
    #[cfg(debug_assertions)]
    (
        "builds with debug assertions look whether a descriptor is open before they close it",
        Attempt::Whole(|wall| behind(wall, || rustix::io::fcntl_getfd(rustix::stdio::stdin()).expect("asked"))),
    ),
    // Files.
    (
        "a path is opened beneath its directory, and nowhere else",
        Attempt::Whole(|wall| {
            in_dir(wall, |dir| {
                rustix::fs::openat2(dir, "file", OFlags::CLOEXEC, Mode::empty(), ResolveFlags::BENEATH).map(std::mem::forget)
            })
        }),
    ),
    (
        "a directory is opened anew to be listed",
        Attempt::Whole(|wall| {
            in_dir(wall, |dir| {
                rustix::fs::openat(dir, ".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(std::mem::forget)
            })
        }),
    ),
    (
        "each name of a listing is looked at",
        Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::statat(dir, "file", AtFlags::SYMLINK_NOFOLLOW).map(drop))),
    ),
    ("a guest reads a link", Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::readlinkat(dir, "link", Vec::new()).map(drop)))),
    (
        "a guest lists a directory",
        Attempt::Whole(|wall| {
            in_dir(wall, |dir| {
                let mut listing = rustix::fs::RawDir::new(dir, Vec::with_capacity(4096).spare_capacity_mut()).next().is_some();
                listing = std::hint::black_box(listing);
                assert!(listing);
                Ok(())
            })
        }),
    ),
    (
        "a guest asks or sets where it is in a file",
        Attempt::Whole(|wall| in_file(wall, |mut file| file.seek(SeekFrom::Start(1)).map(drop))),
    ),
    ("a guest reads at a place", Attempt::Whole(|wall| in_file(wall, |file| file.read_at(&mut [0; 2], 1).map(drop)))),
    (
        "a guest writes at a place",
        Attempt::Whole(|wall| in_file(wall, |file| Ok(rustix::io::pwritev(file, &[IoSlice::new(b"x")], 1).map(drop)?))),
    ),
    ("a guest sets a file's size", Attempt::Whole(|wall| in_file(wall, |file| file.set_len(100)))),
    (
        "a guest reserves room",
        Attempt::Whole(|wall| in_file(wall, |file| Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, 100)?))),
    ),
    ("a guest waits until a file is stored", Attempt::Whole(|wall| in_file(wall, |file| file.sync_all()))),
    ("a guest waits until a file's contents are stored", Attempt::Whole(|wall| in_file(wall, |file| file.sync_data()))),
    (
        "a guest says how it will read",
        Attempt::Whole(|wall| in_file(wall, |file| Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential)?))),
    ),
    ("a guest sets a file's times", Attempt::Whole(|wall| in_file(wall, |file| file.set_modified(std::time::UNIX_EPOCH)))),
    (
        "a guest turns appending on or off",
        Attempt::Whole(|wall| in_file(wall, |file| Ok(rustix::fs::fcntl_setfl(file, OFlags::APPEND | OFlags::NONBLOCK)?))),
    ),
    ("a guest makes a directory", Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::mkdirat(dir, "new", Mode::RWXU)))),
    (
        "a guest removes a file or directory",
        Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::unlinkat(dir, "file", AtFlags::empty()))),
    ),
    ("a guest renames", Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::renameat(dir, "file", dir, "moved")))),
    (
        "a guest makes a hard link",
        Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::linkat(dir, "file", dir, "other", AtFlags::empty()))),
    ),
    ("a guest makes a symbolic link", Attempt::Whole(|wall| in_dir(wall, |dir| rustix::fs::symlinkat("file", dir, "symbolic")))),
];

/// Rules that nothing without an engine needs: tests/syscalls takes them out, and all the others, where guests run. A list that
/// gains a rule that stands neither here nor above is no list that was thought about.
const OF_AN_ENGINE: &[&str] = &[
    "a signal handler returns",
    "the allocator's heaps and a guest's memory grow within what was reserved",
    "the runtime watches a descriptor",
    "the runtime waits for what it watches",
    "the second filter is put on this one",
    "the second filter is put on this one, which asks for this first",
    "an artifact's code becomes executable, and its data is shut",
    "an artifact's code becomes executable, its data is shut, and a pool takes back what a guest had",
    "a module's data becomes a file of which each memory is a private copy",
    "that file can no longer be changed",
    "a pool is divided by how many processors there are",
    "a pool gives back the pages of many instances at once",
    "a pool finds the pages that a guest wrote to",
    "new code is made visible to every core",
];

/// Puts the wall up, and does it.
fn behind<T>(wall: &Wall, need: impl FnOnce() -> T) -> String {
    wall.put_up();
    std::hint::black_box(need());
    "done".into()
}

fn aborts(wall: &Wall) -> String {
    wall.put_up();
    abort()
}

fn channels() -> (Channel, Channel) {
    let (here, there) = UnixStream::pair().expect("sockets");
    (Channel::of_parent(OwnedFd::from(here)), Channel::of_child(OwnedFd::from(there)))
}

/// Does it in a directory with a file and a link.
fn in_dir(wall: &Wall, need: impl FnOnce(&OwnedFd) -> rustix::io::Result<()>) -> String {
    // Its parent's: this process may end without being able to remove anything.
    let dir = PathBuf::from(env::var(WITH).expect("a directory"));
    fs::write(dir.join("file"), "text").expect("a file");
    std::os::unix::fs::symlink("file", dir.join("link")).expect("a link");
    let open = rustix::fs::openat(CWD, &dir, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).expect("it is there");
    behind(wall, || need(&open).expect("it goes"))
}

fn in_file(wall: &Wall, need: impl FnOnce(&File) -> std::io::Result<()>) -> String {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"text").expect("a file");
    behind(wall, || need(&file).expect("it goes"))
}

/// The lists in which a rule is looked for. One with files comes last: with them there is more than one way to some of what the
/// others have.
const LISTS: [(Use, bool); 4] = [(Process, false), (Tenant, false), (Compiler, false), (Process, true)];

fn every_rule_is_known_to_be_needed() {
    for (use_, files) in LISTS {
        for rule in SyscallPolicy::of(Wasmtime, use_, files).rules() {
            let known = ATTEMPTS.iter().any(|(why, _)| *why == rule.why) || OF_AN_ENGINE.contains(&rule.why);
            assert!(known, "nothing shows that `{}` is needed: {}", rule.name, rule.why);
        }
    }
}

fn every_rule_is_needed() {
    for (why, _) in ATTEMPTS {
        let find = |(use_, files)| {
            let policy = SyscallPolicy::of(Wasmtime, use_, files);
            let rule = *policy.rules().find(|rule| rule.why == *why)?;
            let number = policy.rules().filter(|other| other.name == rule.name).position(|other| *other == rule);
            Some((use_, files, rule, number.expect("it is there")))
        };
        let (use_, files, rule, number) = LISTS.into_iter().find_map(find).unwrap_or_else(|| panic!("no rule is for: {why}"));
        let wall = Wall::running(Wasmtime, use_);
        let wall = if files { wall.with_files() } else { wall };
        let attempt = |wall: &Wall| {
            let dir = tempfile::tempdir().expect("a directory");
            attempt_with(why, wall, dir.path().to_str().expect("a plain name"))
        };
        let with = attempt(&wall);
        assert_ne!(with, End::SIGSYS, "`{}` with all rules: {why}", rule.name);
        let without = attempt(&wall.without(&format!("{}#{number}", rule.name)));
        assert_eq!(without, End::SIGSYS, "`{}` without a rule: {why}; with it {with:?}", rule.name);
    }
}
