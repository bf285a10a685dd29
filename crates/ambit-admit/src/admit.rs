//! From untrusted bytes to a verified module, in one ordered function.

use std::sync::Arc;

use ambit_core::{Digest, RejectReason, Rejection};

use crate::{
    entry::Entry,
    features, imports,
    rules::AdmitRules,
    scan::{
        self, Bodies, Read,
        halt::{Cause, Halt, invalid},
    },
    verified::{Facts, Verified},
};

/// Verifies that `bytes` are a valid module within `rules`.
///
/// The steps, each before anything that would cost more:
///
/// 1. the size, because everything after is proportional to it;
/// 2. one pass that counts against the static limits, validates with exactly the allowed features, and notes what it sees;
/// 3. the features it needs are allowed ones;
/// 4. its imports are known, of the right type, and allowed.
///
/// Pure and single-threaded; it never runs or compiles anything. Real programs take about as long as the validator alone.
/// The worst that was found within the default limits is two seconds for 100 MB of code, twice that if it is refused for a
/// feature, and 200 MB of memory for a component.
///
/// `bytes` that already are an `Arc<[u8]>` are not copied, others once, and only if they are admitted.
///
/// # Errors
/// The first rule that is broken: `invalid-module`, `unsupported-feature` or `import-denied`, with the item, the place,
/// what was found and the remedy.
pub fn admit(bytes: impl AsRef<[u8]> + Into<Arc<[u8]>>, rules: &AdmitRules) -> Result<Verified, Rejection> {
    let read = read(bytes.as_ref(), rules, Bodies::Read)?;
    let digest = Digest::of(bytes.as_ref());
    Ok(Verified { facts: Arc::new(facts(read, digest)), bytes: bytes.into() })
}

/// Bytes, and their digest.
#[derive(Debug, Clone)]
pub struct Hashed {
    bytes: Arc<[u8]>,
    digest: Digest,
}

impl Hashed {
    pub(crate) fn bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// These bytes.
    pub fn of(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { digest: Digest::of(&bytes), bytes }
    }

    /// The bytes.
    pub fn into_bytes(self) -> Arc<[u8]> {
        self.bytes
    }

    /// Their digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// The same of bytes that were admitted before, under these very rules, by this very version: admission depends on nothing else, so what
/// would be found again is not looked for. That is almost all of it, since functions' bodies are skipped.
///
/// Whoever calls this answers for that: who has compiled what it admitted and kept the digest; or who only loads what somebody else has
/// compiled, and looks at no body. What is known of such a module is what its sections say: what its functions do, and which features
/// only they need, is not.
///
/// # Errors
/// As [`admit`], for what is looked at.
pub fn admit_again(bytes: Hashed, rules: &AdmitRules) -> Result<Verified, Rejection> {
    let Hashed { bytes, digest } = bytes;
    let read = read(&bytes, rules, Bodies::Skipped)?;
    Ok(Verified { facts: Arc::new(facts(read, digest)), bytes })
}

fn read(bytes: &[u8], rules: &AdmitRules, bodies: Bodies) -> Result<Read, Rejection> {
    check_size(bytes, rules)?;
    check_magic(bytes)?;
    let read = match scan::scan(bytes, features::wasm_features(rules.features), &rules.shape, bodies) {
        Ok(read) => read,
        Err(halt) => return Err(explain(halt.into_cause(), bytes, rules)),
    };
    let missing = read.needs.minus(rules.features);
    if !missing.is_empty() {
        return Err(features::refuse_missing(missing));
    }
    imports::check(read.kind, &read.imports, rules)?;
    Ok(read)
}

fn check_size(bytes: &[u8], rules: &AdmitRules) -> Result<(), Rejection> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > rules.module_size.ceiling() {
        let limit = rules.module_size;
        let message =
            format!("the module has {size} bytes; the limit `module-size` is {limit} (raise it with `--limit module-size=…`)");
        return Err(Rejection::new(RejectReason::InvalidModule, message));
    }
    Ok(())
}

/// Says what it is instead of a module, where that is easily seen. Everything else the parser says.
fn check_magic(bytes: &[u8]) -> Result<(), Rejection> {
    let kind = match bytes {
        [b'\0', b'a', b's', b'm', ..] => return Ok(()),
        [] => "empty",
        [0x7f, b'E', b'L', b'F', ..] => "an ELF file: a native program, or an artifact that some engine compiled before",
        [0x1f, 0x8b, ..] => "compressed with gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "compressed with zstd",
        [b'(', ..] => "WebAssembly text; what is wanted here is binary",
        _ => "no WebAssembly: it does not start with `\\0asm`",
    };
    Err(Rejection::new(RejectReason::InvalidModule, format!("the module is invalid: at byte 0x0: it is {kind}")))
}

/// Finds out whether what the validator refused is invalid, or only not allowed.
///
/// The validator tells apart most missing features from invalid bytes, not all; a second pass with every feature that
/// has a name here does. The static limits hold in it too.
fn explain(cause: Cause, bytes: &[u8], rules: &AdmitRules) -> Rejection {
    let (first, first_whose) = match cause {
        Cause::Refused(rejection) => return rejection,
        Cause::Invalid(error, whose) => (error, whose),
    };
    let all = features::wasm_features(features::all_known());
    match scan::scan(bytes, all, &rules.shape, Bodies::Read).map_err(Halt::into_cause) {
        Ok(read) => {
            let missing = read.needs.minus(rules.features);
            // Some features also admit spellings, such as longer numbers, that are just invalid without them.
            if missing.is_empty() { invalid(&first, first_whose) } else { features::refuse_missing(missing) }
        }
        Err(Cause::Refused(rejection)) => rejection,
        Err(Cause::Invalid(error, whose)) => match error.missing_wasm_feature() {
            Some(proposal) => features::refuse_proposal(proposal, error.offset()),
            None => invalid(&error, whose),
        },
    }
}

fn facts(read: Read, digest: Digest) -> Facts {
    let Read { kind, imports, exports, needs, shape, memories, tables, customs, code, nested } = read;
    let entries = Entry::find(kind, &exports);
    Facts { digest, kind, imports, exports, features: needs, shape, memories, tables, entries, customs, code, nested }
}
