//! Media types: those that are written, and those that are read.

/// A manifest; written and read.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// A list of manifests.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The same two, as Docker's registries had them first.
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The configuration of a module or component; written and read.
pub(crate) const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// A module or component; written and read.
pub(crate) const WASM: &str = "application/wasm";

/// A payload of cosign's, which a signature in an annotation is of.
pub(crate) const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// What a registry is asked for where a tag may be either.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// Layers that are a module.
const WASM_LAYERS: &[&str] =
    &[WASM, "application/vnd.wasm.content.layer.v1+wasm", "application/vnd.module.wasm.content.layer.v1+wasm"];

/// Configurations that may go with such a layer.
const CONFIGS: &[&str] = &[
    CONFIG,
    "application/vnd.wasm.config.v1+json",
    "application/vnd.module.wasm.config.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.empty.v1+json",
];

/// Whether it is that of a manifest.
pub(crate) fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, MANIFEST | DOCKER_MANIFEST)
}

/// Whether it is that of a list of manifests.
pub(crate) fn is_index(media_type: &str) -> bool {
    matches!(media_type, INDEX | DOCKER_LIST)
}

/// Whether it is that of a module.
pub(crate) fn is_wasm(media_type: &str) -> bool {
    WASM_LAYERS.contains(&media_type)
}

/// Whether it is that of a configuration.
pub(crate) fn is_config(media_type: &str) -> bool {
    CONFIGS.contains(&media_type)
}

/// A media type without what may follow it.
pub(crate) fn bare(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
