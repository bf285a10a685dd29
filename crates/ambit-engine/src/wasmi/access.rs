//! A guest's memories, globals and tables, looked at from outside.

use ambit_admit::ValType as Type;
use ambit_core::ResultValue;
use wasmi::{AsContext, AsContextMut, Global, Instance, Memory, Mutability, Ref, Store, Table};

use super::{
    data::Data,
    value::{from_val, number, to_val},
};
use crate::{
    access::{AccessError, Exported},
    kept::TableElement,
};

/// The exported memory of that name.
pub(super) fn memory(instance: Instance, store: &Store<Data>, name: &str) -> Result<Memory, AccessError> {
    instance.get_memory(store, name).ok_or_else(|| AccessError::missing(Exported::Memory, name))
}

/// The exported table of that name.
pub(super) fn table(instance: Instance, store: &Store<Data>, name: &str) -> Result<Table, AccessError> {
    instance.get_table(store, name).ok_or_else(|| AccessError::missing(Exported::Table, name))
}

/// A copy of `len` bytes at `offset`.
pub(super) fn read(memory: Memory, store: impl AsContext<Data = Data>, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
    let bytes = memory.data(store.as_context());
    Ok(bytes[AccessError::check(Exported::Memory, offset, len, bytes.len())?].to_vec())
}

/// Copies `bytes` to `offset`.
pub(super) fn write(
    memory: Memory,
    mut store: impl AsContextMut<Data = Data>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), AccessError> {
    let all = memory.data_mut(store.as_context_mut());
    let range = AccessError::check(Exported::Memory, offset, bytes.len() as u64, all.len())?;
    all[range].copy_from_slice(bytes);
    Ok(())
}

/// Grows a memory, and gives back the bytes it had before.
pub(super) fn grow(memory: Memory, store: &mut Store<Data>, pages: u64) -> Result<u64, AccessError> {
    store.data_mut().limiter.forget_refusal();
    match memory.grow(&mut *store, pages) {
        Ok(before) => Ok(before << 16),
        Err(_) => Err(store.data().limiter.refused().map_or(AccessError::Maximum { pages }, AccessError::Limit)),
    }
}

fn global(instance: Instance, store: &Store<Data>, name: &str) -> Result<(Global, Type), AccessError> {
    let global = instance.get_global(store, name).ok_or_else(|| AccessError::missing(Exported::Global, name))?;
    let ty = number(global.ty(store).content()).ok_or(AccessError::Reference)?;
    Ok((global, ty))
}

/// The value of the exported global of that name.
pub(super) fn global_get(instance: Instance, store: &Store<Data>, name: &str) -> Result<ResultValue, AccessError> {
    let (global, _) = global(instance, store, name)?;
    from_val(&global.get(store)).ok_or(AccessError::Reference)
}

/// Sets the exported global of that name.
pub(super) fn global_set(instance: Instance, store: &mut Store<Data>, name: &str, value: ResultValue) -> Result<(), AccessError> {
    let (global, expected) = global(instance, store, name)?;
    let given = Type::from(value);
    if global.ty(&*store).mutability() == Mutability::Const {
        return Err(AccessError::Immutable);
    }
    if expected != given {
        return Err(AccessError::WrongType { expected, given });
    }
    // Mutability and type are as just seen.
    global.set(store, to_val(value)).map_err(|_| AccessError::WrongType { expected, given })
}

/// What kind of element a table has at `index`.
pub(super) fn table_get(table: Table, store: &Store<Data>, index: u64) -> Result<TableElement, AccessError> {
    match table.get(store, index) {
        Some(element) if element.is_null() => Ok(TableElement::Null),
        Some(Ref::Func(_)) => Ok(TableElement::Function),
        Some(Ref::Extern(_)) => Ok(TableElement::Other),
        None => Err(beyond(table, store, index)),
    }
}

/// Sets the element at `index` to null. All tables of this engine's can hold that.
pub(super) fn table_set_null(table: Table, store: &mut Store<Data>, index: u64) -> Result<(), AccessError> {
    let null = Ref::default_for_ty(table.ty(&*store).element());
    table.set(&mut *store, index, null).map_err(|_| beyond(table, store, index))
}

fn beyond(table: Table, store: &Store<Data>, index: u64) -> AccessError {
    AccessError::OutOfBounds { what: Exported::Table, offset: index, len: 1, size: table.size(store) }
}
