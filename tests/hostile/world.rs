//! Components of one core module, made as toolchains make them.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::door::guests;

/// A module that calls interfaces of preview 2 by the names and types that they have in a core module.
pub(crate) fn component(mut module: Vec<u8>) -> Vec<u8> {
    let mut wit = Resolve::default();
    let package = wit.push_path(guests().join("hostile/wit/wasi.wit")).expect("valid WIT").0;
    let world = wit.select_world(&[package], Some("command")).expect("a world `command`");
    embed_component_metadata(&mut module, &wit, world, StringEncoding::UTF8).expect("a module");
    let encoded = ComponentEncoder::default().module(&module).and_then(|encoder| encoder.validate(true).encode());
    encoded.unwrap_or_else(|error| panic!("no component can be made of it: {error:#}"))
}
