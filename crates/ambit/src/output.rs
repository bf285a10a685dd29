//! What a program left behind.

use std::borrow::Cow;

use ambit_core::{Outcome, Report, Usage, Violation};
use ambit_runtime::Finished;

use crate::error::Error;

/// What a program left behind: what it wrote, how it ended, what it used and tried.
///
/// A guest's failure is data: there is one also if it trapped or a limit ended it, with what it had written by then.
#[derive(Debug, Clone)]
pub struct Output {
    finished: Finished,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    log: Vec<String>,
}

impl Output {
    pub(crate) fn new(finished: Finished, stdout: Vec<u8>, stderr: Vec<u8>, log: Vec<String>) -> Self {
        Self { finished, stdout, stderr, log }
    }

    /// What it wrote to standard output, unless that was sent elsewhere.
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// The same as text; what is no UTF-8 is replaced. It is the guest's: escape it before it reaches a terminal.
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// What it wrote to standard error, unless that was sent elsewhere.
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }

    /// The same as text; what is no UTF-8 is replaced. It is the guest's: escape it before it reaches a terminal.
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// Messages of `env.log`, each a single line, escaped, unless they were sent elsewhere.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        self.finished.outcome()
    }

    /// Its exit code, if it ended of itself.
    pub fn exit_code(&self) -> Option<i32> {
        match self.outcome() {
            Outcome::Exited { code } => Some(*code),
            _ => None,
        }
    }

    /// What it used.
    pub fn usage(&self) -> &Usage {
        self.finished.usage()
    }

    /// What it attempted beyond its grants and limits.
    pub fn violations(&self) -> &[Violation] {
        self.finished.violations()
    }

    /// The full account.
    pub fn report(&self) -> Report {
        self.finished.report()
    }

    /// This, if the program ended of itself with code 0.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn success(self) -> Result<Self, Error> {
        if self.outcome().is_success() { Ok(self) } else { Err(Error::ended("the program", self.finished)) }
    }
}
