//! Where everything that is printed goes through: stdout is data, stderr is talk.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();

/// A line of data.
pub(crate) fn data(line: &str) -> anyhow::Result<()> {
    writeln!(anstream::stdout(), "{line}")?;
    Ok(())
}

/// A value as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    data(&serde_json::to_string_pretty(value)?)
}

/// Bytes of data, as they are.
pub(crate) fn raw(bytes: &[u8]) -> anyhow::Result<()> {
    io::stdout().write_all(bytes)?;
    Ok(())
}

/// A line on stderr. If nobody can read it, nobody does: that is no reason to fail, let alone to panic.
fn talk(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// What went wrong.
pub(crate) fn error(message: &str) {
    talk(&format!("{ERROR}ambit:{ERROR:#} {message}"));
}

/// Something worth knowing.
pub(crate) fn note(message: &str) {
    talk(&format!("{NOTE}ambit:{NOTE:#} {message}"));
}

/// A heading, in bold on a terminal.
pub(crate) fn heading(text: &str) -> anyhow::Result<()> {
    let bold = Style::new().bold();
    data(&format!("{bold}{text}{bold:#}"))
}

/// Whether the reader of our output has gone, which is no failure.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}
