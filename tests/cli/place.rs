//! A directory of a test's own, with the store that its commands use.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::ambit::{Ambit, Done, ambit};

pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn at(&self, command: Ambit) -> Done {
        command.env("AMBIT_STORE", self.path("store")).done()
    }

    pub(crate) fn does(&self, words: &[&str]) -> Done {
        self.at(ambit(words))
    }

    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let done = self.does(words);
        assert_eq!(done.status, 0, "{words:?}: {done:?}");
        done.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[words, &["--json"]].concat())).expect("JSON")
    }
}
