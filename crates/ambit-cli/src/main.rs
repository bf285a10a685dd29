//! The `ambit` command: runs WebAssembly that you did not write, within bounds that hold.
//!
//! Exit status: the guest's own, or one of the fixed ones of [`ambit_core::Outcome::exit_status`]; 2 for a wrong command
//! line, 125 for a failure of Ambit's own.

mod cli;
mod commands;
mod engines;
mod output;
mod policy;
mod registry_args;
mod signals;
mod spinner;
mod store_args;
mod table;
mod tips;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

fn main() -> ExitCode {
    // Before a thread is started, or an argument or variable read: a jailed process is nothing but what it was spawned for.
    if let Some(purpose) = ambit_worker::personality() {
        return ambit_worker::be(purpose);
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = cli::Cli::try_parse_from(&words).unwrap_or_else(|mut error| {
        tips::add(&mut error, &words);
        error.exit()
    });
    match commands::dispatch(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&format!("{error:#}"));
            ExitCode::from(commands::FAILED)
        }
    }
}
