//! What a store knows of a module, a tag, a key: as its file says it, and as its index does.

use ambit_store::testing::{is_record, record_file};

use crate::memory::bounded;

/// Texts of a record are copied a few times while it is read.
const TIMES: usize = 64;

/// The text of a record.
pub fn record(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((json, place)) = bounded(bytes.len(), TIMES, || ambit_store::testing::record(text)) else { return };
    let is_digest = |part: &str| part.len() == 64 && part.bytes().all(|c| c.is_ascii_hexdigit());
    assert!(place.iter().all(|part| is_digest(part.trim_end_matches(".trust"))), "{place:?} is no path");
    let again = ambit_store::testing::record(&json).expect("what is written is read");
    assert_eq!(again, (json.clone(), place.clone()), "there is one way to write it");
    let file = record_file(&json);
    assert!(is_record(file.as_bytes(), &place), "it is what was written");
    let at = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % file.len();
    let mut altered = file.into_bytes();
    altered[at] ^= 1;
    assert!(!is_record(&altered, &place), "byte {at} was changed");
}
