//! Values that a script gives to a function.

use wasmtime::{AnyRef, ExternRef, Rooted, Store, Val};
use wast::core::{AbstractHeapType, HeapType, WastArgCore};

use crate::executor::block_on;

/// The value of an argument. What the host refers to is a number, boxed in the store.
pub(crate) fn of(argument: &WastArgCore<'_>, store: &mut Store<()>) -> Result<Val, String> {
    Ok(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes()).into()),
        WastArgCore::RefNull(ty) => null(ty)?,
        WastArgCore::RefExtern(number) => Val::ExternRef(Some(host(*number, store)?)),
        WastArgCore::RefHost(number) => {
            let host = host(*number, store)?;
            let any = AnyRef::convert_extern(store, host).map_err(|error| format!("{error:#}"))?;
            Val::AnyRef(Some(any))
        }
    })
}

/// The null of the hierarchy that a heap type belongs to.
pub(crate) fn null(ty: &HeapType<'_>) -> Result<Val, String> {
    use AbstractHeapType as A;
    match ty {
        HeapType::Abstract { shared: false, ty } => match ty {
            A::Func | A::NoFunc => Ok(Val::FuncRef(None)),
            A::Extern | A::NoExtern => Ok(Val::ExternRef(None)),
            A::Exn | A::NoExn => Ok(Val::ExnRef(None)),
            A::Any | A::Eq | A::Struct | A::Array | A::I31 | A::None => Ok(Val::AnyRef(None)),
            A::Cont | A::NoCont => Err("continuations are never enabled".into()),
        },
        HeapType::Abstract { shared: true, .. } => Err("shared references are never enabled".into()),
        HeapType::Concrete(_) | HeapType::Exact(_) => Err("a null of a type that only the module knows".into()),
    }
}

fn host(number: u32, store: &mut Store<()>) -> Result<Rooted<ExternRef>, String> {
    block_on(ExternRef::new_async(store, number)).map_err(|error| format!("no room for a host reference: {error:#}"))
}
