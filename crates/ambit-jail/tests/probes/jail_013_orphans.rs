//! jail-013: what becomes of a jailed process whose parent is killed.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Test,
    jail::{Jail, Stage},
    outside,
    probe::{Attempt, Given, Probes},
};

pub(crate) const TESTS: &[Test] = &[("jail_013_it_ends_with_its_parent", it_ends_with_its_parent)];

pub(crate) const PROBES: Probes =
    &[("parent of a hog", Attempt::Look(parent)), ("plain parent of a hog", Attempt::Look(plain_parent))];

/// Says who its child is, and waits.
fn parent(given: &Given) -> String {
    let jail = if given.with == "below" { Jail::new().at(Stage::Below) } else { Jail::new() };
    let mut inmate = jail.start("hog", "", &[], None).expect("a process");
    if given.with == "inside" {
        inmate.entered();
    }
    wait(inmate.child.pid().as_raw_nonzero().get())
}

#[expect(clippy::zombie_processes, reason = "this process is killed while its child goes on: that is the point")]
fn plain_parent(_: &Given) -> String {
    let child = outside::command("hog", "").stdout(Stdio::null()).spawn().expect("started");
    wait(child.id().cast_signed())
}

fn wait(pid: i32) -> String {
    writeln!(std::io::stdout(), "{pid}").expect("say who it is");
    loop {
        thread::sleep(Duration::from_secs(60));
    }
}

/// Whether the process is there, and no zombie that nobody reaps here.
fn is_there(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Kills the parent; whether its child is gone soon.
fn ends(mut parent: Command) -> (bool, String) {
    let mut parent = parent.stdout(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    BufReader::new(parent.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let pid = line.trim().to_owned();
    thread::sleep(Duration::from_millis(100));
    let was_there = is_there(&pid);
    parent.kill().expect("it is there");
    parent.wait().expect("its end");
    assert!(was_there, "`{pid}` is not there");
    let until = Instant::now() + Duration::from_secs(1);
    while is_there(&pid) && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    (!is_there(&pid), pid)
}

fn it_ends_with_its_parent() {
    for how in ["inside", "below", "on the way"] {
        assert!(ends(outside::command("parent of a hog", how)).0, "{how}");
    }
    let (ended, pid) = ends(outside::command("plain parent of a hog", ""));
    let killed = Command::new("kill").args(["-9", &pid]).status();
    assert!(!ended && killed.is_ok_and(|status| status.success()), "a process without a jail goes on");
}
