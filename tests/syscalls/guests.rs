//! Benign guests, and one way to run each of them.

use std::{
    fs,
    io::{self, Read, Write as _},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Clock, EngineId, Isolation, LimitKey, Metering, Outcome, Policy, PolicySpec, Profile, Report, RunId, TrapKind};
use ambit_jail::{Purpose, Spawner};
use ambit_manager::{
    Compiled, Control, Entry, ExtraSyscalls, Input, LaunchConfig, LaunchRequest, Launcher, Output, Prepared, Streams,
};
use rustix::process::{Pid, Signal, kill_process};

/// A guest, and what it needs.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    /// One of the guests that are shipped, or one beside this file.
    module: &'static str,
    /// How it ends when all is well.
    pub(crate) well: fn(&Outcome) -> bool,
    /// Whether it has a granted directory and a private one.
    files: bool,
    /// Whether it has input, which it must wait for.
    input: bool,
    wall_time: &'static str,
}

pub(crate) const HELLO: Guest =
    Guest { name: "hello", module: "bin/hello.wasm", well: Outcome::is_success, files: false, input: false, wall_time: "30s" };
pub(crate) const COMPONENT: Guest = Guest { name: "component", module: "bin/hello-p2.wasm", ..HELLO };
pub(crate) const CLOCK: Guest = Guest { name: "clock", module: "bin/clock.wasm", ..HELLO };
pub(crate) const COMPUTES: Guest = Guest { name: "computes", module: "computes.wat", ..HELLO };
pub(crate) const WAITS: Guest = Guest { name: "waits", module: "waits.wat", input: true, ..HELLO };
pub(crate) const WRITES: Guest = Guest { name: "writes", module: "writes.wat", ..HELLO };
pub(crate) const FILES: Guest = Guest { name: "files", module: "files.wat", files: true, ..HELLO };
/// To be compiled, and no program.
pub(crate) const LARGE: Guest = Guest { name: "large", module: "bin/upper.wasm", ..HELLO };
pub(crate) const STRAYS: Guest = Guest {
    name: "strays",
    module: "strays.wat",
    well: |outcome| matches!(outcome, Outcome::Trapped { trap: TrapKind::MemoryOutOfBounds, .. }),
    ..HELLO
};
pub(crate) const OVERFLOWS: Guest = Guest {
    name: "overflows",
    module: "overflows.wat",
    well: |outcome| matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::Stack, .. }),
    ..HELLO
};
pub(crate) const LOOPS: Guest = Guest {
    name: "loops",
    module: "loops.wat",
    well: |outcome| matches!(outcome, Outcome::LimitExceeded { limit: LimitKey::WallTime, .. }),
    wall_time: "500ms",
    ..HELLO
};

/// A launcher of the program under test, with these rules out of its lists.
pub(crate) fn launcher(engine: EngineId, of_guests: &[String], of_compilers: &[String]) -> Launcher {
    let ambit = Spawner::of(Path::new(env!("CARGO_BIN_EXE_ambit"))).expect("the program under test");
    let without = |rules: &[String]| ExtraSyscalls { deny: rules.to_vec(), ..ExtraSyscalls::default() };
    let (syscalls, compiler_syscalls) = (without(of_guests), without(of_compilers));
    Launcher::with(ambit, LaunchConfig { engine, syscalls, compiler_syscalls, ..LaunchConfig::default() })
}

/// Stops this process's jailed processes for that, and lets them go on: what happens to all of them when a machine sleeps.
pub(crate) fn stop_and_continue(purpose: Purpose) {
    let threads = fs::read_dir("/proc/self/task").expect("procfs").flatten();
    let children = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    for child in children.collect::<String>().split_whitespace() {
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        if line.starts_with(purpose.process_name().to_bytes_with_nul()) {
            let child = child.parse().ok().and_then(Pid::from_raw).expect("a number");
            kill_process(child, Signal::STOP).expect("it is there");
            thread::sleep(Duration::from_millis(2));
            kill_process(child, Signal::CONT).expect("it is there");
        }
    }
}

impl Guest {
    fn bytes(&self) -> Vec<u8> {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let dir = if self.module.starts_with("bin/") { "guests" } else { "tests/syscalls/guests" };
        let path = root.join(dir).join(self.module);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        wat::parse_bytes(&bytes).expect("valid text").into_owned()
    }

    /// What it runs under, with a directory if it has one.
    pub(crate) fn policy(&self, isolation: Isolation, dir: Option<&Path>) -> Arc<Policy> {
        let mut spec = PolicySpec::default();
        spec.limits.set("wall-time", self.wall_time).expect("a limit");
        let grants = spec.grants.get_or_insert_default();
        grants.clock = Clock::Real;
        if let Some(dir) = dir {
            grants.dirs.push(format!("{}:/data:rw", dir.display()).parse().expect("a grant"));
            grants.tmp = Some("1MiB".parse().expect("a size"));
        }
        Arc::new(Profile::Default.policy().narrow(&spec).expect("within").resolve(isolation).expect("enforceable"))
    }

    pub(crate) fn admitted(&self, policy: &Policy) -> Arc<Verified> {
        Arc::new(ambit_admit::admit(self.bytes(), &AdmitRules::from_policy(policy)).expect("a good module"))
    }

    /// Compiles it.
    pub(crate) fn compiled(&self, launcher: &Launcher, metering: Metering) -> Result<Arc<Compiled>, Outcome> {
        let policy = self.policy(Isolation::Process, None);
        let control = Control::new().expect("descriptors");
        launcher.compile(&self.admitted(&policy), &policy, metering, &control, None).map(Arc::new)
    }

    /// Runs it alone in a process, and says what was not as it must be.
    pub(crate) fn alone(&self, launcher: &Launcher, code: &Arc<Compiled>) -> Result<(), String> {
        let dir = self.files.then(|| tempfile::tempdir().expect("a directory"));
        let policy = self.policy(Isolation::Process, dir.as_ref().map(tempfile::TempDir::path));
        let prepared = launcher.prepare_compiled(&policy, code).map_err(|rejection| rejection.message)?;
        self.ends_well(launcher, prepared, &policy)
    }

    /// The same from its module, in processes that have had to wait for it.
    pub(crate) fn after_waiting(&self, launcher: &Launcher) -> Result<(), String> {
        let policy = self.policy(Isolation::Process, None);
        let prepared = launcher.prepare(&policy).map_err(|rejection| rejection.message)?;
        thread::sleep(Duration::from_millis(50));
        self.ends_well(launcher, prepared, &policy)
    }

    fn ends_well(&self, launcher: &Launcher, prepared: Prepared, policy: &Arc<Policy>) -> Result<(), String> {
        let (mut stdout, write) = io::pipe().expect("a pipe");
        let reader = thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
        let mut streams = Streams { stdout: Output::Fd(write.into()), ..Streams::default() };
        if self.input {
            let (read, mut write) = io::pipe().expect("a pipe");
            streams.stdin = Input::Fd(read.into());
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(100));
                write.write_all(b"abc")
            });
        }
        let request = LaunchRequest {
            run: RunId(1),
            module: self.admitted(policy),
            entry: Entry::Command,
            name: "guest".into(),
            streams,
            since: Instant::now(),
        };
        let control = Control::new().expect("descriptors");
        let Report { outcome, .. } = launcher.run(prepared, request, &control, &mut |_| {});
        reader.join().expect("no panic").expect("a pipe is read");
        if (self.well)(&outcome) { Ok(()) } else { Err(format!("{}: {outcome:?}", self.name)) }
    }
}
