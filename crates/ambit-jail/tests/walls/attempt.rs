//! One attempt in a process of its own, and how it ended.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

use ambit_core::EngineId;
use ambit_jail::{ExtraSyscalls, Phase, SyscallPolicy, Use};

use crate::{arguments, calls, landlock, needed, ordinary, own};

/// The variables by which a process learns what it is to attempt, behind which walls, and with what.
const ATTEMPT: &str = "AMBIT_WALLS_ATTEMPT";
const WALL: &str = "AMBIT_WALLS_WALL";
pub(crate) const WITH: &str = "AMBIT_WALLS_WITH";

/// What is attempted.
#[derive(Clone, Copy)]
pub(crate) enum Attempt {
    /// One call behind the wall; gives its result.
    Call(fn() -> i64),
    /// Something that first prepares itself, then puts the wall up, and says how it went.
    Whole(fn(&Wall) -> String),
}

/// Attempts by name.
pub(crate) type Attempts = &'static [(&'static str, Attempt)];

const ATTEMPTS: &[Attempts] =
    &[calls::ATTEMPTS, arguments::ATTEMPTS, ordinary::ATTEMPTS, own::ATTEMPTS, landlock::ATTEMPTS, needed::ATTEMPTS];

/// What stands around an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wall {
    list: Option<(EngineId, Use)>,
    files: bool,
    phases: Vec<Phase>,
    without: Option<String>,
    extra: ExtraSyscalls,
}

impl Wall {
    /// No wall.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// A list as it is while a guest runs, without files.
    pub(crate) fn running(engine: EngineId, use_: Use) -> Self {
        let phases = if use_ == Use::Process { vec![Phase::Loading, Phase::Running] } else { vec![Phase::Running] };
        Self { list: Some((engine, use_)), phases, ..Self::default() }
    }

    /// The list of a process that still maps its artifact.
    pub(crate) fn loading(engine: EngineId) -> Self {
        Self { list: Some((engine, Use::Process)), phases: vec![Phase::Loading], ..Self::default() }
    }

    pub(crate) fn with_files(self) -> Self {
        Self { files: true, ..self }
    }

    pub(crate) fn without(self, name: &str) -> Self {
        Self { without: Some(name.to_owned()), ..self }
    }

    pub(crate) fn with(self, extra: ExtraSyscalls) -> Self {
        Self { extra, ..self }
    }

    /// Every list there is, as it is while a guest runs.
    pub(crate) fn each() -> Vec<Self> {
        use EngineId::{Wasmi, Wasmtime};
        use Use::{Compiler, Process, Tenant};
        let lists = [(Wasmtime, Process), (Wasmtime, Tenant), (Wasmtime, Compiler), (Wasmi, Process), (Wasmi, Tenant)];
        lists.into_iter().map(|(engine, use_)| Self::running(engine, use_).with_files()).collect()
    }

    /// As it is told to the process.
    fn write(&self) -> String {
        let Self { list, files, phases, without, extra: ExtraSyscalls { allow, deny } } = self;
        let Some((engine, use_)) = list else { return String::new() };
        let (allow, deny, without) = (allow.join(","), deny.join(","), without.as_deref().unwrap_or_default());
        format!("{engine};{use_:?};{files};{phases:?};{without};{allow};{deny}")
    }

    /// What [`Wall::write`] wrote.
    fn read(text: &str) -> Self {
        let fields: Vec<&str> = text.split(';').collect();
        let [engine, use_, files, phases, without, allow, deny] = fields[..] else { return Self::none() };
        let use_ = match use_ {
            "Process" => Use::Process,
            "Tenant" => Use::Tenant,
            _ => Use::Compiler,
        };
        let names = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let phase = |phase: Phase| phases.contains(&format!("{phase:?}")).then_some(phase);
        Self {
            list: Some((engine.parse().expect("an engine"), use_)),
            files: files == "true",
            phases: [Phase::Loading, Phase::Running].into_iter().filter_map(phase).collect(),
            without: Some(without.to_owned()).filter(|name| !name.is_empty()),
            extra: ExtraSyscalls { allow: names(allow), deny: names(deny) },
        }
    }

    /// Puts it up around this process.
    pub(crate) fn put_up(&self) {
        let Some((engine, use_)) = self.list else { return };
        let mut policy = SyscallPolicy::of(engine, use_, self.files).with(&self.extra).expect("known calls");
        if let Some(name) = &self.without {
            // A call, or one of the ways in which it is allowed.
            policy = match name.split_once('#') {
                None => policy.without(name),
                Some((name, number)) => {
                    let rule = policy.rules().filter(|rule| rule.name == name).nth(number.parse().expect("a number"));
                    let rule = *rule.expect("so many ways");
                    policy.without_rules(|other| *other == rule)
                }
            };
        }
        for phase in &self.phases {
            policy.install(*phase).expect("the kernel takes the filter");
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It went on, with this result.
    Went(String),
    /// A signal ended it.
    Killed(i32),
}

impl End {
    /// What a list does to a call it does not have.
    pub(crate) const SIGSYS: Self = Self::Killed(libc::SIGSYS);

    /// Whether the call came to be made, with whatever result but that there is no such call.
    pub(crate) fn was_answered(&self) -> bool {
        matches!(self, Self::Went(result) if *result != format!("-{}", libc::ENOSYS))
    }
}

/// Makes an attempt behind a wall.
pub(crate) fn attempt(name: &str, wall: &Wall) -> End {
    attempt_with(name, wall, "")
}

/// The same with something for the attempt to work on.
pub(crate) fn attempt_with(name: &str, wall: &Wall, with: &str) -> End {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.env_clear().env(ATTEMPT, name).env(WALL, wall.write()).env(WITH, with);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().expect("start the attempt");
    match output.status.signal() {
        Some(signal) => End::Killed(signal),
        None => {
            assert!(output.status.success(), "{name}: {}", output.status);
            End::Went(String::from_utf8_lossy(&output.stdout).into_owned())
        }
    }
}

/// The attempt that this process is for.
pub(crate) fn asked_for() -> Option<String> {
    env::var(ATTEMPT).ok()
}

/// Makes it.
pub(crate) fn make(name: &str) {
    let (_, attempt) = ATTEMPTS.iter().copied().flatten().find(|(other, _)| *other == name).expect("an attempt");
    let wall = Wall::read(&env::var(WALL).unwrap_or_default());
    let result = match attempt {
        Attempt::Call(call) => {
            wall.put_up();
            call().to_string()
        }
        Attempt::Whole(whole) => whole(&wall),
    };
    io::stdout().write_all(result.as_bytes()).expect("say how it went");
}

/// Says that a test, or part of one, cannot be made here.
pub(crate) fn skip(test: &str, reason: &str) {
    let Some(path) = env::var_os("AMBIT_SKIPPED") else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the file AMBIT_SKIPPED names");
    writeln!(file, "SKIPPED: {test}: {reason}").expect("one line");
}
