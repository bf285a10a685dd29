//! `ambit completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, output};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ambit completions bash > ~/.local/share/bash-completion/completions/ambit")]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ambit", &mut script);
    output::raw(&script)?;
    Ok(0)
}
