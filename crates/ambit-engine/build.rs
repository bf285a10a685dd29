//! Puts the version of Wasmtime that Cargo.lock pins where the engine's capability report can say it.

fn main() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    println!("cargo::rerun-if-changed={lock}");
    let text = std::fs::read_to_string(lock).unwrap_or_default();
    let version = text.split("name = \"wasmtime\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("48");
    println!("cargo::rustc-env=AMBIT_WASMTIME_VERSION={version}");
}
