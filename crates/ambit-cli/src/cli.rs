//! The command line.

use clap::{
    Parser, Subcommand,
    builder::styling::{AnsiColor, Styles},
};

use crate::commands::{
    completions, diff, doctor, engines,
    image::{build, export, images, import, pull, push, rmi, tag},
    inspect, key, limits, man, run, sign, store, validate, verify,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Runs WebAssembly that you did not write and do not trust, within bounds that hold.
#[derive(Debug, Parser)]
#[command(name = "ambit", version, styles = STYLES, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Start with:\n  ambit run program.wasm\n  ambit inspect program.wasm\n  ambit limits")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program, or call one of its functions, within limits
    Run(Box<run::Args>),
    /// Show what a module is, needs and could ask for, without running it
    Inspect(inspect::Args),
    /// Check that a module would be admitted
    Validate(validate::Args),
    /// Keep modules by name, version and digest, and look after them
    Store(Box<store::Args>),
    /// Make keys, say whose signatures count, and where there must be one
    Key(Box<key::Args>),
    /// Sign a module
    Sign(sign::Args),
    /// Say who has signed a module, and whether that is enough
    Verify(verify::Args),
    /// Show what one module can do that another cannot
    Diff(diff::Args),
    /// Pack a module into an image; it compiles nothing
    Build(Box<build::Args>),
    /// Pull an image from its registry into the store
    Pull(Box<pull::Args>),
    /// Push an image of the store to its registry
    Push(Box<push::Args>),
    /// Give an image, or a module of the store, an image's name
    Tag(tag::Args),
    /// List the images of the store
    Images(images::Args),
    /// Remove an image from the store; whoever runs it goes on
    Rmi(rmi::Args),
    /// Write an image as an OCI layout, a directory or an archive
    Export(export::Args),
    /// Read images from an OCI layout into the store
    Import(import::Args),
    /// List every limit: unit, default, range, and who enforces it
    Limits(limits::Args),
    /// List the engines and what they can do
    Engines(engines::Args),
    /// Say which layers of isolation this machine gives, and what to change to get the rest
    Doctor(doctor::Args),
    /// Write shell completions to stdout
    Completions(completions::Args),
    /// Write manual pages, one for each verb
    Man(man::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
