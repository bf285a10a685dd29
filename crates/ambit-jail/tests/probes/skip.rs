//! What cannot be tried here is said.

use std::{env, fs::OpenOptions, io::Write as _};

/// Says that a test, or part of one, cannot be made here.
pub(crate) fn skip(test: &str, reason: &str) {
    let Some(path) = env::var_os("AMBIT_SKIPPED") else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the file AMBIT_SKIPPED names");
    writeln!(file, "SKIPPED: {test}: {reason}").expect("one line");
}

/// Whether this is root, who may do outside what others may not.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
