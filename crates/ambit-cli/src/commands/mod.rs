//! One file a verb.

pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod engines;
pub(crate) mod finish;
pub(crate) mod image;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod limits;
pub(crate) mod man;
pub(crate) mod module_source;
pub(crate) mod outcome_text;
pub(crate) mod read_in_time;
pub(crate) mod read_module;
pub(crate) mod repeat;
pub(crate) mod report_file;
pub(crate) mod run;
pub(crate) mod sign;
pub(crate) mod signed;
pub(crate) mod small_file;
pub(crate) mod store;
pub(crate) mod validate;
pub(crate) mod verify;

use crate::cli::{Cli, Command};

/// Exit status of a failure of our own.
pub(crate) const FAILED: u8 = 125;
/// Exit status of a wrong command line or configuration.
pub(crate) const USAGE: u8 = 2;

/// Runs the verb. `Err` is a failure of our own; everything that is about the guest is an exit status.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Limits(args) => limits::run(&args),
        Command::Engines(args) => engines::run(&args),
        Command::Store(args) => store::run(*args),
        Command::Key(args) => key::run(*args),
        Command::Sign(args) => sign::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Build(args) => image::build::run(&args),
        Command::Pull(args) => image::pull::run(&args),
        Command::Push(args) => image::push::run(&args),
        Command::Tag(args) => image::tag::run(&args),
        Command::Images(args) => image::images::run(&args),
        Command::Rmi(args) => image::rmi::run(&args),
        Command::Export(args) => image::export::run(&args),
        Command::Import(args) => image::import::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
