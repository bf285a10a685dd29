//! `cargo xtask`: see `cargo xtask --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use xtask::{FiguresArgs, MutateArgs, Repo, data, figures, mutate_limits, talk, tidy};

/// The project's own chores
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Cli {
    /// Check the house rules: arrows between crates, file sizes, unsafe code, links, digests; also run as a test
    Tidy,
    /// Measure again every figure that SPECIFICATION.md promises
    Figures(FiguresArgs),
    /// Take each limit's enforcement out in turn, and expect a test to fail
    MutateLimits(MutateArgs),
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            talk(&format!("xtask: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Whether all is as it should be.
fn run(cli: &Cli) -> anyhow::Result<bool> {
    let repo = Repo::here()?;
    match cli {
        Cli::Tidy => {
            let findings = tidy(&repo)?;
            for finding in &findings {
                data(&finding.to_string());
            }
            Ok(findings.iter().all(|finding| finding.warning))
        }
        Cli::Figures(args) => figures(&repo, args),
        Cli::MutateLimits(args) => mutate_limits(&repo, args),
    }
}
