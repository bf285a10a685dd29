//! Wasmtime with Cranelift: compiles to native code, yields by epochs on fibers, runs components.
//!
//! Winch and Pulley are not offered: the one has had escapes in 2026, the other is 12 to 70 times slower.

mod access;
mod begin;
mod config;
mod data;
mod engine;
mod enter;
mod exchange;
mod exit;
mod functions;
mod kept;
mod limiter;
mod link;
mod mapped;
mod p2;
mod program;
mod store;

pub use config::{CompilerConfig, Optimize};
pub use engine::{PoolConfig, WasmtimeEngine};

/// Looks at what pools need of this process while it may still look: its page map, by which a pool finds what a guest has
/// written to. Gives back whether there is one (Linux 6.7); without it a pool is slower by half.
pub fn look_for_page_map() -> bool {
    wasmtime::PoolingAllocationConfig::is_pagemap_scan_available()
}

/// The configuration that modules are compiled with under these settings: for tests that need Wasmtime's own interface,
/// such as the specification's, and must not test another configuration than the one in use.
pub fn configuration(settings: &crate::Settings) -> wasmtime::Config {
    config::base(settings, CompilerConfig::default())
}

/// The same with instances from a pool of `guests` slots: the partner of benchmarks.
pub fn pooled_configuration(settings: &crate::Settings, guests: u32) -> wasmtime::Config {
    let mut configuration = config::base(settings, CompilerConfig::default());
    config::pooled(&mut configuration, guests, 0);
    configuration
}
