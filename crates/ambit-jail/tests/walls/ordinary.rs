//! What the standard library and the allocator do by themselves works behind every list, on threads that were there before.

use std::{
    collections::HashMap,
    os::unix::net::UnixStream,
    panic,
    process::abort,
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, Wall, attempt},
};

pub(crate) const TESTS: &[Test] = &[
    ("ordinary_work_goes_on_behind_every_list", ordinary_work_goes_on_behind_every_list),
    ("abort_is_an_abort", abort_is_an_abort),
    ("every_thread_is_bound", every_thread_is_bound),
    ("rules_for_ordinary_work_are_needed", rules_for_ordinary_work_are_needed),
];

pub(crate) const ATTEMPTS: Attempts = &[
    ("ordinary", Attempt::Whole(ordinary)),
    (
        "abort",
        Attempt::Whole(|wall| {
            wall.put_up();
            abort()
        }),
    ),
    ("other thread", Attempt::Whole(other_thread)),
];

/// Threads, locks, channels, time, memory, streams and panics.
pub(crate) fn ordinary(wall: &Wall) -> String {
    let (jobs, receiver) = mpsc::channel::<u32>();
    let (results, answers) = mpsc::channel();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let worker = thread::spawn({
        let gate = Arc::clone(&gate);
        move || {
            results.send(0).expect("somebody waits");
            for job in receiver {
                results.send(churn(job)).expect("somebody waits");
            }
            let (open, changed) = &*gate;
            let opened = changed.wait_timeout_while(open.lock().expect("no panic"), Duration::from_secs(10), |open| !*open);
            assert!(!opened.expect("no panic").1.timed_out());
        }
    });
    let (here, there) = UnixStream::pair().expect("sockets are made before");
    // A thread that begins makes calls that no list has.
    assert_eq!(answers.recv().expect("the thread has begun"), 0);
    wall.put_up();
    for job in 0..2 {
        jobs.send(job).expect("the thread is there");
        assert_eq!(answers.recv().expect("an answer"), churn(job));
    }
    drop(jobs);
    *gate.0.lock().expect("no panic") = true;
    gate.1.notify_all();
    worker.join().expect("the thread ends");
    thread::sleep(Duration::from_millis(1));
    thread::yield_now();
    let map: HashMap<u32, Instant> = (0..100).map(|key| (key, Instant::now())).collect();
    rustix::io::write(&here, &[7; 100]).expect("a stream is written");
    let mut read = [0; 100];
    rustix::io::read(&there, &mut read).expect("a stream is read");
    assert!(rustix::param::page_size() >= 4096);
    let caught = panic::catch_unwind(|| panic::resume_unwind(Box::new(())));
    format!("{} {} {}", map.len(), read[99], caught.is_err())
}

/// Takes memory in many sizes, makes a block grow, and gives it all back: the heap of a thread grows and shrinks.
fn churn(job: u32) -> usize {
    let mut blocks: Vec<Vec<u8>> = (0..40).map(|size| vec![1; 100_000 + size]).collect();
    let mut large = vec![1_u8; 1 << 18];
    large.resize(1 << 20, 2);
    let sum = blocks.iter().map(Vec::len).sum::<usize>() + large.len() + job as usize;
    while blocks.pop().is_some() {}
    sum
}

/// A thread that was there before makes a call that no list has.
fn other_thread(wall: &Wall) -> String {
    let (go, gone) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let thread = thread::spawn(move || {
        begin.send(()).expect("somebody waits");
        let () = gone.recv().expect("it is told");
        crate::raw::call(libc::SYS_socket, [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0])
    });
    let () = begun.recv().expect("the thread has begun");
    wall.put_up();
    go.send(()).expect("it waits");
    thread.join().expect("it gives a result").min(0).to_string()
}

fn ordinary_work_goes_on_behind_every_list() {
    let alone = attempt("ordinary", &Wall::none());
    assert_eq!(alone, End::Went("100 7 true".into()));
    for wall in Wall::each() {
        assert_eq!(attempt("ordinary", &wall), alone, "{wall:?}");
    }
}

fn abort_is_an_abort() {
    for wall in Wall::each() {
        assert_eq!(attempt("abort", &wall), End::Killed(libc::SIGABRT), "{wall:?}");
    }
}

fn every_thread_is_bound() {
    assert_eq!(attempt("other thread", &Wall::none()), End::Went("0".into()));
    for wall in Wall::each() {
        assert_eq!(attempt("other thread", &wall), End::SIGSYS, "{wall:?}");
    }
}

/// Those that this work makes; the engines' are for the tests that run guests.
fn rules_for_ordinary_work_are_needed() {
    let made = [
        "brk",
        "clock_nanosleep",
        "exit",
        "exit_group",
        "futex",
        "madvise",
        "mmap",
        "mprotect",
        "mremap",
        "munmap",
        "openat",
        "rt_sigprocmask",
        "sched_yield",
        "read",
        "sigaltstack",
        "write",
    ];
    for wall in Wall::each() {
        for name in made {
            assert_eq!(attempt("ordinary", &wall.clone().without(name)), End::SIGSYS, "{name} behind {wall:?}");
        }
        for name in ["gettid", "getpid", "tgkill", "rt_sigprocmask"] {
            assert_eq!(attempt("abort", &wall.clone().without(name)), End::SIGSYS, "{name} behind {wall:?}");
        }
    }
}
