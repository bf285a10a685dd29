//! Attacks that need a script around the guest.

use std::{
    fs,
    io::{self, IoSlice},
    os::unix::{ffi::OsStrExt, fs::symlink},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use ambit_admit::AdmitRules;
use ambit_core::{Isolation, LimitKey, Outcome, Profile};
use ambit_engine::{
    Call,
    host::{Capture, GuestOutput},
};
use ambit_runtime::{Module, RunRequest, Streams};

use crate::{
    alone::alone,
    door::{Ask, Door, guest, resident, shown},
};

/// An output that panics: a host function with a bug.
struct Panics;

impl GuestOutput for Panics {
    fn try_write(&mut self, _bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        panic!("a bug in the host\x1b[2J")
    }
}

/// The outcome of a guest whose host function panics.
pub(crate) fn panicking_host() -> Outcome {
    let door = Door::new();
    let policy = Profile::Default.policy().resolve(Isolation::None).expect("enforceable");
    let module = Arc::new(ambit_admit::admit(guest("bin/hello.wasm"), &AdmitRules::from_policy(&policy)).expect("admitted"));
    let request = RunRequest {
        call: Call::command(&module).expect("a program"),
        module: Module::Verified(module),
        policy: Arc::new(policy),
        streams: Streams { stdout: Box::new(Panics), ..Streams::default() },
        since: None,
        tenant: None,
        name: "panics".into(),
    };
    let outcome = door.runtime.start(request).expect("accepted").wait().outcome().clone();
    assert!(door.is_well(), "others in the same runtime are unharmed");
    assert_eq!(door.ends(), 2, "one event each");
    outcome
}

#[test]
fn host_009_a_panic_in_a_host_function_is_lost_and_nobody_else_is() {
    let Outcome::Lost { reason } = panicking_host() else { panic!("not lost") };
    assert!(reason.contains("a bug in the host\\u{1b}"), "{reason:?}");
}

#[test]
fn cpu_020_200_loops_each_end_at_their_own_deadline() {
    let door = Door::new();
    let text = guest("hostile/cpu-002.wat");
    let running: Vec<_> = (0..200)
        .map(|i| {
            let limit = format!("{}ms", 200 + i);
            door.start(Ask::new(&text, &[("wall-time", &limit)]).invoke("run", &[]), &Capture::default()).expect("accepted")
        })
        .collect();
    for (i, running) in running.into_iter().enumerate() {
        let outcome = running.wait().outcome().clone();
        let Outcome::LimitExceeded { limit: LimitKey::WallTime, allowed, used: Some(used) } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(allowed, (200 + i as u64) * 1_000_000);
        assert!(used >= allowed, "not a moment early");
    }
    assert_eq!(door.ends(), 200);
    assert!(door.is_well());
}

#[test]
fn cpu_022_many_short_jobs_do_not_starve_anybody() {
    let door = Door::new();
    let text = guest("hostile/cpu-001.wat");
    let running: Vec<_> = (0..200)
        .map(|_| door.start(Ask::new(&text, &[("fuel", "100k")]).invoke("run", &[]), &Capture::default()).expect("accepted"))
        .collect();
    assert!(door.is_well(), "a benign guest beside them");
    for running in running {
        assert_eq!(shown(running.wait().outcome()), "limit-exceeded:fuel");
    }
}

#[test]
fn mem_019_a_thousand_instances_leave_nothing() {
    if !alone("scripted::mem_019_a_thousand_instances_leave_nothing") {
        return;
    }
    let door = Door::new();
    let dirty = r#"(module (memory (export "memory") 17)
        (func (export "f") (memory.fill (i32.const 0) (i32.const 7) (i32.const 1114112))))"#;
    let many = |count| {
        for _ in 0..count {
            assert_eq!(shown(&door.run(Ask::new(dirty, &[]).invoke("f", &[])).report.outcome), "exited:0");
        }
    };
    many(100);
    let before = resident();
    many(900);
    let after = resident();
    // 900 more guests dirtied a megabyte each; what is left may not be a tenth of one of them per hundred.
    assert!(after < before + (8 << 20), "{before} bytes grew to {after}");
}

#[test]
fn mem_020_no_data_leaks_between_slots() {
    let door = Door::with(ambit_runtime::RuntimeConfig { pool_guests: 1, ..Default::default() });
    for _ in 0..20 {
        let canary = door.run(Ask::new(guest("hostile/mem-020-a.wat"), &[]));
        assert_eq!(shown(&canary.report.outcome), "exited:0");
        let scan = door.run(Ask::new(guest("hostile/mem-020-b.wat"), &[]));
        assert_eq!(shown(&scan.report.outcome), "exited:0", "it finds nothing but zeros");
    }
}

#[test]
fn wasi_027_a_link_swapped_while_the_guest_opens_leads_nowhere() {
    let dir = tempfile::tempdir().expect("a directory");
    let (inside, outside) = (dir.path().join("inside"), dir.path().join("outside"));
    for path in [&inside, &outside] {
        fs::create_dir(path).expect("made");
    }
    fs::write(outside.join("secret.txt"), "outside\n").expect("written");
    fs::create_dir(inside.join("real")).expect("made");
    fs::write(inside.join("real/secret.txt"), "inside\n").expect("written");
    symlink(&outside, inside.join("fake")).expect("linked");
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = {
        let (stop, inside) = (Arc::clone(&stop), inside.clone());
        thread::spawn(move || {
            let at = |name: &str| inside.join(name);
            let mut swaps = 0u32;
            while !stop.load(SeqCst) {
                fs::rename(at("real"), at("race")).expect("renamed");
                fs::rename(at("race"), at("real")).expect("renamed");
                fs::rename(at("fake"), at("race")).expect("renamed");
                fs::rename(at("race"), at("fake")).expect("renamed");
                swaps += 1;
            }
            swaps
        })
    };
    let mut ask = Ask::new(guest("hostile/wasi-027.wat"), &[]);
    let grants = ask.spec.grants.get_or_insert_default();
    grants.dirs.push(format!("{}:/data:ro", inside.display()).parse().expect("a grant"));
    let ran = Door::new().run(ask);
    stop.store(true, SeqCst);
    assert!(swapper.join().expect("no panic") > 100, "the race was run");
    assert_eq!(shown(&ran.report.outcome), "exited:0", "{:?}", ran.report.violations);
}

#[test]
fn wasi_028_a_giant_directory_is_listed_in_bounded_memory() {
    if !alone("scripted::wasi_028_a_giant_directory_is_listed_in_bounded_memory") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    for i in 0..20_000 {
        fs::write(dir.path().join(format!("file-with-a-rather-long-name-{i}")), "").expect("written");
    }
    let before = resident();
    let mut ask = Ask::new(guest("hostile/wasi-028.wat"), &[]);
    let grants = ask.spec.grants.get_or_insert_default();
    grants.dirs.push(format!("{}:/data:ro", dir.path().display()).parse().expect("a grant"));
    let ran = Door::new().run(ask);
    assert_eq!(shown(&ran.report.outcome), "exited:0");
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "20002", "with . and ..");
    assert!(resident() < before + (64 << 20));
}

#[test]
fn wasi_030_names_that_are_no_text() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "").expect("written");
    let mut ask = Ask::new(guest("hostile/wasi-030.wat"), &[]);
    let grants = ask.spec.grants.get_or_insert_default();
    grants.dirs.push(format!("{}:/data:ro", dir.path().display()).parse().expect("a grant"));
    let ran = Door::new().run(ask);
    assert_eq!(ran.report.outcome.kind(), "exited", "{:?}", ran.report.outcome);
}
