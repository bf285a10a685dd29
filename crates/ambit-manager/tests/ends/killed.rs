//! A parent that is killed at any moment, and can tidy nothing up.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use ambit_jail::cgroup::Cgroups;
use ambit_manager::{LaunchConfig, Launcher};

use crate::{
    Tests,
    launch::Run,
    leaks::{LONG, groups, names},
};

/// Makes this program launch runs until it is killed.
const VICTIM: &str = "AMBIT_TEST_VICTIM";
/// What a jailed process has of its own.
const NAMESPACES: [&str; 6] = ["user", "mnt", "pid", "net", "ipc", "uts"];

pub(crate) fn tests() -> Tests {
    vec![("a_parent_that_is_killed_leaves_nothing", a_parent_that_is_killed_leaves_nothing)]
}

/// Whether this program is to be killed.
pub(crate) fn is_victim() -> bool {
    env::var_os(VICTIM).is_some()
}

/// Launches runs, some of which never end and some of which are in jails with mounts, until it is killed.
pub(crate) fn victim() -> ExitCode {
    const PARTS: [&str; 4] = ["is silent", "exits well", "waits in its jail", "exits well"];
    let launchers = (0..2).map(|which| {
        thread::spawn(move || {
            let launcher = Launcher::new(LaunchConfig::default()).expect("this program");
            for number in which.. {
                let limits: &[(&str, &str)] = match number % 3 {
                    0 => &[("wall-time", "200ms"), ("cpus", "0.5")],
                    _ => &[("wall-time", "200ms")],
                };
                let part = PARTS[number % PARTS.len()];
                Run { tmp: part == "waits in its jail", ..Run::new(part, limits) }.with(&launcher);
            }
        })
    });
    for launcher in launchers.collect::<Vec<_>>() {
        let _ = launcher.join();
    }
    ExitCode::SUCCESS
}

/// The processes of a program, by their directories in `/proc`.
fn processes(program: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc").expect("procfs").flatten().map(|entry| entry.path());
    all.filter(|process| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program)).collect()
}

/// Namespaces that processes are in, as their links say it.
fn namespaces(processes: &[PathBuf]) -> BTreeSet<String> {
    let links = processes.iter().flat_map(|process| NAMESPACES.map(|kind| process.join("ns").join(kind)));
    links.filter_map(|link| Some(fs::read_link(link).ok()?.display().to_string())).collect()
}

/// How many of this process's descriptors are of namespaces.
fn namespaces_held() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").expect("procfs").flatten();
    let held = descriptors.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string()));
    held.filter(|path| NAMESPACES.iter().any(|kind| path.starts_with(&format!("{kind}:[")))).count()
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").expect("procfs")
}

fn a_parent_that_is_killed_leaves_nothing() {
    // Another path, so that its processes are known from those of other tests.
    let dir = env::temp_dir().join(format!("ends-victim-{}", std::process::id()));
    let (copy, temporary) = (dir.join("victim"), dir.join("temporary"));
    fs::create_dir_all(&temporary).expect("made");
    fs::copy(env::current_exe().expect("a program"), &copy).expect("copied");
    let (mounts_before, memory_before) = (mounts(), names("/dev/shm"));
    let times = if env::var_os(LONG).is_some() { 2_000 } else { 200 };
    let (mut with_processes, mut with_groups) = (0, 0);
    let (mut victims, mut seen) = (Vec::new(), BTreeSet::new());
    // A walk over the times at which it may be killed: from before it has made anything to the middle of everything.
    for step in 0..times {
        let mut command = Command::new(&copy);
        command.env(VICTIM, "1").env("TMPDIR", &temporary).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut victim = command.spawn().expect("it starts");
        thread::sleep(Duration::from_micros(step * 7919 % 60_000));
        let before = processes(&copy);
        with_processes += usize::from(before.len() > 1);
        seen.extend(namespaces(&before));
        victim.kill().expect("it runs");
        victim.wait().expect("it ends");
        let since = Instant::now();
        while !processes(&copy).is_empty() {
            assert!(since.elapsed() < Duration::from_secs(10), "{:?} live on", processes(&copy));
            thread::sleep(Duration::from_millis(1));
        }
        with_groups += usize::from(!groups(victim.id()).is_empty());
        victims.push(victim.id());
        let mut said = String::new();
        victim.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
        assert_eq!(said, "", "it failed of itself");
    }
    assert!(with_processes > 20, "it was killed {times} times, and had processes {with_processes} times");
    assert!(seen.len() > 20, "and namespaces: {seen:?}");
    // Groups are what a crash leaves, until the next start of whatever makes groups.
    if Cgroups::discover().offers().cpu {
        assert!(with_groups > 0, "it was killed {times} times, and never had a group");
    }
    Run::new("exits well", &[("cpus", "0.5")]).with(&Launcher::new(LaunchConfig::default()).expect("this program"));
    let groups: Vec<_> = victims.into_iter().flat_map(groups).collect();
    assert!(groups.is_empty(), "after the next start there are still {groups:?}");
    // A namespace is kept by processes, of which there are none, by mounts and by descriptors. Their numbers are used again, so
    // that to look for those says nothing.
    assert_eq!(mounts(), mounts_before, "mounts");
    assert_eq!(namespaces_held(), 0, "descriptors of namespaces");
    assert_eq!(names("/dev/shm"), memory_before, "files in shared memory");
    fs::remove_dir(&temporary).expect("nothing temporary is left");
    fs::remove_dir_all(dir).expect("removed");
}
