//! What tests of crashes need, and fuzzing: the parsers of what lies in a store, by themselves.

use crate::{blob, record};

pub use crate::files::{Interposed, interpose};

/// A module as it lies in a store.
pub fn compress(module: &[u8]) -> Vec<u8> {
    blob::compress(module).expect("memory is written to")
}

/// The module of exactly so many bytes that was compressed to these.
pub fn decompress(compressed: &[u8], size: u64) -> Option<Vec<u8>> {
    blob::decompress(compressed, size).ok()
}

/// What a record says, written down once more; and where it belongs.
pub fn record(json: &str) -> Option<(String, [String; 2])> {
    let record = record::Record::from_json(json).ok()?;
    let record::RecordId { family, item } = record.id();
    Some((record.to_json(), [family, item]))
}

/// The file of a record with this text.
pub fn record_file(json: &str) -> String {
    record::to_file(json)
}

/// Whether a file is a record that belongs there.
pub fn is_record(file: &[u8], [family, item]: &[String; 2]) -> bool {
    record::from_file(file, family, item).is_ok()
}
