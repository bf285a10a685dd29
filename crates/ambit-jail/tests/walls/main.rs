//! The walls hold, and hold nothing else: what a list denies kills, what it allows works, and each attempt succeeds without
//! the wall, so that it is the wall that stopped it.
//!
//! Each attempt is a process of its own: this program started again, with the attempt's name.

mod arguments;
mod attempt;
mod calls;
mod landlock;
mod needed;
mod ordinary;
mod own;
mod raw;
mod table;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A test: its name, and what it does.
type Test = (&'static str, fn());

const TESTS: &[&[Test]] =
    &[calls::TESTS, arguments::TESTS, ordinary::TESTS, needed::TESTS, own::TESTS, landlock::TESTS, table::TESTS];

fn main() -> ExitCode {
    if let Some(attempt) = attempt::asked_for() {
        attempt::make(&attempt);
        return ExitCode::SUCCESS;
    }
    let trials = TESTS.iter().copied().flatten().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
