//! What a process does once it is in its jail: compile a module, or run guests.
//!
//! The program that spawns jailed processes is the program that they run: its `main` asks [`personality`] before anything else.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     if let Some(purpose) = ambit_worker::personality() {
//!         return ambit_worker::be(purpose);
//!     }
//!     // … what it is otherwise
//!     # std::process::ExitCode::SUCCESS
//! }
//! ```

mod alone;
mod artifact;
mod compiler;
mod engine;
mod error;
mod host;
mod panic;
mod tenant;

use std::process::ExitCode;

use ambit_jail::{Purpose, begin};

/// What this process is for, if it was spawned into a jail: to be asked before a thread is started, or arguments or the
/// environment are read.
pub fn personality() -> Option<Purpose> {
    Purpose::of_this_process()
}

/// Does what a process of this purpose does, and says how it went: 0 if everything that there was to say has been said over
/// the control socket.
pub fn be(purpose: Purpose) -> ExitCode {
    let Ok(channel) = begin() else {
        // Started by hand under such a name: there is nobody to tell.
        return ExitCode::from(2);
    };
    let sender = channel.sender().clone();
    panic::tell_and_abort(purpose, sender.clone());
    let done = match purpose {
        Purpose::Compiler => compiler::run(channel),
        Purpose::Process => alone::run(channel),
        Purpose::Tenant => tenant::run(channel),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.tell(purpose, &sender);
            ExitCode::FAILURE
        }
    }
}
