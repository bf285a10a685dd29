//! Figures that a program of benches/ measures in its own process, ours and its partner's in turn.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::{figure::Sample, release::release};
use crate::repo::Repo;

/// One line of what it prints.
#[derive(Debug, Deserialize)]
struct Line {
    name: String,
    unit: String,
    ours: f64,
    partner: Option<f64>,
}

/// Builds and runs the program for one figure.
pub(super) fn bench(repo: &Repo, name: &str) -> anyhow::Result<Sample> {
    let mut command = Command::new(release(repo, "figures")?);
    // Errors that nobody sees would each have a backtrace taken, on both sides.
    command.env_remove("RUST_BACKTRACE");
    let output = command.arg(name).stderr(Stdio::inherit()).output().context("cannot run the program that measures it")?;
    if !output.status.success() {
        bail!("the program that measures it ended with {}", output.status);
    }
    parse(&String::from_utf8_lossy(&output.stdout), name)
}

/// The line about `name`.
fn parse(output: &str, name: &str) -> anyhow::Result<Sample> {
    for line in output.lines().filter(|line| line.trim_start().starts_with('{')) {
        let line: Line = serde_json::from_str(line).with_context(|| format!("the program that measures it printed `{line}`"))?;
        if line.name == name {
            return Ok(Sample::Value { ours: line.ours, partner: line.partner, unit: line.unit });
        }
    }
    bail!("the program that measures it said nothing about `{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let output = "warming up\n{\"name\":\"a\",\"unit\":\"ns\",\"ours\":3,\"partner\":2.5}\n{\"name\":\"b\",\"unit\":\"MB/s\",\"ours\":150.5}\n";
        let value = |ours, partner, unit: &str| Sample::Value { ours, partner, unit: unit.into() };
        assert_eq!(parse(output, "a").expect("there"), value(3.0, Some(2.5), "ns"));
        assert_eq!(parse(output, "b").expect("there"), value(150.5, None, "MB/s"));
        assert!(parse(output, "c").is_err_and(|error| error.to_string().contains("nothing about `c`")));
        assert!(parse("{\"name\":\"a\"}", "a").is_err());
    }
}
