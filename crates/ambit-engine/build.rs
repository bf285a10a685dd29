//! Puts the version of Wasmtime that Cargo.lock pins where the engine's capability report can say it.

use std::{env, fs, path::PathBuf};

fn main() {
    // Asked for when this runs, not when it is compiled: clones that share a target directory share this program.
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let lock = here.join("../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    println!("cargo::rerun-if-env-changed=CARGO_MANIFEST_DIR");
    let text = fs::read_to_string(lock).unwrap_or_default();
    let version = text.split("name = \"wasmtime\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("48");
    println!("cargo::rustc-env=AMBIT_WASMTIME_VERSION={version}");
}
