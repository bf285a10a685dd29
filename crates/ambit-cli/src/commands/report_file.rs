//! Where a report goes.

use std::{fs::File, io::Write, path::PathBuf};

use ambit_core::Report;
use anyhow::Context as _;

/// Where a report goes: opened before the guest runs, written after.
pub(crate) enum ReportFile {
    Stderr,
    File(PathBuf, File),
}

impl ReportFile {
    /// Opens `path`, or takes stderr for `-`.
    pub(crate) fn open(path: PathBuf) -> Result<Self, String> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stderr);
        }
        match File::create(&path) {
            Ok(file) => Ok(Self::File(path, file)),
            Err(error) => Err(format!("cannot write the report `{}`: {error}", path.display())),
        }
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
