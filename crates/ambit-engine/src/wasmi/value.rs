//! Numbers and vectors, as Wasmi has them.

use ambit_admit::ValType as Type;
use ambit_core::ResultValue;
use wasmi::{F32, F64, V128, Val, ValType};

pub(super) fn to_val(value: ResultValue) -> Val {
    match value {
        ResultValue::I32(value) => Val::I32(value),
        ResultValue::I64(value) => Val::I64(value),
        ResultValue::F32(bits) => Val::F32(F32::from_bits(bits)),
        ResultValue::F64(bits) => Val::F64(F64::from_bits(bits)),
        ResultValue::V128(bits) => Val::V128(V128::from(bits)),
    }
}

/// A number or vector; `None` for a reference, which cannot leave its store.
pub(super) fn from_val(value: &Val) -> Option<ResultValue> {
    Some(match value {
        Val::I32(value) => ResultValue::I32(*value),
        Val::I64(value) => ResultValue::I64(*value),
        Val::F32(value) => ResultValue::F32(value.to_bits()),
        Val::F64(value) => ResultValue::F64(value.to_bits()),
        Val::V128(value) => ResultValue::V128(value.as_u128()),
        Val::FuncRef(_) | Val::ExternRef(_) => return None,
    })
}

/// A type whose values can leave their store.
pub(super) fn number(ty: ValType) -> Option<Type> {
    Some(match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::V128 => Type::V128,
        ValType::FuncRef | ValType::ExternRef => return None,
    })
}

/// The type, unless it is one of references, which host functions have none of.
pub(super) fn val_type(ty: &Type) -> Option<ValType> {
    Some(match ty {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::V128 => ValType::V128,
        Type::Ref(_) => return None,
    })
}
