//! Components, made of core modules as toolchains make them.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::door::guests;

/// A program of preview 1 behind the adapter that toolchains put before such programs.
pub(crate) fn program(module: &[u8]) -> Vec<u8> {
    let encoded = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.adapter(NAME, ADAPTER))
        .and_then(|encoder| encoder.validate(true).encode());
    encoded.unwrap_or_else(|error| panic!("no component can be made of it: {error:#}"))
}

/// A module that calls interfaces of preview 2 by the names and types that they have in a core module.
pub(crate) fn of_world(mut module: Vec<u8>) -> Vec<u8> {
    let mut wit = Resolve::default();
    let package = wit.push_path(guests().join("hostile/wit/wasi.wit")).expect("valid WIT").0;
    let world = wit.select_world(&[package], Some("command")).expect("a world `command`");
    embed_component_metadata(&mut module, &wit, world, StringEncoding::UTF8).expect("a module");
    let encoded = ComponentEncoder::default().module(&module).and_then(|encoder| encoder.validate(true).encode());
    encoded.unwrap_or_else(|error| panic!("no component can be made of it: {error:#}"))
}
