//! Calls of a component's functions, and values in and out of it.

use ambit_admit::ComponentFunction;
use ambit_core::{ComponentValue, LimitKey};
use wasmtime::{
    Store,
    component::{Instance, Val},
};

use super::super::{data::Data, enter::missing};
use crate::{ended::Ended, meter::Meter};

/// Calls a function whose arguments were checked against its type.
pub(super) async fn call(
    instance: Instance,
    store: &mut Store<Data>,
    function: &ComponentFunction,
    args: &[ComponentValue],
    meter: &Meter,
) -> wasmtime::Result<Ended> {
    let interface = match function.interface() {
        Some(name) => match instance.get_export_index(&mut *store, None, name) {
            Some(index) => Some(index),
            None => return Ok(missing("the interface of the function is gone")),
        },
        None => None,
    };
    let export = instance.get_export_index(&mut *store, interface.as_ref(), function.name());
    let Some(called) = export.and_then(|index| instance.get_func(&mut *store, index)) else {
        return Ok(missing("the function is gone"));
    };
    let params: Vec<Val> = args.iter().map(to_val).collect();
    let mut results = vec![Val::Bool(false); usize::from(function.ty().result.is_some())];
    called.call_async(&mut *store, &params, &mut results).await?;
    Ok(match results.pop().map(from_val) {
        None => Ended::Returned(Vec::new()),
        Some(Some(value)) => {
            let used = value.memory();
            match used > meter.limits().host_buffers.ceiling() {
                true => Ended::limit(meter, LimitKey::HostBuffers, Some(used)),
                false => Ended::Gave(value),
            }
        }
        Some(None) => Ended::Failed("the function returned what its type does not have".into()),
    })
}

pub(super) fn to_val(value: &ComponentValue) -> Val {
    let boxed = |value: &Option<Box<ComponentValue>>| value.as_ref().map(|value| Box::new(to_val(value)));
    match value {
        ComponentValue::Bool(value) => Val::Bool(*value),
        ComponentValue::S8(value) => Val::S8(*value),
        ComponentValue::U8(value) => Val::U8(*value),
        ComponentValue::S16(value) => Val::S16(*value),
        ComponentValue::U16(value) => Val::U16(*value),
        ComponentValue::S32(value) => Val::S32(*value),
        ComponentValue::U32(value) => Val::U32(*value),
        ComponentValue::S64(value) => Val::S64(*value),
        ComponentValue::U64(value) => Val::U64(*value),
        ComponentValue::F32(value) => Val::Float32(*value),
        ComponentValue::F64(value) => Val::Float64(*value),
        ComponentValue::Char(value) => Val::Char(*value),
        ComponentValue::String(value) => Val::String(value.clone()),
        ComponentValue::List(values) => Val::List(values.iter().map(to_val).collect()),
        ComponentValue::Tuple(values) => Val::Tuple(values.iter().map(to_val).collect()),
        ComponentValue::Record(fields) => Val::Record(fields.iter().map(|(name, value)| (name.clone(), to_val(value))).collect()),
        ComponentValue::Variant(case, payload) => Val::Variant(case.clone(), boxed(payload)),
        ComponentValue::Enum(case) => Val::Enum(case.clone()),
        ComponentValue::Option(payload) => Val::Option(boxed(payload)),
        ComponentValue::Result(result) => Val::Result(result.as_ref().map(boxed).map_err(boxed)),
        ComponentValue::Flags(names) => Val::Flags(names.clone()),
    }
}

/// `None` for what means something within its store only, of which the types that are called have none.
pub(super) fn from_val(value: Val) -> Option<ComponentValue> {
    let boxed =
        |value: Option<Box<Val>>| value.map(|value| from_val(*value).map(Box::new)).map_or(Some(None), |value| value.map(Some));
    let all = |values: Vec<Val>| values.into_iter().map(from_val).collect::<Option<Vec<_>>>();
    Some(match value {
        Val::Bool(value) => ComponentValue::Bool(value),
        Val::S8(value) => ComponentValue::S8(value),
        Val::U8(value) => ComponentValue::U8(value),
        Val::S16(value) => ComponentValue::S16(value),
        Val::U16(value) => ComponentValue::U16(value),
        Val::S32(value) => ComponentValue::S32(value),
        Val::U32(value) => ComponentValue::U32(value),
        Val::S64(value) => ComponentValue::S64(value),
        Val::U64(value) => ComponentValue::U64(value),
        Val::Float32(value) => ComponentValue::F32(value),
        Val::Float64(value) => ComponentValue::F64(value),
        Val::Char(value) => ComponentValue::Char(value),
        Val::String(value) => ComponentValue::String(value),
        Val::List(values) => ComponentValue::List(all(values)?),
        Val::Tuple(values) => ComponentValue::Tuple(all(values)?),
        Val::Record(fields) => {
            let fields = fields.into_iter().map(|(name, value)| Some((name, from_val(value)?)));
            ComponentValue::Record(fields.collect::<Option<_>>()?)
        }
        Val::Variant(case, payload) => ComponentValue::Variant(case, boxed(payload)?),
        Val::Enum(case) => ComponentValue::Enum(case),
        Val::Option(payload) => ComponentValue::Option(boxed(payload)?),
        Val::Result(Ok(payload)) => ComponentValue::Result(Ok(boxed(payload)?)),
        Val::Result(Err(payload)) => ComponentValue::Result(Err(boxed(payload)?)),
        Val::Flags(names) => ComponentValue::Flags(names),
        Val::Map(_) | Val::FixedLengthList(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            return None;
        }
    })
}
