//! Where a report goes.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use ambit_core::Report;
use anyhow::Context as _;
use rustix::fs::OFlags;

/// Where a report goes: opened before the guest runs, written after.
pub(crate) enum ReportFile {
    Stderr,
    File(PathBuf, File),
}

impl ReportFile {
    /// Opens `path`, or takes stderr for `-`. What is there is replaced when there is a report, and not if it is one of `inputs`.
    pub(crate) fn open(path: PathBuf, inputs: &[&Path]) -> Result<Self, String> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stderr);
        }
        let failed = |error: &dyn std::fmt::Display| format!("cannot write the report `{}`: {error}", path.display());
        // Without waiting for somebody to read a pipe; to write to it may wait.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new().write(true).create(true).truncate(false).custom_flags(flags).open(&path);
        let file = file.map_err(|error| match error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) {
            true => failed(&"nobody reads that pipe"),
            false => failed(&error),
        })?;
        let status = rustix::fs::fcntl_getfl(&file).and_then(|flags| rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK));
        status.map_err(|error| failed(&error))?;
        let same = |input: &&&Path| {
            let files = file.metadata().ok().zip(std::fs::metadata(input).ok());
            files.is_some_and(|(ours, theirs)| ours.is_file() && (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()))
        };
        if let Some(input) = inputs.iter().find(same) {
            return Err(failed(&format!("that is `{}`, which the run reads; name another file", input.display())));
        }
        Ok(Self::File(path, file))
    }

    /// Writes the report if it goes to a file.
    pub(crate) fn write_file(&self, report: &Report) -> anyhow::Result<()> {
        let Self::File(path, file) = self else { return Ok(()) };
        // Whatever the guest has written into it meanwhile, if it could. Devices and pipes cannot be cut.
        let _ = file.set_len(0);
        let mut file: &File = file;
        file.write_all(text(report)?.as_bytes()).with_context(|| format!("cannot write the report `{}`", path.display()))
    }
}

/// The report as JSON.
pub(crate) fn text(report: &Report) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&report.view())? + "\n")
}
