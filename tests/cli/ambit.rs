//! Runs the binary under test.

use std::{
    ffi::OsStr,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

/// A command line of `ambit`.
pub(crate) struct Ambit {
    command: Command,
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_ambit"));
    command.args(words).env_clear().env("PATH", "/usr/bin:/bin").current_dir(root());
    Ambit { command, stdin: None }
}

/// `ambit run --isolation none` with these words: no note about isolation.
pub(crate) fn run(words: &[&str]) -> Ambit {
    ambit(&[&["run", "--isolation", "none"], words].concat())
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

impl Ambit {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// One more word, which need be no text.
    pub(crate) fn word(mut self, word: &OsStr) -> Self {
        self.command.arg(word);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The command itself, for what this door does not do.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    pub(crate) fn done(mut self) -> Done {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = self.command.spawn().expect("the binary starts");
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
