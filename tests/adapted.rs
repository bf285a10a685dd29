//! Programs of preview 1 as components.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wit_component::ComponentEncoder;

/// A program of preview 1 behind the adapter that toolchains put before such programs.
pub(crate) fn program(module: &[u8]) -> Vec<u8> {
    let encoded = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.adapter(NAME, ADAPTER))
        .and_then(|encoder| encoder.validate(true).encode());
    encoded.unwrap_or_else(|error| panic!("no component can be made of it: {error:#}"))
}
