//! How Wasmtime is configured for a set of settings.

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OperatorCost, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
    WasmFeatures,
};

use super::exit;
use crate::settings::Settings;

/// The largest linear memory a pool slot holds: all that 32 bits can address.
pub(super) const POOL_MEMORY: u64 = 4 << 30;
/// The most elements a pooled table holds.
pub(super) const POOL_TABLE_ELEMENTS: u64 = 100_000;
/// The most memories and tables a pooled module has: what `Limits` allow by default.
pub(super) const POOL_MEMORIES_PER_MODULE: u32 = 8;
pub(super) const POOL_TABLES_PER_MODULE: u32 = 10;
/// Room for an instance's own tables of functions and globals. LLVM (133 398 functions) needs 2.6 MiB.
const POOL_INSTANCE: usize = 8 << 20;
/// Stacks of a pool for calls that host functions make, in all: eight guests at the greatest depth. Address space only.
pub(super) const POOL_NESTED_STACKS: u32 = 8 * crate::functions::MOST_DEPTH;
/// Resident pages of a freed slot that are zeroed instead of given back. With the scan of the page map this is ten times
/// faster than giving them back; without, ten times slower.
const KEEP_RESIDENT: usize = 2 << 20;
/// Host stack on a fiber beyond the wasm stack: host functions run there too.
const HOST_STACK: usize = 512 << 10;

/// How the compiler works. It decides how long compilation takes and how fast code is, and nothing about what code may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompilerConfig {
    /// What code is optimised for. Default speed.
    pub optimize: Optimize,
    /// Whether one module is compiled on several threads. Default yes.
    pub parallel: bool,
}

/// What code is optimised for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optimize {
    /// Nothing: compilation is quick, and code slow.
    Nothing,
    /// Its speed.
    Speed,
    /// Its speed, and then its size.
    SpeedAndSize,
}

impl Default for CompilerConfig {
    fn default() -> Self {
        Self { optimize: Optimize::Speed, parallel: true }
    }
}

/// Everything that decides what code is compiled to, and nothing about where instances come from.
pub(super) fn base(settings: &Settings, compiler: CompilerConfig) -> Config {
    let Settings { features, stack, epochs, fuel, deterministic } = *settings;
    let CompilerConfig { optimize, parallel } = compiler;
    let mut config = Config::new();
    config
        .cranelift_opt_level(match optimize {
            Optimize::Nothing => OptLevel::None,
            Optimize::Speed => OptLevel::Speed,
            Optimize::SpeedAndSize => OptLevel::SpeedAndSize,
        })
        .parallel_compilation(parallel)
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(ambit_admit::wasm_features(features), true)
        .epoch_interruption(epochs)
        .consume_fuel(fuel)
        .operator_cost(cost_by_length())
        .max_wasm_stack(stack.bytes())
        .async_stack_size(stack.bytes() + HOST_STACK)
        .cranelift_nan_canonicalization(deterministic)
        .relaxed_simd_deterministic(deterministic)
        .shared_memory(false)
        .wasm_backtrace_max_frames(Some(exit::MAX_FRAMES))
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

/// Instances come from a pool of `guests` slots; with `nested` more stacks than that, for guests that host functions call.
pub(super) fn pooled(config: &mut Config, guests: u32, nested: u32) {
    let mut pool = PoolingAllocationConfig::new();
    let scan = PoolingAllocationConfig::is_pagemap_scan_available();
    let spare = guests.saturating_mul(2);
    pool.total_core_instances(spare)
        .total_component_instances(guests)
        .total_memories(spare)
        .total_tables(spare)
        .total_stacks(guests.saturating_add(nested))
        .total_gc_heaps(guests.min(64))
        .max_memories_per_module(POOL_MEMORIES_PER_MODULE)
        .max_tables_per_module(POOL_TABLES_PER_MODULE)
        .max_memory_size(usize::try_from(POOL_MEMORY).expect("64-bit hosts only"))
        .table_elements(usize::try_from(POOL_TABLE_ELEMENTS).expect("64-bit hosts only"))
        .max_core_instance_size(POOL_INSTANCE)
        .max_component_instance_size(POOL_INSTANCE)
        .decommit_batch_size(32)
        .table_keep_resident(64 << 10);
    if scan {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEEP_RESIDENT);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
}

/// Fuel for bulk operations by how much they move, memory.grow included, so that none is cheap for what it does.
fn cost_by_length() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.variable.memory_grow_per_page = 64;
    cost
}
