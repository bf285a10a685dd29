//! What runs leave behind: nothing.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use ambit_manager::{LaunchConfig, Launcher};

use crate::{Tests, launch::Run};

/// Makes this program launch runs until it is killed.
const VICTIM: &str = "AMBIT_TEST_VICTIM";
/// Ten times as many runs.
const LONG: &str = "AMBIT_TEST_LONG";
/// Ends of all kinds.
const PARTS: [&str; 6] =
    ["exits well", "exits with 3", "aborts", "speaks garbage", "claims to be killed", "compiler: exits with 3"];

pub(crate) fn tests() -> Tests {
    vec![
        ("many_runs_leave_nothing", many_runs_leave_nothing as fn()),
        ("a_parent_that_is_killed_takes_its_processes_along", a_parent_that_is_killed_takes_its_processes_along),
    ]
}

/// What there is of everything that a run makes.
#[derive(Debug, PartialEq, Eq)]
struct Remains {
    descriptors: usize,
    children: String,
    processes: BTreeSet<String>,
    groups: BTreeSet<String>,
    temporary: BTreeSet<String>,
    mounts: usize,
}

impl Remains {
    fn now() -> Self {
        let names = |path: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        };
        let temporary = names("/tmp").into_iter().filter(|name| name.to_lowercase().contains("ambit")).collect();
        Self {
            descriptors: names("/proc/self/fd").len(),
            children: fs::read_to_string("/proc/thread-self/children").unwrap_or_default().trim().to_owned(),
            processes: processes(),
            groups: groups(),
            temporary,
            mounts: fs::read_to_string("/proc/self/mounts").map_or(0, |mounts| mounts.lines().count()),
        }
    }
}

/// Jailed processes of this process, by number, and those that have lost their parent. Other tests launch too.
fn processes() -> BTreeSet<String> {
    let ours = fs::read_link("/proc/self/exe").expect("procfs");
    let all = fs::read_dir("/proc").expect("procfs").flatten();
    let all = all.filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == ours));
    let jailed = all.filter(|entry| {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        let ours = parent.is_some_and(|parent: u32| parent == 1 || parent == std::process::id());
        ours && fs::read(entry.path().join("cmdline")).is_ok_and(|line| line.starts_with(b"ambit-"))
    });
    jailed.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Control groups that were made for runs of this process.
fn groups() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().contains(&format!("-{}", std::process::id())) {
                    found.insert(entry.path().display().to_string());
                }
                open.push(entry.path());
            }
        }
    }
    found
}

fn many_runs_leave_nothing() {
    let runs = if std::env::var_os(LONG).is_some() { 10_000 } else { 1_000 };
    let launcher = Launcher::new(LaunchConfig::default()).expect("this program");
    let run = |number: usize| {
        // Some of them with a group around them.
        let limits: &[(&str, &str)] = if number.is_multiple_of(10) { &[("cpus", "0.5")] } else { &[] };
        Run::new(PARTS[number % PARTS.len()], limits).with(&launcher);
    };
    // What is made once and kept is there after these.
    (0..20).for_each(run);
    settle();
    let before = Remains::now();
    (0..runs).for_each(run);
    settle();
    assert_eq!(before, Remains::now(), "after {runs} runs");
}

/// Threads that carry output end a moment after their run.
fn settle() {
    thread::sleep(Duration::from_millis(300));
}

/// Whether this program is to be killed.
pub(crate) fn is_victim() -> bool {
    std::env::var_os(VICTIM).is_some()
}

/// Launches runs, some of which never end, until it is killed.
pub(crate) fn victim() -> ExitCode {
    let launchers = (0..2).map(|which| {
        thread::spawn(move || {
            let launcher = Launcher::new(LaunchConfig::default()).expect("this program");
            for number in 0.. {
                let part = if number % 3 == which { "is silent" } else { "exits well" };
                Run::new(part, &[("wall-time", "200ms")]).with(&launcher);
            }
        })
    });
    for launcher in launchers.collect::<Vec<_>>() {
        let _ = launcher.join();
    }
    ExitCode::SUCCESS
}

fn a_parent_that_is_killed_takes_its_processes_along() {
    let this = std::env::current_exe().expect("a program");
    // Another path, so that its processes are known from those of other tests.
    let dir = std::env::temp_dir().join(format!("ends-victim-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("made");
    let copy = dir.join("victim");
    fs::copy(this, &copy).expect("copied");
    let left = || {
        let all = fs::read_dir("/proc").expect("procfs").flatten();
        all.filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == copy)).count()
    };
    let times = if std::env::var_os(LONG).is_some() { 2_000 } else { 200 };
    let mut seen = 0;
    // A walk over the times at which it may be killed: from before it has made anything to the middle of everything.
    for step in 0..times {
        let mut victim =
            Command::new(&copy).env(VICTIM, "1").stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        thread::sleep(Duration::from_micros(step * 7919 % 60_000));
        seen += usize::from(left() > 1);
        victim.kill().expect("it runs");
        victim.wait().expect("it ends");
        let since = Instant::now();
        while left() > 0 {
            assert!(since.elapsed() < Duration::from_secs(10), "{} processes live on", left());
            thread::sleep(Duration::from_millis(1));
        }
        let mut said = String::new();
        victim.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
        assert_eq!(said, "", "it failed of itself");
    }
    assert!(seen > 20, "it was killed {times} times, and had processes {seen} times");
    fs::remove_dir_all(dir).expect("removed");
}
