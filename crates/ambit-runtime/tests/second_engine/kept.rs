//! A kept Wasmi instance.

use ambit_admit::ValType;
use ambit_core::ResultValue;
use ambit_engine::{AccessError, Call, Exported, Kept, TableElement};
use wasmi::{ExternType, Global, Memory, Mutability, Ref, Table, Val};

use crate::{
    guest::WasmiGuest,
    value::{from_val, to_val},
};

impl WasmiGuest {
    fn exported(&self, is: fn(&ExternType) -> bool) -> Vec<String> {
        self.module.exports().filter(|export| is(export.ty())).map(|export| export.name().to_owned()).collect()
    }

    fn memory(&self, name: &str) -> Result<Memory, AccessError> {
        let memory = self.instance.and_then(|instance| instance.get_memory(&self.store, name));
        memory.ok_or_else(|| AccessError::missing(Exported::Memory, name))
    }

    fn table(&self, name: &str) -> Result<Table, AccessError> {
        let table = self.instance.and_then(|instance| instance.get_table(&self.store, name));
        table.ok_or_else(|| AccessError::missing(Exported::Table, name))
    }

    fn global(&self, name: &str) -> Result<Global, AccessError> {
        let global = self.instance.and_then(|instance| instance.get_global(&self.store, name));
        let global = global.ok_or_else(|| AccessError::missing(Exported::Global, name))?;
        match global.get(&self.store) {
            Val::FuncRef(_) | Val::ExternRef(_) => Err(AccessError::Reference),
            _ => Ok(global),
        }
    }
}

impl Kept for WasmiGuest {
    fn call(&mut self, call: Call) {
        self.call = Some(call);
    }

    fn memories(&mut self) -> Vec<String> {
        self.exported(|ty| matches!(ty, ExternType::Memory(_)))
    }

    fn memory_size(&mut self, name: &str) -> Result<u64, AccessError> {
        Ok(self.memory(name)?.data_size(&self.store) as u64)
    }

    fn memory_grow(&mut self, name: &str, pages: u64) -> Result<u64, AccessError> {
        let memory = self.memory(name)?;
        self.meter.grow_memory(pages.saturating_mul(1 << 16)).map_err(AccessError::Limit)?;
        memory.grow(&mut self.store, pages).map(|before| before << 16).map_err(|_| AccessError::Maximum { pages })
    }

    fn memory_read(&mut self, name: &str, offset: u64, len: u64) -> Result<Vec<u8>, AccessError> {
        let bytes = self.memory(name)?.data(&self.store);
        Ok(bytes[AccessError::check(Exported::Memory, offset, len, bytes.len())?].to_vec())
    }

    fn memory_write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), AccessError> {
        let all = self.memory(name)?.data_mut(&mut self.store);
        let range = AccessError::check(Exported::Memory, offset, bytes.len() as u64, all.len())?;
        all[range].copy_from_slice(bytes);
        Ok(())
    }

    fn globals(&mut self) -> Vec<String> {
        self.exported(|ty| matches!(ty, ExternType::Global(_)))
    }

    fn global_get(&mut self, name: &str) -> Result<ResultValue, AccessError> {
        self.global(name).map(|global| from_val(&global.get(&self.store)))
    }

    fn global_set(&mut self, name: &str, value: ResultValue) -> Result<(), AccessError> {
        let global = self.global(name)?;
        if global.ty(&self.store).mutability() == Mutability::Const {
            return Err(AccessError::Immutable);
        }
        let (expected, given) = (ValType::from(from_val(&global.get(&self.store))), ValType::from(value));
        global.set(&mut self.store, to_val(value)).map_err(|_| AccessError::WrongType { expected, given })
    }

    fn tables(&mut self) -> Vec<String> {
        self.exported(|ty| matches!(ty, ExternType::Table(_)))
    }

    fn table_size(&mut self, name: &str) -> Result<u64, AccessError> {
        Ok(self.table(name)?.size(&self.store))
    }

    fn table_get(&mut self, name: &str, index: u64) -> Result<TableElement, AccessError> {
        let table = self.table(name)?;
        match table.get(&self.store, index) {
            Some(element) if element.is_null() => Ok(TableElement::Null),
            Some(Ref::Func(_)) => Ok(TableElement::Function),
            Some(Ref::Extern(_)) => Ok(TableElement::Other),
            None => Err(AccessError::OutOfBounds { what: Exported::Table, offset: index, len: 1, size: table.size(&self.store) }),
        }
    }

    fn table_set_null(&mut self, name: &str, index: u64) -> Result<(), AccessError> {
        let table = self.table(name)?;
        let null = Ref::default_for_ty(table.ty(&self.store).element());
        let size = table.size(&self.store);
        let outside = AccessError::OutOfBounds { what: Exported::Table, offset: index, len: 1, size };
        table.set(&mut self.store, index, null).map_err(|_| outside)
    }
}
