//! Tests that must not share their process with others.

use std::process::Command;

/// Whether this process runs the test of this name alone: one that measures its memory, or keeps
/// the compiler busy for long. If not, one is started that does.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "AMBIT_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let this = std::env::current_exe().expect("a program");
    let output = Command::new(this).args([test, "--exact"]).env(ALONE, "1").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}
