//! Puts the versions of the engines that Cargo.lock pins where their capability reports can say them.

use std::{env, fs, path::PathBuf};

fn main() {
    // Asked for when this runs, not when it is compiled: clones that share a target directory share this program.
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let lock = here.join("../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    println!("cargo::rerun-if-env-changed=CARGO_MANIFEST_DIR");
    let text = fs::read_to_string(lock).unwrap_or_default();
    for (variable, package, major) in [("AMBIT_WASMTIME_VERSION", "wasmtime", "48"), ("AMBIT_WASMI_VERSION", "wasmi", "2")] {
        let named = format!("name = \"{package}\"\nversion = \"");
        let version = text.split(&named).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(major);
        println!("cargo::rustc-env={variable}={version}");
    }
}
