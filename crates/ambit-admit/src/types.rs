//! Types of what a module imports and exports: structured where they can be called with, printable everywhere.

use std::{fmt, sync::Arc};

use ambit_core::{ComponentFuncType, ResultValue};
use serde::{Deserialize, Serialize};
use wasmparser::RefType;

/// The type of a core value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference, as it is written in text, such as `funcref`.
    Ref(String),
}

/// The type of a core function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FuncType {
    /// What it takes.
    pub params: Vec<ValType>,
    /// What it gives.
    pub results: Vec<ValType>,
}

/// The type of a linear memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryType {
    /// Pages of 64 KiB it starts with.
    pub min_pages: u64,
    /// Pages it may grow to, if it says so itself.
    pub max_pages: Option<u64>,
    /// Whether addresses have 64 bits.
    pub is64: bool,
    /// Whether threads may share it. Such a module is never admitted.
    pub shared: bool,
    /// Whether it comes from outside rather than being defined here. For a module nested in a component, from another module.
    pub imported: bool,
}

/// The type of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableType {
    /// Elements it starts with.
    pub min: u64,
    /// Elements it may grow to, if it says so itself.
    pub max: Option<u64>,
    /// What it holds, such as `funcref`.
    pub element: String,
    /// Whether indices have 64 bits.
    pub is64: bool,
    /// Whether it comes from outside rather than being defined here. For a module nested in a component, from another module.
    pub imported: bool,
}

/// The type of a function that a component imports or exports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ComponentFunc {
    /// As it is written in WIT, briefly; escaped and capped.
    pub text: String,
    /// As it is called with; or why it cannot be called from outside, nor be provided.
    pub ty: Result<Arc<ComponentFuncType>, String>,
}

/// The type of an import or export.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExternType {
    /// A core function.
    Func(FuncType),
    /// A linear memory.
    Memory(MemoryType),
    /// A table.
    Table(TableType),
    /// A global.
    Global {
        /// The type of its value.
        ty: ValType,
        /// Whether it can be set.
        mutable: bool,
    },
    /// An exception tag with the types it carries.
    Tag(FuncType),
    /// A component's function.
    ComponentFunc(#[serde(with = "crate::facts::not_written")] ComponentFunc),
    /// A resource type, whose values are handles.
    Resource,
    /// An interface with nothing but type definitions.
    Instance,
    /// A core module.
    Module,
    /// A component.
    Component,
    /// A type definition.
    Type,
    /// A value.
    Value,
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::Ref(text) => text,
        })
    }
}

impl fmt::Display for FuncType {
    /// `(i32, i32) -> i32`; several results are in parentheses, none is `()`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "({}) -> ", list(&self.params))?;
        match self.results.as_slice() {
            [one] => one.fmt(f),
            many => write!(f, "({})", list(many)),
        }
    }
}

/// `1`, `1..` or `1..=16`.
struct Range(u64, Option<u64>);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Range(min, None) => write!(f, "{min}.."),
            Range(min, Some(max)) if min == max => min.fmt(f),
            Range(min, Some(max)) => write!(f, "{min}..={max}"),
        }
    }
}

impl fmt::Display for MemoryType {
    /// `memory 1..=16`, in pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = if self.shared { "shared " } else { "" };
        let bits = if self.is64 { "64" } else { "" };
        write!(f, "{shared}memory{bits} {}", Range(self.min_pages, self.max_pages))
    }
}

impl fmt::Display for TableType {
    /// `table 10 funcref`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.is64 { "64" } else { "" };
        write!(f, "table{bits} {} {}", Range(self.min, self.max), self.element)
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => ty.fmt(f),
            ExternType::Memory(ty) => ty.fmt(f),
            ExternType::Table(ty) => ty.fmt(f),
            ExternType::Global { ty, mutable: false } => write!(f, "global {ty}"),
            ExternType::Global { ty, mutable: true } => write!(f, "global mut {ty}"),
            ExternType::Tag(ty) => write!(f, "tag {ty}"),
            ExternType::ComponentFunc(function) => f.write_str(&function.text),
            ExternType::Resource => f.write_str("resource"),
            ExternType::Instance => f.write_str("interface of types only"),
            ExternType::Module => f.write_str("module"),
            ExternType::Component => f.write_str("component"),
            ExternType::Type => f.write_str("type"),
            ExternType::Value => f.write_str("value"),
        }
    }
}

impl From<wasmparser::ValType> for ValType {
    fn from(ty: wasmparser::ValType) -> Self {
        match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => ValType::Ref(reference(ty)),
        }
    }
}

impl From<ResultValue> for ValType {
    fn from(value: ResultValue) -> Self {
        match value {
            ResultValue::I32(_) => ValType::I32,
            ResultValue::I64(_) => ValType::I64,
            ResultValue::F32(_) => ValType::F32,
            ResultValue::F64(_) => ValType::F64,
            ResultValue::V128(_) => ValType::V128,
        }
    }
}

impl From<&wasmparser::FuncType> for FuncType {
    fn from(ty: &wasmparser::FuncType) -> Self {
        let list = |types: &[wasmparser::ValType]| types.iter().copied().map(ValType::from).collect();
        Self { params: list(ty.params()), results: list(ty.results()) }
    }
}

impl MemoryType {
    pub(crate) fn new(ty: wasmparser::MemoryType, imported: bool) -> Self {
        Self { min_pages: ty.initial, max_pages: ty.maximum, is64: ty.memory64, shared: ty.shared, imported }
    }
}

impl TableType {
    pub(crate) fn new(ty: wasmparser::TableType, imported: bool) -> Self {
        Self { min: ty.initial, max: ty.maximum, element: reference(ty.element_type), is64: ty.table64, imported }
    }
}

fn reference(ty: RefType) -> String {
    match ty {
        RefType::FUNCREF => "funcref".into(),
        RefType::EXTERNREF => "externref".into(),
        // A type defined in the module: its number is the validator's own and would mean nothing to a reader.
        _ if ty.type_index().is_some() => if ty.is_nullable() { "(ref null type)" } else { "(ref type)" }.into(),
        _ => ty.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_printed_briefly() {
        let check = |ty: ExternType, expect: &str| assert_eq!(ty.to_string(), expect);
        let func = |params: &[ValType], results: &[ValType]| FuncType { params: params.to_vec(), results: results.to_vec() };
        check(ExternType::Func(func(&[ValType::I32, ValType::I32], &[ValType::I32])), "(i32, i32) -> i32");
        check(ExternType::Func(func(&[], &[])), "() -> ()");
        check(ExternType::Func(func(&[ValType::F64], &[ValType::I64, ValType::V128])), "(f64) -> (i64, v128)");
        let memory = |min_pages, max_pages, is64| MemoryType { min_pages, max_pages, is64, shared: false, imported: false };
        check(ExternType::Memory(memory(1, Some(16), false)), "memory 1..=16");
        check(ExternType::Memory(memory(1, None, true)), "memory64 1..");
        let table = |max| TableType { min: 10, max, element: "funcref".into(), is64: false, imported: false };
        check(ExternType::Table(table(Some(10))), "table 10 funcref");
        check(ExternType::Table(table(None)), "table 10.. funcref");
        check(ExternType::Global { ty: ValType::I32, mutable: true }, "global mut i32");
        check(ExternType::Global { ty: ValType::Ref("externref".into()), mutable: false }, "global externref");
        check(ExternType::Tag(func(&[ValType::I32], &[])), "tag (i32) -> ()");
    }
}
