//! Runs `manifest` in a fuzzing engine; see fuzz/README.md.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ambit_fuzz::manifest(bytes));

#[cfg(not(fuzzing))]
fn main() {}
