//! A module from a file, `-` for stdin, binary or text.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use ambit_admit::{AdmitRules, Verified};
use ambit_core::{Bound, ByteSize, Feature, ImportPolicy, Profile, RejectReason, Rejection, ShapeLimits};

/// The path that stands for our standard input.
const STDIN: &str = "-";

/// As permissive as anything can be admitted, for verbs that only look at a module.
pub(crate) fn anything() -> AdmitRules {
    AdmitRules { shape: ShapeLimits::unlimited(), ..rules_to_keep() }
}

/// What a module that is kept has to pass: as permissive as anything can be admitted. A policy says later under which limits and with
/// which features it runs.
pub(crate) fn rules_to_keep() -> AdmitRules {
    AdmitRules {
        module_size: Bound::At(ByteSize::mib(256)),
        features: Feature::ALL.iter().copied().filter(|&feature| feature != Feature::Threads).collect(),
        imports: ImportPolicy::standard(),
        ..AdmitRules::from_policy(&Profile::Terminal.policy())
    }
}

/// Reads and admits a module. Of a file larger than the limit no more is read than shows that it is.
pub(crate) fn read(path: &Path, rules: &AdmitRules) -> Result<Arc<Verified>, Rejection> {
    ambit_admit::admit(binary(path, rules)?, rules).map(Arc::new)
}

/// Reads what is to be admitted.
pub(crate) fn binary(path: &Path, rules: &AdmitRules) -> Result<Vec<u8>, Rejection> {
    let bytes = bytes(path, rules.module_size)?;
    let name = if path == Path::new(STDIN) { "stdin".into() } else { path.to_string_lossy() };
    let from_text = match ambit_admit::text(&bytes, &name)? {
        Cow::Owned(binary) => Some(binary),
        Cow::Borrowed(_) => None,
    };
    Ok(from_text.unwrap_or(bytes))
}

fn bytes(path: &Path, most: Bound<ByteSize>) -> Result<Vec<u8>, Rejection> {
    let cannot =
        |error: io::Error| Rejection::new(RejectReason::NotFound, format!("cannot read the module `{}`: {error}", path.display()));
    let mut bytes = Vec::new();
    // One byte more than allowed, so that admission sees that there are more.
    let most = most.ceiling().saturating_add(1);
    if path == Path::new(STDIN) {
        io::stdin().take(most).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        let file = File::open(path).map_err(cannot)?;
        let found = file.metadata().map_err(cannot)?;
        if found.is_dir() {
            return Err(cannot(io::ErrorKind::IsADirectory.into()));
        }
        // At once, where it is known how much; one byte more shows that there is no more.
        bytes.reserve(usize::try_from(found.len().min(most)).unwrap_or(0).saturating_add(1));
        file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    }
    Ok(bytes)
}
