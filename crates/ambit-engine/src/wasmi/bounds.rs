//! What Wasmi is given to translate: no more than its authors reckon that a module needs which means no harm.
//!
//! Wasmi has the same bounds itself ([`EnforcedLimits::strict`](wasmi::EnforcedLimits::strict)), which stand behind these. Here they have
//! names and figures, and do without its bound of one memory.

use ambit_admit::Verified;
use ambit_core::{RejectReason, Rejection, ShapeKey};

/// The most of each kind.
const MOST: [(ShapeKey, u64); 5] = [
    (ShapeKey::Functions, 10_000),
    (ShapeKey::Globals, 1000),
    (ShapeKey::ElementSegments, 1000),
    (ShapeKey::DataSegments, 1000),
    (ShapeKey::Params, 32),
];

/// Bytes of code from which on functions must not be too short.
const MUCH_CODE: u64 = 1000;
/// Bytes that their bodies have on average: each costs what its length does not show.
const LEAST_BODY: u64 = 40;

/// Refuses what is out of bounds.
pub(super) fn check(module: &Verified) -> Result<(), Rejection> {
    let refused = |what: String| {
        let message = format!("{what}, which `--engine wasmtime` may run");
        Err(Rejection::new(RejectReason::Unenforceable, message))
    };
    for (key, most) in MOST {
        let found = module.shape().get(key);
        if found > most {
            return refused(format!("`{key}` of the module is {found}, and wasmi is given no more than {most} to translate"));
        }
    }
    let functions = module.shape().get(ShapeKey::Functions);
    // With the size that each body begins with.
    let code = module.code().code_bytes + functions;
    match code.checked_div(functions) {
        Some(average) if code >= MUCH_CODE && average < LEAST_BODY => refused(format!(
            "the {functions} functions of the module have {average} bytes on average, and wasmi is given none under \
             {LEAST_BODY} to translate"
        )),
        _ => Ok(()),
    }
}
