//! Every hostile guest of the catalogue, through admission and the runtime, one test a row.
//!
//! A row passes if the guest gets the outcome the catalogue names, the host goes on, and the next guest in the same
//! runtime is unharmed; and if the same attack *succeeds* once its limit is lifted or its grant given, so that the row
//! cannot pass for the wrong reason. What is decided here is decided by outcomes, never by a module's name.

mod bytes;
mod catalogue;
#[path = "../door.rs"]
mod door;
mod fixture;
mod host;
mod row;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Rows look at this process's memory: one at a time, unless every row has a process of its own.
    arguments.test_threads.get_or_insert(1);
    let rows = catalogue::read();
    let trials = rows
        .into_iter()
        .filter(|row| !row.scripted)
        .map(|row| Trial::test(row.id.clone(), move || row::check(&row).map_err(Into::into)))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
