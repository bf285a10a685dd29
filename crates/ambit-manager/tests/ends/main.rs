//! How the end of a process becomes the outcome of a run, whatever that process does and says.
//!
//! This program is its own worker and compiler, which do nothing but what a [part](part) has them do: a guest that has taken over
//! its process does no less. Nothing here knows an engine.

mod compilers;
mod fake;
mod killed;
mod launch;
mod leaks;
mod liars;
#[path = "../../../../tests/cli/skipped.rs"]
mod skipped;
mod workers;

use std::process::ExitCode;

use ambit_jail::Purpose;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(purpose) = Purpose::of_this_process() {
        return fake::be(purpose);
    }
    if killed::is_victim() {
        return killed::victim();
    }
    let tests = [workers::tests(), compilers::tests(), liars::tests(), leaks::tests(), killed::tests()].concat();
    let tests = tests.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit_code()
}

/// Tests by name.
type Tests = Vec<(&'static str, fn())>;
