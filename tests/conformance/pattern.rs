//! What a script expects a function to return.

use std::mem::discriminant;

use wasmtime::{ExternRef, Rooted, Store, Val};
use wast::{
    core::{NanPattern, V128Pattern, WastRetCore},
    token::{F32, F64},
};

use crate::value;

/// Whether a value is what is expected.
pub(crate) fn matches(value: &Val, pattern: &WastRetCore<'_>, store: &mut Store<()>) -> wasmtime::Result<bool> {
    use WastRetCore as P;
    Ok(match (value, pattern) {
        (value, P::Either(patterns)) => {
            for pattern in patterns {
                if matches(value, pattern, store)? {
                    return Ok(true);
                }
            }
            false
        }
        (Val::I32(value), P::I32(expected)) => value == expected,
        (Val::I64(value), P::I64(expected)) => value == expected,
        (Val::F32(bits), P::F32(expected)) => is_f32(*bits, expected),
        (Val::F64(bits), P::F64(expected)) => is_f64(*bits, expected),
        (Val::V128(value), P::V128(expected)) => is_v128(value.as_u128().to_le_bytes(), expected),
        (Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None), P::RefNull(ty)) => match ty {
            None => true,
            Some(ty) => value::null(ty).is_ok_and(|null| discriminant(&null) == discriminant(value)),
        },
        // Which function it is, the engine does not tell.
        (Val::FuncRef(Some(_)), P::RefFunc(_)) => true,
        (Val::ExternRef(Some(_)), P::RefExtern(None)) => true,
        (Val::ExternRef(Some(reference)), P::RefExtern(Some(number))) => number_of(*reference, store)? == Some(*number),
        (Val::AnyRef(Some(_)), P::RefAny) => true,
        (Val::AnyRef(Some(reference)), P::RefHost(number)) => {
            let host = ExternRef::convert_any(&mut *store, *reference)?;
            number_of(host, store)? == Some(*number)
        }
        (Val::AnyRef(Some(reference)), P::RefEq) => reference.is_eqref(&*store)?,
        (Val::AnyRef(Some(reference)), P::RefArray) => reference.is_array(&*store)?,
        (Val::AnyRef(Some(reference)), P::RefStruct) => reference.is_struct(&*store)?,
        (Val::AnyRef(Some(reference)), P::RefI31) => reference.is_i31(&*store)?,
        _ => false,
    })
}

/// The number that stands behind a reference of the host's.
fn number_of(reference: Rooted<ExternRef>, store: &Store<()>) -> wasmtime::Result<Option<u32>> {
    Ok(reference.data(store)?.and_then(|data| data.downcast_ref().copied()))
}

/// Bits are compared, so that a sign and a payload count. A canonical NaN has only the top bit of its payload set, an
/// arithmetic one at least that; the sign of neither is specified.
pub(crate) fn is_f32(bits: u32, expected: &NanPattern<F32>) -> bool {
    const QUIET: u32 = 0x7fc0_0000;
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == QUIET,
        NanPattern::ArithmeticNan => bits & QUIET == QUIET,
        NanPattern::Value(value) => bits == value.bits,
    }
}

pub(crate) fn is_f64(bits: u64, expected: &NanPattern<F64>) -> bool {
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == QUIET,
        NanPattern::ArithmeticNan => bits & QUIET == QUIET,
        NanPattern::Value(value) => bits == value.bits,
    }
}

pub(crate) fn is_v128(bytes: [u8; 16], expected: &V128Pattern) -> bool {
    match expected {
        V128Pattern::I8x16(lanes) => bytes.map(|byte| i8::from_le_bytes([byte])) == *lanes,
        V128Pattern::I16x8(lanes) => split(&bytes).map(i16::from_le_bytes).eq(lanes.iter().copied()),
        V128Pattern::I32x4(lanes) => split(&bytes).map(i32::from_le_bytes).eq(lanes.iter().copied()),
        V128Pattern::I64x2(lanes) => split(&bytes).map(i64::from_le_bytes).eq(lanes.iter().copied()),
        V128Pattern::F32x4(lanes) => split(&bytes).map(u32::from_le_bytes).zip(lanes).all(|(bits, lane)| is_f32(bits, lane)),
        V128Pattern::F64x2(lanes) => split(&bytes).map(u64::from_le_bytes).zip(lanes).all(|(bits, lane)| is_f64(bits, lane)),
    }
}

fn split<const WIDTH: usize>(bytes: &[u8; 16]) -> impl Iterator<Item = [u8; WIDTH]> {
    bytes.as_chunks::<WIDTH>().0.iter().copied()
}
