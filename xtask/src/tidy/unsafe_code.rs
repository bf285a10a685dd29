//! Where unsafe code may stand.

use super::Finding;
use crate::rust_source::tokens;

/// Files, and directories ending in `/`, in which unsafe code may stand; each is named in SECURITY.md.
const ALLOWED: &[&str] = &[
    // Loads artifacts: native code that our own compiler made.
    "crates/ambit-engine/src/wasmtime/program.rs",
    "crates/ambit-engine/src/wasmtime/mapped.rs",
    "crates/ambit-engine/src/code_file.rs",
    "crates/ambit-worker/src/artifact.rs",
    // Buffers that a guest's exported functions share.
    "crates/ambit-guest/src/room.rs",
    // Wasmer's tunables and loader.
    "crates/ambit-engine/src/wasmer/",
    // System calls.
    "crates/ambit-jail/src/sys/",
    // System calls that nobody should make, made by tests.
    "crates/ambit-jail/tests/walls/raw.rs",
    // Memory by its address, in tests that play native code.
    "crates/ambit-jail/tests/probes/touch.rs",
];

/// Checks a source file. Guests are not ours to run as native code: what they contain is bounded anyway.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    if !path.ends_with(".rs") || path.starts_with("guests/") || allowed(path) {
        return Vec::new();
    }
    let found = tokens(text).into_iter().filter(|token| token.text == "unsafe");
    found
        .map(|token| Finding::new(path, token.line, "unsafe code outside the files listed in xtask/src/tidy/unsafe_code.rs"))
        .collect()
}

fn allowed(path: &str) -> bool {
    ALLOWED.iter().any(|place| if place.ends_with('/') { path.starts_with(place) } else { path == *place })
}

#[cfg(test)]
mod tests {
    use super::{super::check::check as expect, *};

    #[test]
    fn unsafe_stands_only_where_it_may() {
        let code = "// unsafe\nlet x = \"unsafe\";\n#![expect(unsafe_code)]\nunsafe { f() }\n";
        expect(&check("crates/ambit-core/src/a.rs", code), &[(4, "unsafe code outside")]);
        expect(&check("crates/ambit-engine/src/wasmtime/program.rs", code), &[]);
        expect(&check("crates/ambit-engine/src/wasmtime/program.rs.rs", code), &[(4, "")]);
        expect(&check("crates/ambit-jail/src/sys/clone.rs", code), &[]);
        expect(&check("docs/a.md", code), &[]);
    }
}
