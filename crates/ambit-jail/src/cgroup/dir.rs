//! A group's directory and the control files in it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use ambit_core::Layer;

use crate::JailError;

/// A group's directory in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dir(PathBuf);

impl Dir {
    pub(super) fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn child(&self, name: &str) -> Self {
        Self(self.0.join(name))
    }

    /// Makes the group. Fails if there is one already.
    pub(super) fn make(&self) -> Result<(), JailError> {
        fs::create_dir(&self.0).map_err(|error| self.failed("make the control group", &error))
    }

    /// Removes the group, unless there are processes or groups in it. One that is gone is removed.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    pub(super) fn has(&self, file: &str) -> bool {
        self.0.join(file).exists()
    }

    pub(super) fn read(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(self.0.join(file))
    }

    /// What a file with nothing but a number holds.
    pub(super) fn number(&self, file: &str) -> Option<u64> {
        self.read(file).ok()?.trim_end().parse().ok()
    }

    /// The number after `key` in a file of lines `key number`.
    pub(super) fn keyed(&self, file: &str, key: &str) -> Option<u64> {
        keyed(&self.read(file).ok()?, key)
    }

    /// Opened without `O_CREAT`, which the file system of groups answers with `EACCES` where there is no such file.
    pub(super) fn open(&self, file: &str) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.0.join(file))
    }

    pub(super) fn try_write(&self, file: &str, value: &str) -> io::Result<()> {
        self.open(file)?.write_all(value.as_bytes())
    }

    pub(super) fn write(&self, file: &str, value: &str) -> Result<(), JailError> {
        self.try_write(file, value).map_err(|error| self.failed_to_write(file, value, &error))
    }

    /// The same, but a kernel that knows no such file is content.
    pub(super) fn write_if_there(&self, file: &str, value: &str) -> Result<(), JailError> {
        match self.try_write(file, value) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            written => written.map_err(|error| self.failed_to_write(file, value, &error)),
        }
    }

    pub(super) fn failed_to_write(&self, file: &str, value: &str, error: &io::Error) -> JailError {
        JailError::new(Layer::Cgroup, format!("write `{value}` to {}", self.0.join(file).display()), error)
    }

    pub(super) fn failed(&self, what: &str, error: &io::Error) -> JailError {
        JailError::new(Layer::Cgroup, format!("{what} {}", self.0.display()), error)
    }
}

/// A group that was just made. Unless it is kept it is removed again, so that what fails half-way leaves nothing behind.
pub(super) struct Made(Option<Dir>);

impl Made {
    pub(super) fn child(parent: &Dir, name: &str) -> Result<Self, JailError> {
        let dir = parent.child(name);
        dir.make()?;
        Ok(Self(Some(dir)))
    }

    /// The same, only to see whether groups can be made there: the error does not name one that nobody asked for.
    pub(super) fn probe(parent: &Dir, name: &str) -> Result<Self, JailError> {
        let dir = parent.child(name);
        fs::create_dir(&dir.0).map_err(|error| parent.failed("make control groups in", &error))?;
        Ok(Self(Some(dir)))
    }

    pub(super) fn keep(mut self) -> Dir {
        self.0.take().expect("taken only here")
    }
}

impl std::ops::Deref for Made {
    type Target = Dir;

    fn deref(&self) -> &Dir {
        self.0.as_ref().expect("taken only when kept")
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // Nothing ever ran in it, so nothing keeps it.
        let _ = self.0.as_ref().map(Dir::remove);
    }
}

fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_keys() {
        let check = |key: &str, expect: Option<u64>| {
            let text = "oom 3\noom_kill 2\noom_group_kill 1\nusage_usec 18446744073709551615\nbad -1\nlast";
            assert_eq!(keyed(text, key), expect, "{key}");
        };
        check("oom", Some(3));
        check("oom_kill", Some(2));
        check("usage_usec", Some(u64::MAX));
        for nothing in ["oom_", "kill", "bad", "last", ""] {
            check(nothing, None);
        }
    }
}
