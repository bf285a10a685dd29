//! Wasmi: an interpreter. It needs no executable memory, yields by fuel, and waits by host traps.
//!
//! A module is translated when it is compiled, all of it. What a guest executes is run by resumable calls: out of fuel, one comes
//! back and may go on; a host call that waits comes back too, and is driven outside of the interpreter, where it can be dropped.

mod access;
mod begin;
mod bounds;
mod config;
mod data;
mod drive;
mod engine;
mod enter;
mod exit;
mod fuel;
mod functions;
mod kept;
mod limiter;
mod link;
mod program;
mod start;
mod value;

pub use engine::WasmiEngine;

/// The configuration that modules are translated with under these settings: for tests that need Wasmi's own interface, such as the
/// specification's. It is the one in use but for the bounds on a module's shape, which the specification does not have.
pub fn configuration(settings: &crate::Settings) -> wasmi::Config {
    config::of(settings)
}
