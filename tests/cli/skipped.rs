//! Tests that need what a machine may lack.

use std::{fs::OpenOptions, io::Write};

/// Says that a test was skipped, and why: `SKIPPED: test: reason`.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED: {test}: {reason}");
    if let Some(path) = std::env::var_os("AMBIT_SKIPPED") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the list of skipped tests can be written");
        writeln!(file, "{line}").expect("written");
    }
}
