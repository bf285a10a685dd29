//! Manifests, lists of them, and signatures, as registries and layouts have them.

use ambit_store::testing;

use crate::{input::Input, memory::bounded};

/// Texts of a manifest are copied a few times while it is read.
const TIMES: usize = 64;
const TYPES: &[Option<&str>] = &[
    None,
    Some("application/vnd.oci.image.manifest.v1+json"),
    Some("application/vnd.oci.image.index.v1+json"),
    Some("application/vnd.docker.distribution.manifest.v2+json"),
    Some("text/html"),
];

/// The first bytes say as what it came, and how large a module may be; the rest is it.
pub fn manifest(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let media_type = input.one_of(TYPES);
    let most = u64::from(input.u32() % (1 << 24));
    let document = input.rest();
    let (module, signatures) = bounded(document.len(), TIMES, || testing::manifest(document, media_type, most));
    assert!(module.is_none_or(|(_, size)| size <= most), "{module:?} of {most}");
    assert!(signatures.is_none_or(|count| count <= 16), "{signatures:?}");
    assert!(!(module.is_some() && signatures.is_some_and(|count| count > 0)), "it is either the one or the other");
    if media_type == Some("text/html") {
        assert!(module.is_none() && signatures.is_none());
    }
}
