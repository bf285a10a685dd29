//! Row Q4: nine security tests, each through the real binary and each shown to bite: what is denied succeeds where the limit is
//! lifted, the grant given, or the jail absent. Nothing looks at a module's name.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::door::guests;

/// What a run came to.
struct Ran {
    stdout: String,
    report: Value,
}

impl Ran {
    /// `exited:0`, `limit-exceeded:memory`, `killed:SIGSYS`.
    fn outcome(&self) -> String {
        let outcome = &self.report["outcome"];
        let detail = ["code", "trap", "limit", "reason", "signal"].iter().find_map(|key| outcome.get(key));
        let detail = detail.map(|detail| detail.to_string().replace('"', "")).unwrap_or_default();
        format!("{}:{detail}", outcome["kind"].as_str().unwrap_or_default())
    }
}

fn ambit(words: &[&str]) -> Command {
    let mut command = Command::new(crate::program::program());
    command.arg("run").args(words).env_clear().stdin(Stdio::null()).current_dir(guests());
    command
}

/// `ambit run` with these words.
fn run(words: &[&str]) -> Ran {
    let output = ambit(&[&["--quiet", "--report", "-"], words].concat()).output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = &stderr[stderr.find("{\n").unwrap_or_else(|| panic!("no report: {stderr}"))..];
    let report = serde_json::from_str(report).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    Ran { stdout: String::from_utf8_lossy(&output.stdout).into_owned(), report }
}

/// A guest that runs, and the process that it runs in.
struct Asleep {
    ambit: Child,
    process: PathBuf,
}

impl Asleep {
    fn at(isolation: &str) -> Self {
        let ambit = ambit(&["--isolation", isolation, "bin/sleep.wasm", "60"]).spawn().expect("it starts");
        // Of its own from here on, which ends it.
        let process = PathBuf::from(format!("/proc/{}", ambit.id()));
        let mut asleep = Self { ambit, process };
        if isolation == "none" {
            return asleep;
        }
        let since = Instant::now();
        loop {
            assert!(since.elapsed() < Duration::from_secs(30), "no guest runs");
            thread::sleep(Duration::from_millis(20));
            // Once it is in its jail, which ends with the second list of system calls.
            if let Some(worker) = worker(&asleep.process).filter(|worker| line(worker, "status", "Seccomp_filters:") == "2") {
                asleep.process = worker;
                return asleep;
            }
        }
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.process.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        self.ambit.kill().expect("it runs");
        self.ambit.wait().expect("it ends");
    }
}

/// The worker among a process's children.
fn worker(of: &std::path::Path) -> Option<PathBuf> {
    let threads = fs::read_dir(of.join("task")).ok()?.flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<String> = children.flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    let mut children = children.into_iter().map(|child| PathBuf::from("/proc").join(child));
    children.find(|child| fs::read(child.join("cmdline")).is_ok_and(|line| line == b"ambit-worker\0"))
}

/// What a file of a process's says after `start`.
fn line(process: &std::path::Path, file: &str, start: &str) -> String {
    let text = fs::read_to_string(process.join(file)).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().trim().to_owned()
}

#[test]
fn q4_1_file_system_isolation() {
    let probe = |words: &[&str]| run(&[&["--invoke", "check", "hostile/filesystem_probe.wat"], words].concat()).outcome();
    assert_eq!(probe(&[]), "exited:0", "it finds nothing");
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("etc")).expect("made");
    fs::write(dir.path().join("etc/passwd"), "nobody\n").expect("written");
    assert_eq!(probe(&["--dir", &format!("{}:/", dir.path().display())]), "trapped:unreachable", "it finds what is given");
    // Nor would its process, had it taken that over: its root is another and has nothing in it.
    assert_eq!(fs::read_dir(Asleep::at("process").process.join("root")).map_or(0, Iterator::count), 0);
    assert!(fs::read_dir(Asleep::at("none").process.join("root")).expect("ours").count() > 1);
}

#[test]
fn q4_2_cpu_quota() {
    let bomber = |words: &[&str]| run(&[&["--invoke", "execute_task", "hostile/cpu_bomber.wat"], words].concat());
    assert_eq!(bomber(&["--cpu-time", "200ms"]).outcome(), "limit-exceeded:cpu-time");
    let lifted = bomber(&["--timeout", "3s"]);
    assert!(lifted.report["usage"]["cpu_ns"].as_u64() > Some(250_000_000), "without it, it uses more: {}", lifted.report["usage"]);
}

#[test]
fn q4_3_memory_quota() {
    let bomber = |memory: &str| run(&["--memory", memory, "--invoke", "execute_task", "hostile/memory_bomber.wat"]);
    let held = bomber("64MiB");
    assert_eq!(held.outcome(), "limit-exceeded:memory");
    assert!(held.report["usage"]["peak_memory_bytes"].as_u64() <= Some(64 << 20));
    assert_eq!(bomber("512MiB").outcome(), "exited:0", "with room it does what it wants");
}

#[test]
fn q4_4_network_isolation() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = format!(":{:04X} ", listener.local_addr().expect("an address").port());
    // Where there is no wall, whoever is in the guest's process sees this machine's sockets.
    assert!(Asleep::at("none").file("net/tcp").contains(&port));
    let jailed = Asleep::at("process");
    assert!(!jailed.file("net/tcp").contains(&port));
    let interfaces: Vec<String> = jailed.file("net/dev").lines().skip(2).map(|line| line.trim().to_owned()).collect();
    assert!(interfaces.iter().all(|interface| interface.starts_with("lo:")), "{interfaces:?}");
    // And no grant gives a guest what it has not.
    assert_eq!(run(&["--net", "127.0.0.1:1", "bin/hello.wasm"]).outcome(), "rejected:unenforceable");
}

#[test]
fn q4_5_timing() {
    let nanos = |clock: &str| {
        let stdout = run(&["--clock", clock, "bin/clock.wasm"]).stdout;
        let line = stdout.lines().find_map(|line| line.strip_prefix("realtime ")).unwrap_or_else(|| panic!("{stdout}"));
        line.rsplit('.').next().expect("a fraction").trim().parse::<u64>().expect("nanoseconds")
    };
    assert!((0..5).all(|_| nanos("coarse").is_multiple_of(1_000_000)), "no finer than a millisecond");
    assert!((0..5).any(|_| !nanos("real").is_multiple_of(1_000_000)), "a clock that is granted is finer");
}

#[test]
fn q4_6_system_call_restriction() {
    let hello = |words: &[&str]| run(&[words, &["bin/hello.wasm"]].concat());
    assert_eq!(hello(&[]).outcome(), "exited:0");
    // A call that this guest does need, taken from the list.
    let killed = hello(&["--deny-syscall", "writev"]);
    assert_eq!(killed.outcome(), "killed:SIGSYS");
    assert_eq!(killed.report["violations"][0]["rule"], "syscall");
    assert_eq!(killed.stdout, "");
    assert_eq!(line(&Asleep::at("process").process, "status", "Seccomp:"), "2");
    assert_eq!(line(&Asleep::at("none").process, "status", "Seccomp:"), "0");
}

#[test]
fn q4_7_guest_to_guest_isolation() {
    // Each has a `/tmp` of its own.
    assert_eq!(run(&["--tmp", "1MiB", "bin/writer.wasm", "/tmp/f", "10"]).outcome(), "exited:0");
    assert_eq!(run(&["--tmp", "1MiB", "bin/cat.wasm", "/tmp/f"]).outcome(), "exited:1");
    let dir = tempfile::tempdir().expect("a directory");
    let shared = format!("{}:/tmp:rw", dir.path().display());
    assert_eq!(run(&["--dir", &shared, "bin/writer.wasm", "/tmp/f", "10"]).outcome(), "exited:0");
    assert_eq!(run(&["--dir", &shared, "bin/cat.wasm", "/tmp/f"]).outcome(), "exited:0", "what is shared is seen");
    // Two that run at once are in processes that do not see each other.
    let (one, other) = (Asleep::at("process"), Asleep::at("process"));
    for space in ["pid", "mnt", "net", "ipc", "uts", "user"] {
        let of = |asleep: &Asleep| fs::read_link(asleep.process.join("ns").join(space)).expect("a namespace");
        assert_ne!(of(&one), of(&other), "{space}");
    }
}

#[test]
fn q4_8_clean_up() {
    // What workers hold while they run, and what is left of it after ten.
    let resident =
        |process: &std::path::Path| line(process, "status", "VmRSS:").trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0);
    let (mut held, mut left) = (0, 0);
    for _ in 0..10 {
        let asleep = Asleep::at("process");
        let process = asleep.process.clone();
        held += resident(&process);
        drop(asleep);
        // It dies with its parent, a moment later.
        let since = Instant::now();
        while process.exists() && since.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(5));
        }
        left += resident(&process);
    }
    assert!(held > 0, "there was something to reclaim");
    assert!(left * 10 < held, "{left} of {held} KiB");
}

#[test]
fn q4_9_fork_bomb() {
    // What threads and processes are made with is nothing that a guest can import.
    let dir = tempfile::tempdir().expect("a directory");
    let module = dir.path().join("bomb.wat");
    let text = r#"(module (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (func (export "_start") (loop (drop (call $spawn (i32.const 0))) (br 0))))"#;
    fs::write(&module, text).expect("written");
    assert_eq!(run(&[module.to_str().expect("UTF-8")]).outcome(), "rejected:import-denied");
    // Nor can its process, which has no thread to spare, and cannot be given the call that makes one.
    let limit = |asleep: &Asleep| line(&asleep.process, "limits", "Max processes").split_whitespace().next().map(str::to_owned);
    assert_eq!(limit(&Asleep::at("process")).as_deref(), Some("0"));
    assert_ne!(limit(&Asleep::at("none")).as_deref(), Some("0"));
    for call in ["clone", "clone3", "fork", "vfork", "execve"] {
        let output = ambit(&["--allow-syscall", call, "bin/hello.wasm"]).output().expect("it ends");
        assert!(!output.status.success() && output.stdout.is_empty(), "{call}: {output:?}");
    }
}
