//! A module from a file, `-` for stdin, binary or text.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    iter,
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
pub(crate) fn binary(path: &Path, rules: &AdmitRules) -> Result<Arc<[u8]>, Rejection> {
    let bytes = bytes(path, rules.module_size)?;
    let name = if path == Path::new(STDIN) { "stdin".into() } else { path.to_string_lossy() };
    let from_text = match ambit_admit::text(&bytes, &name)? {
        Cow::Owned(binary) => Some(binary.into()),
        Cow::Borrowed(_) => None,
    };
    Ok(from_text.unwrap_or(bytes))
}

fn bytes(path: &Path, most: Bound<ByteSize>) -> Result<Arc<[u8]>, Rejection> {
    let cannot =
        |error: io::Error| Rejection::new(RejectReason::NotFound, format!("cannot read the module `{}`: {error}", path.display()));
    // One byte more than allowed, so that admission sees that there are more.
    let most = most.ceiling().saturating_add(1);
    if path == Path::new(STDIN) {
        let mut bytes = Vec::new();
        io::stdin().take(most).read_to_end(&mut bytes).map_err(cannot)?;
        return Ok(bytes.into());
    }
    let file = File::open(path).map_err(cannot)?;
    let found = file.metadata().map_err(cannot)?;
    if found.is_dir() {
        return Err(cannot(io::ErrorKind::IsADirectory.into()));
    }
    whole(file.take(most), found.len().min(most)).map_err(cannot)
}

/// All of it, which has so many bytes, or others: into where it stays, since of a large module a copy takes as long as all else.
fn whole(mut from: impl Read, size: u64) -> io::Result<Arc<[u8]>> {
    let mut bytes: Arc<[u8]> = iter::repeat_n(0, usize::try_from(size).unwrap_or(0)).collect();
    let room = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
    let mut read = 0;
    while read < room.len() {
        match from.read(&mut room[read..]) {
            Ok(0) => return Ok(bytes[..read].into()),
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut rest = Vec::new();
    from.read_to_end(&mut rest)?;
    if rest.is_empty() { Ok(bytes) } else { Ok([&bytes, rest.as_slice()].concat().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_whatever_its_size_was() {
        for size in [0, 3, 5, 9] {
            assert_eq!(*whole(b"bytes".as_slice(), size).expect("read"), *b"bytes", "{size}");
        }
    }
}
