//! The module `spectest`, from which the suite's modules import.

use ambit_admit::{HostFunction, ValType as Admitted};
use ambit_core::{Feature, FeatureSet};
use wasmtime::{
    Engine, FuncType, Global, GlobalType, Linker, Memory, MemoryType, Mutability, Ref, RefType, Result, Store, Table, TableType,
    Val, ValType,
};

pub(crate) const NAME: &str = "spectest";

/// Functions that take values and, here, print nothing: name and parameters, as `i32`, `I64`, `f32`, `F64`.
pub(crate) const FUNCTIONS: [(&str, &str); 7] = [
    ("print", ""),
    ("print_i32", "i"),
    ("print_i64", "I"),
    ("print_f32", "f"),
    ("print_f64", "F"),
    ("print_i32_f32", "if"),
    ("print_f64_f64", "FF"),
];

/// The functions, as admission wants to know of them.
pub(crate) fn host_functions() -> Vec<HostFunction> {
    let ty = |letter| match letter {
        b'i' => Admitted::I32,
        b'I' => Admitted::I64,
        b'f' => Admitted::F32,
        _ => Admitted::F64,
    };
    FUNCTIONS
        .iter()
        .map(|(name, params)| HostFunction {
            module: NAME.into(),
            name: (*name).into(),
            params: params.bytes().map(ty).collect(),
            results: Vec::new(),
            withheld: None,
        })
        .collect()
}

/// Links all of it but the shared memory, which no guest can have.
pub(crate) fn link(linker: &mut Linker<()>, store: &mut Store<()>, features: FeatureSet) -> Result<()> {
    for (name, params) in FUNCTIONS {
        let ty = func_type(linker.engine(), params);
        linker.func_new(NAME, name, ty, |_, _, _| Ok(()))?;
    }
    let globals = [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ];
    for (name, ty, value) in globals {
        let global = Global::new(&mut *store, GlobalType::new(ty, Mutability::Const), value)?;
        linker.define(&mut *store, NAME, name, global)?;
    }
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&mut *store, NAME, "memory", memory)?;
    let table = Table::new(&mut *store, TableType::new(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, NAME, "table", table)?;
    if has_table64(features) {
        let table = Table::new(&mut *store, TableType::new64(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
        linker.define(&mut *store, NAME, "table64", table)?;
    }
    Ok(())
}

/// Whether there is a table with 64-bit indices among it.
pub(crate) fn has_table64(features: FeatureSet) -> bool {
    features.contains(Feature::Memory64)
}

fn func_type(engine: &Engine, params: &str) -> FuncType {
    let ty = |letter| match letter {
        b'i' => ValType::I32,
        b'I' => ValType::I64,
        b'f' => ValType::F32,
        _ => ValType::F64,
    };
    FuncType::new(engine, params.bytes().map(ty), [])
}
