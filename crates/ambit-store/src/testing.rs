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

/// What comes of a manifest: the module's digest and size, of at most so many bytes; and of how many signatures it is, if it is one of
/// these.
#[cfg(feature = "oci")]
pub fn manifest(bytes: &[u8], media_type: Option<&str>, most: u64) -> (Option<(ambit_core::Digest, u64)>, Option<usize>) {
    use crate::oci::{
        cosign,
        manifest::{Document, version_of},
    };

    let what = "what was fuzzed";
    let _ = version_of(bytes);
    let module = match Document::parse(what, bytes, media_type) {
        Ok(Document::Manifest(manifest)) => manifest.module(what, most).ok().map(|layer| (layer.digest, layer.size)),
        Ok(Document::Index(index)) => index.choose(what).ok().map(|listed| (listed.digest, 0)),
        Err(_) => None,
    };
    (module, cosign::parse(what, bytes, media_type).ok().map(|manifest| manifest.layers.len()))
}
