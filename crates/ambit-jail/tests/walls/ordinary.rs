//! What the standard library and the allocator do by themselves works behind every list, on threads that were there before.

use std::{
    collections::HashMap,
    hint::spin_loop,
    os::unix::net::UnixStream,
    panic,
    process::abort,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use ambit_core::EngineId::{Wasmi, Wasmtime};
use ambit_jail::Use::{Compiler, Tenant};

use crate::{
    Test,
    attempt::{Attempt, Attempts, End, Wall, attempt},
};

pub(crate) const TESTS: &[Test] = &[
    ("ordinary_work_goes_on_behind_every_list", ordinary_work_goes_on_behind_every_list),
    ("abort_is_an_abort", abort_is_an_abort),
    ("every_thread_is_bound", every_thread_is_bound),
];

pub(crate) const ATTEMPTS: Attempts = &[
    ("alone", Attempt::Whole(alone)),
    ("threads", Attempt::Whole(threads)),
    ("ending", Attempt::Whole(ending)),
    (
        "abort",
        Attempt::Whole(|wall| {
            wall.put_up();
            abort()
        }),
    ),
    ("other thread", Attempt::Whole(other_thread)),
];

/// Memory, time, streams and panics: what one thread does.
pub(crate) fn alone(wall: &Wall) -> String {
    let (here, there) = UnixStream::pair().expect("sockets are made before");
    wall.put_up();
    assert_eq!(churn(1), churn(0) + 1);
    let map: HashMap<u32, Instant> = (0..100).map(|key| (key, Instant::now())).collect();
    rustix::io::write(&here, &[7; 100]).expect("a stream is written");
    let mut read = [0; 100];
    rustix::io::read(&there, &mut read).expect("a stream is read");
    assert!(rustix::param::page_size() >= 4096);
    let caught = panic::catch_unwind(|| panic::resume_unwind(Box::new(())));
    format!("{} {} {}", map.len(), read[99], caught.is_err())
}

/// Threads that wait for each other, take memory, and stay until the process ends.
pub(crate) fn threads(wall: &Wall) -> String {
    talk(wall, false)
}

/// The same with a thread that ends.
pub(crate) fn ending(wall: &Wall) -> String {
    talk(wall, true)
}

fn talk(wall: &Wall, ends: bool) -> String {
    // What was asked for, and what came of it; a lock and a condition, since channels may also spin.
    let table = Arc::new((Mutex::new((None, None)), Condvar::new()));
    let worker = thread::spawn({
        let table = Arc::clone(&table);
        move || {
            loop {
                let asked = wait(&table, |talk| talk.0);
                let answer = if asked == 0 { 0 } else { churn(asked) };
                *table.0.lock().expect("no panic") = (None, Some(answer));
                table.1.notify_all();
                if asked == LAST && ends {
                    return;
                }
            }
        }
    });
    let ask = |job| {
        *table.0.lock().expect("no panic") = (Some(job), None);
        table.1.notify_all();
        wait(&table, |talk| talk.1)
    };
    // A thread that begins makes calls that no list has.
    assert_eq!(ask(0), 0);
    wall.put_up();
    for job in [1, 2, LAST] {
        assert_eq!(ask(job), churn(job));
    }
    if ends {
        worker.join().expect("the thread ends");
    }
    "done".into()
}

fn wait(table: &(Mutex<Talk>, Condvar), until: fn(&mut Talk) -> Option<usize>) -> usize {
    let (talk, changed) = table;
    let talk = talk.lock().expect("no panic");
    let waited = changed.wait_timeout_while(talk, Duration::from_secs(10), |talk| until(talk).is_none());
    let (mut talk, over) = waited.expect("no panic");
    assert!(!over.timed_out());
    until(&mut talk).expect("it was there")
}

/// A number that is asked for, and what is answered.
type Talk = (Option<usize>, Option<usize>);

/// The last that is asked for.
const LAST: usize = 3;

/// Takes memory in many sizes, makes a block grow, and gives it all back: the heap of a thread grows and shrinks.
fn churn(job: usize) -> usize {
    let mut blocks: Vec<Vec<u8>> = (0..40).map(|size| vec![1; 100_000 + size]).collect();
    let mut large = vec![1_u8; 1 << 18];
    large.resize(1 << 20, 2);
    let sum = blocks.iter().map(Vec::len).sum::<usize>() + large.len() + job;
    while blocks.pop().is_some() {}
    sum
}

/// A thread that was there before makes a call that no list has.
fn other_thread(wall: &Wall) -> String {
    const NOT_YET: i64 = i64::MAX;
    let (go, result) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(NOT_YET)));
    let (begin, begun) = mpsc::channel();
    thread::spawn({
        let (go, result) = (Arc::clone(&go), Arc::clone(&result));
        move || {
            begin.send(()).expect("somebody waits");
            while !go.load(SeqCst) {
                spin_loop();
            }
            let made = crate::raw::call(libc::SYS_socket, [libc::AF_UNIX as u64, libc::SOCK_STREAM as u64, 0, 0, 0, 0]);
            result.store(made.min(0), SeqCst);
            loop {
                spin_loop();
            }
        }
    });
    let () = begun.recv().expect("the thread has begun");
    wall.put_up();
    go.store(true, SeqCst);
    // Neither makes another call: to wait is one that not every list has.
    while result.load(SeqCst) == NOT_YET {
        spin_loop();
    }
    result.load(SeqCst).to_string()
}

fn ordinary_work_goes_on_behind_every_list() {
    let check = |name: &str, expect: &str, walls: &[Wall]| {
        for wall in walls.iter().chain([&Wall::none()]) {
            assert_eq!(attempt(name, wall), End::Went(expect.into()), "{name} behind {wall:?}");
        }
    };
    check("alone", "100 7 true", &Wall::each());
    let tenants = [Wasmtime, Wasmi].map(|engine| Wall::running(engine, Tenant));
    let compiler = Wall::running(Wasmtime, Compiler);
    check("threads", "done", &[&tenants[..], &[compiler]].concat());
    check("ending", "done", &tenants);
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
