//! What is said of a run that is over.

use std::io::{self, Write};

use ambit_core::{ArtifactSource, LimitKey, Outcome, Report};

use super::{
    outcome_text,
    report_file::{self, ReportFile},
};
use crate::output;

/// How much is said.
pub(crate) struct Talk {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

/// Prints results and what there is to say, writes the report, and gives the exit status: that of the run, whether anybody reads
/// what is said of it or not.
pub(crate) fn finish(talk: &Talk, file: Option<ReportFile>, report: Report) -> anyhow::Result<u8> {
    // First of all: talk may find nobody to listen, or block on somebody who does not.
    let written = file.as_ref().map_or(Ok(()), |file| file.write_file(&report));
    let results = tell_results(&report);
    tell(talk, &report);
    for said in [results, tell_report(file.as_ref(), &report), written] {
        match said {
            Err(error) if !output::is_broken_pipe(&error) => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(report.outcome.exit_status())
}

fn tell_results(report: &Report) -> anyhow::Result<()> {
    for value in &report.results {
        output::data(&value.to_string())?;
    }
    report.value.as_ref().map_or(Ok(()), |value| output::data(&value.to_string()))
}

fn tell(talk: &Talk, report: &Report) {
    if !talk.quiet {
        for violation in &report.violations {
            output::note(&outcome_text::violation(violation));
        }
    }
    // A guest that exits has said itself what it had to say.
    if !matches!(report.outcome, Outcome::Exited { .. }) {
        let text = outcome_text::describe(&report.outcome);
        output::error(if talk.quiet { text.lines().next().unwrap_or_default() } else { &text });
    }
    if let (Outcome::Exited { code }, 255, false) = (&report.outcome, report.outcome.exit_status(), talk.quiet)
        && *code != 255
    {
        output::note(&format!("the guest's exit code is {code}, which no process can have; the exit status is 255"));
    }
    if talk.verbose {
        output::note(&usage(report));
    }
}

fn tell_report(file: Option<&ReportFile>, report: &Report) -> anyhow::Result<()> {
    if let Some(ReportFile::Stderr) = file {
        io::stderr().write_all(report_file::text(report)?.as_bytes())?;
    }
    Ok(())
}

/// What was used, in one line, after the exit code if there is one.
fn usage(report: &Report) -> String {
    let usage = &report.usage;
    let millis = |name: &str, nanos: Option<u64>| nanos.map(|nanos| format!("{name} {:.1} ms", nanos as f64 / 1e6));
    let size = |name: &str, key: LimitKey, bytes: Option<u64>| bytes.map(|bytes| format!("{name} {}", key.show(bytes)));
    // What is no exit has been said already.
    let exit = matches!(report.outcome, Outcome::Exited { .. }).then(|| outcome_text::describe(&report.outcome));
    let parts = [
        exit,
        millis("wall", usage.wall_ns),
        millis("cpu", usage.cpu_ns),
        millis("compile", usage.compile_ns),
        (report.artifact == Some(ArtifactSource::Cached)).then(|| "compiled before".into()),
        usage.fuel.map(|fuel| format!("fuel {fuel}")),
        size("peak memory", LimitKey::Memory, usage.peak_memory_bytes),
        size("output", LimitKey::Output, usage.output_bytes),
        size("disk", LimitKey::Disk, usage.disk_bytes),
        usage.host_calls.map(|calls| format!("host calls {calls}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
