//! A guest's memories, globals and tables, looked at from outside.

use ambit_admit::ValType as Type;
use ambit_core::ResultValue;
use wasmtime::{AsContext, AsContextMut, Instance, Memory, Mutability, Ref, RootScope, Store, Table, ValType};

use super::{
    data::Data,
    enter::{from_val, to_val},
};
use crate::{
    access::{AccessError, Exported},
    kept::TableElement,
};

/// The exported memory of that name.
pub(super) fn memory(instance: Instance, store: &mut Store<Data>, name: &str) -> Result<Memory, AccessError> {
    instance.get_memory(store, name).ok_or_else(|| AccessError::missing(Exported::Memory, name))
}

/// The exported table of that name.
pub(super) fn table(instance: Instance, store: &mut Store<Data>, name: &str) -> Result<Table, AccessError> {
    instance.get_table(store, name).ok_or_else(|| AccessError::missing(Exported::Table, name))
}

/// A copy of `len` bytes at `offset`.
pub(super) fn read(memory: Memory, store: impl AsContext<Data = Data>, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
    let bytes = memory.data(&store);
    Ok(bytes[AccessError::check(Exported::Memory, offset, len, bytes.len())?].to_vec())
}

/// Copies `bytes` to `offset`.
pub(super) fn write(
    memory: Memory,
    mut store: impl AsContextMut<Data = Data>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), AccessError> {
    let all = memory.data_mut(&mut store);
    let range = AccessError::check(Exported::Memory, offset, bytes.len() as u64, all.len())?;
    all[range].copy_from_slice(bytes);
    Ok(())
}

/// Grows a memory, and gives back the bytes it had before.
pub(super) fn grow(memory: Memory, store: &mut Store<Data>, pages: u64) -> Result<u64, AccessError> {
    store.data_mut().limiter.forget_refusal();
    match memory.grow(&mut *store, pages) {
        Ok(before) => Ok(before * memory.page_size(&*store)),
        Err(_) => Err(store.data().limiter.refused().map_or(AccessError::Maximum { pages }, AccessError::Limit)),
    }
}

/// The value of the exported global of that name.
pub(super) fn global_get(instance: Instance, store: &mut Store<Data>, name: &str) -> Result<ResultValue, AccessError> {
    let global = instance.get_global(&mut *store, name).ok_or_else(|| AccessError::missing(Exported::Global, name))?;
    number(global.ty(&*store).content())?;
    // A number or vector, as just seen.
    from_val(&global.get(store)).ok_or(AccessError::Reference)
}

/// Sets the exported global of that name.
pub(super) fn global_set(instance: Instance, store: &mut Store<Data>, name: &str, value: ResultValue) -> Result<(), AccessError> {
    let global = instance.get_global(&mut *store, name).ok_or_else(|| AccessError::missing(Exported::Global, name))?;
    let ty = global.ty(&*store);
    let (expected, given) = (number(ty.content())?, Type::from(value));
    if ty.mutability() == Mutability::Const {
        return Err(AccessError::Immutable);
    }
    if expected != given {
        return Err(AccessError::WrongType { expected, given });
    }
    // Mutability and type are as just seen.
    global.set(store, to_val(value)).map_err(|_| AccessError::WrongType { expected, given })
}

/// What kind of element a table has at `index`.
pub(super) fn table_get(table: Table, store: &mut Store<Data>, index: u64) -> Result<TableElement, AccessError> {
    // What is looked at is let go again: otherwise it would live for as long as the store.
    let mut scope = RootScope::new(&mut *store);
    match table.get(&mut scope, index) {
        Some(element) if element.is_null() => Ok(TableElement::Null),
        Some(Ref::Func(_)) => Ok(TableElement::Function),
        Some(_) => Ok(TableElement::Other),
        None => Err(beyond(table, &scope, index)),
    }
}

/// Sets the element at `index` to null.
pub(super) fn table_set_null(table: Table, store: &mut Store<Data>, index: u64) -> Result<(), AccessError> {
    if index >= table.size(&*store) {
        return Err(beyond(table, &*store, index));
    }
    let element = table.ty(&*store).element().clone();
    if !element.is_nullable() {
        return Err(AccessError::NotNullable);
    }
    table.set(&mut *store, index, Ref::null(element.heap_type())).map_err(|_| AccessError::NotNullable)
}

fn beyond(table: Table, store: impl AsContext<Data = Data>, index: u64) -> AccessError {
    AccessError::OutOfBounds { what: Exported::Table, offset: index, len: 1, size: table.size(store) }
}

/// A type whose values can leave their store.
pub(super) fn number(ty: &ValType) -> Result<Type, AccessError> {
    Ok(match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::V128 => Type::V128,
        ValType::Ref(_) => return Err(AccessError::Reference),
    })
}
