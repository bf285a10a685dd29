//! What runs leave behind: nothing.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command, thread, time::Duration};

use ambit_manager::{LaunchConfig, Launcher};

use crate::{Tests, launch::Run};

/// Ten times as many runs.
pub(crate) const LONG: &str = "AMBIT_TEST_LONG";
/// Says that this process runs one test, and nothing else that has descriptors, children or threads.
const ALONE: &str = "AMBIT_TEST_ALONE";
/// Ends of all kinds.
const PARTS: [&str; 6] =
    ["exits well", "exits with 3", "aborts", "speaks garbage", "claims to be killed", "compiler: exits with 3"];

pub(crate) fn tests() -> Tests {
    vec![("many_runs_leave_nothing", many_runs_leave_nothing)]
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
        Self {
            descriptors: names("/proc/self/fd").len(),
            children: fs::read_to_string("/proc/thread-self/children").unwrap_or_default().trim().to_owned(),
            processes: processes(),
            groups: groups(std::process::id()),
            temporary: names(env::temp_dir()),
            mounts: fs::read_to_string("/proc/self/mounts").map_or(0, |mounts| mounts.lines().count()),
        }
    }
}

/// The names in a directory.
pub(crate) fn names(path: impl Into<PathBuf>) -> BTreeSet<String> {
    let entries = fs::read_dir(path.into()).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
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

/// Control groups that were made for runs of a process.
pub(crate) fn groups(process: u32) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().contains(&format!("-{process}-")) {
                    found.insert(entry.path().display().to_string());
                }
                open.push(entry.path());
            }
        }
    }
    found
}

fn many_runs_leave_nothing() {
    if env::var_os(ALONE).is_none() {
        return alone("many_runs_leave_nothing");
    }
    let runs = if env::var_os(LONG).is_some() { 10_000 } else { 1_000 };
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

/// Runs a test in a process of its own, with an empty directory for what is temporary.
fn alone(test: &str) {
    let dir = env::temp_dir().join(format!("ends-alone-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("made");
    let this = env::current_exe().expect("a program");
    let output = Command::new(this).args([test, "--exact"]).env(ALONE, "1").env("TMPDIR", &dir).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_dir(dir).expect("it is empty");
}

/// Threads that carry output end a moment after their run.
fn settle() {
    thread::sleep(Duration::from_millis(300));
}
