//! Runs the binary under test.

use std::{
    ffi::{OsStr, OsString},
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

/// The levels of isolation that a run can have.
pub(crate) const LEVELS: [&str; 2] = ["none", "process"];

/// A command line of `ambit`.
#[derive(Clone)]
pub(crate) struct Ambit {
    words: Vec<OsString>,
    /// The levels that it is tried at; none if it is no run, or says itself at which.
    levels: &'static [&'static str],
    env: Vec<(String, OsString)>,
    stdin: Option<Vec<u8>>,
}

/// What it did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `ambit` with these words.
pub(crate) fn ambit(words: &[&str]) -> Ambit {
    Ambit { words: words.iter().map(OsString::from).collect(), levels: &[], env: Vec::new(), stdin: None }
}

/// `ambit run` with these words at every level of isolation, which must all do the same: wherever a guest runs, it is the same
/// command to whoever uses it. Figures may differ.
pub(crate) fn run(words: &[&str]) -> Ambit {
    Ambit { levels: &LEVELS, ..ambit(&[&["run"], words].concat()) }
}

/// `ambit run` with these words at one level.
pub(crate) fn run_at(level: &str, words: &[&str]) -> Ambit {
    ambit(&[&["run", "--isolation", level], words].concat())
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

impl Ambit {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().into()));
        self
    }

    /// One more word, which need be no text.
    pub(crate) fn word(mut self, word: &OsStr) -> Self {
        self.words.push(word.into());
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The command itself, for what this door does not do: of a run that says its level itself.
    pub(crate) fn into_command(self) -> Command {
        assert!(self.levels.is_empty(), "one command at one level");
        self.command()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(crate::program::program());
        command.args(&self.words).env_clear().env("PATH", "/usr/bin:/bin").envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(root());
        command
    }

    fn at(&self, level: &str) -> Self {
        let mut at = Self { levels: &[], ..self.clone() };
        at.words.splice(1..1, ["--isolation".into(), level.into()]);
        at
    }

    #[track_caller]
    pub(crate) fn done(self) -> Done {
        let mut levels = self.levels.iter();
        let Some(level) = levels.next() else { return self.once() };
        let mut first = self.at(level).once();
        for other in levels {
            let done = self.at(other).once();
            assert!(first.is_like(&done), "{level}: {first:#?}\n{other}: {done:#?}");
            first = done;
        }
        first
    }

    fn once(self) -> Done {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().expect("the binary starts");
        let writer = self.stdin.map(|bytes| {
            let mut pipe = child.stdin.take().expect("piped");
            // A guest that does not read is no failure of the test.
            thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
        if let Some(writer) = writer {
            writer.join().expect("it does not panic");
        }
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Done { status: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Done {
    /// Whether this is the same as another but for figures.
    fn is_like(&self, other: &Self) -> bool {
        let like = |one: &str, other: &str| without_figures(one) == without_figures(other);
        self.status == other.status && like(&self.stdout, &other.stdout) && like(&self.stderr, &other.stderr)
    }

    /// It exited so and said this on stderr.
    #[track_caller]
    pub(crate) fn says(&self, status: i32, parts: &[&str]) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "stderr lacks {part:?}: {self:#?}");
        }
        self
    }

    /// It said nothing on stderr.
    #[track_caller]
    pub(crate) fn is_silent(&self) {
        assert_eq!(self.stderr, "", "{self:?}");
    }

    /// It exited with 0, printed this, and said nothing.
    #[track_caller]
    pub(crate) fn prints(&self, stdout: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (0, stdout, ""), "{self:?}");
    }
}

/// The text with each number as `#`, without its unit: what takes 900 ms at one time takes 1 s at another.
fn without_figures(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        out.push('#');
        rest = rest[start..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        rest = ["ns", "µs", "ms", "s"].iter().find_map(|unit| rest.strip_prefix(unit)).unwrap_or(rest);
    }
    out + rest
}
