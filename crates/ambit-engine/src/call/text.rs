//! Arguments as people write them.

use ambit_admit::ValType;
use ambit_core::{Rejection, ResultValue, escape};

use super::policy;

/// The arguments of the function `name`, read from text.
pub(super) fn parse(name: &str, params: &[ValType], args: &[String]) -> Result<Vec<ResultValue>, Rejection> {
    let shown = escape(name, 128);
    if params.len() != args.len() {
        let takes = if params.len() == 1 { "argument" } else { "arguments" };
        let given = if args.len() == 1 { "was" } else { "were" };
        return Err(policy(format!("`{shown}` takes {} {takes}, {} {given} given", params.len(), args.len())));
    }
    let pairs = params.iter().zip(args).enumerate();
    pairs
        .map(|(i, (ty, text))| {
            value(ty, text).ok_or_else(|| {
                policy(format!("argument {} of `{shown}`: `{}` is not a value of type {ty}", i + 1, escape(text, 64)))
            })
        })
        .collect()
}

/// Numbers as people write them: decimal or 0x for integers, signed or unsigned.
fn value(ty: &ValType, text: &str) -> Option<ResultValue> {
    let integer = || {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let magnitude = match digits.strip_prefix("0x") {
            Some(hex) => u128::from_str_radix(hex, 16).ok()?,
            None => digits.parse::<u128>().ok()?,
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(if negative { -magnitude } else { magnitude })
    };
    match ty {
        ValType::I32 => {
            let value = integer()?;
            i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed)).map(ResultValue::I32)
        }
        ValType::I64 => {
            let value = integer()?;
            i64::try_from(value).ok().or_else(|| u64::try_from(value).ok().map(u64::cast_signed)).map(ResultValue::I64)
        }
        ValType::F32 => text.parse::<f32>().ok().map(|value| ResultValue::F32(value.to_bits())),
        ValType::F64 => text.parse::<f64>().ok().map(|value| ResultValue::F64(value.to_bits())),
        ValType::V128 => {
            let hex = text.strip_prefix("0x")?;
            u128::from_str_radix(hex, 16).ok().map(ResultValue::V128)
        }
        ValType::Ref(_) => None,
    }
}
