//! Numbers, as Wasmi has them.

use ambit_core::ResultValue;
use wasmi::{F32, F64, V128, Val};

pub(crate) fn to_val(value: ResultValue) -> Val {
    match value {
        ResultValue::I32(value) => Val::I32(value),
        ResultValue::I64(value) => Val::I64(value),
        ResultValue::F32(bits) => Val::F32(F32::from_bits(bits)),
        ResultValue::F64(bits) => Val::F64(F64::from_bits(bits)),
        ResultValue::V128(bits) => Val::V128(V128::from(bits)),
    }
}

pub(crate) fn from_val(value: &Val) -> ResultValue {
    match value {
        Val::I32(value) => ResultValue::I32(*value),
        Val::I64(value) => ResultValue::I64(*value),
        Val::F32(value) => ResultValue::F32(value.to_bits()),
        Val::F64(value) => ResultValue::F64(value.to_bits()),
        Val::V128(value) => ResultValue::V128(value.as_u128()),
        Val::FuncRef(_) | Val::ExternRef(_) => unreachable!("no call has references"),
    }
}
