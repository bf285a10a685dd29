//! jail-011: who uses all the CPU time there is and listens to no signal.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use ambit_jail::End;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Test,
    jail::Jail,
    outside,
    probe::{Attempt, Given, Probes},
    raw::{call, ptr},
};

pub(crate) const TESTS: &[Test] = &[("jail_011_a_hog_ends_at_once", a_hog_ends_at_once)];

pub(crate) const PROBES: Probes = &[("hog", Attempt::Look(hog))];

/// Ignores and blocks what can be, and goes on for good.
fn hog(_: &Given) -> String {
    let mut ignore = [1_u64, 0, 0, 0];
    for signal in 1..=64 {
        call(libc::SYS_rt_sigaction, [signal, ptr(&mut ignore), 0, 8, 0, 0]);
    }
    let mut all = u64::MAX;
    call(libc::SYS_rt_sigprocmask, [0, ptr(&mut all), 0, 8, 0, 0]);
    loop {
        std::hint::spin_loop();
    }
}

fn a_hog_ends_at_once() {
    let mut inmate = Jail::new().start("hog", "", &[], None).expect("a process");
    inmate.entered();
    thread::sleep(Duration::from_millis(50));
    assert!(!inmate.child.has_ended());
    let began = Instant::now();
    inmate.child.kill();
    let end = inmate.child.wait().expect("its end").end;
    assert_eq!(end, End::Signal(libc::SIGKILL));
    assert!(began.elapsed() < Duration::from_millis(250), "{:?}", began.elapsed());

    // Outside it ignores what one asks for politely.
    let mut child = Ended(outside::command("hog", "").stdout(Stdio::null()).spawn().expect("started"));
    let pid = Pid::from_child(&child.0);
    let status = format!("/proc/{}/status", pid.as_raw_nonzero());
    let until = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(&status).expect("/proc").contains("SigBlk:\tfffffffffffbfeff") {
        assert!(Instant::now() < until, "it does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    kill_process(pid, Signal::TERM).expect("it is there");
    thread::sleep(Duration::from_millis(50));
    assert!(child.0.try_wait().expect("a child").is_none());
}

/// Nothing else would end it, should this test fail.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}
