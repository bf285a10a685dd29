//! Calls into an instance.

use ambit_core::{RejectReason, Rejection, ResultValue};
use wasmtime::{Func, Instance, Store, V128, Val};

use super::{data::Data, exchange::exchange};
use crate::{call::Target, ended::Ended};

/// Calls `_initialize`.
pub(super) async fn initialize(instance: Instance, store: &mut Store<Data>) -> wasmtime::Result<()> {
    let function = instance.get_func(&mut *store, "_initialize");
    let function = function.ok_or_else(|| wasmtime::Error::msg("`_initialize` is gone"))?;
    function.call_async(&mut *store, &[], &mut []).await
}

/// Calls what is to be called, and says how it ended if it did not trap.
pub(super) async fn target(instance: Instance, store: &mut Store<Data>, target: &Target) -> wasmtime::Result<Ended> {
    let (name, args, results, result_is_exit_code) = match target {
        Target::Function { name, args, results, result_is_exit_code } => (name, args, *results, *result_is_exit_code),
        // Boxed: see `attempt`.
        Target::Exchange(message) => return Box::pin(exchange(instance, store, message)).await,
        Target::ComponentRun | Target::Component { .. } => {
            return Ok(missing("a component's entry point was asked of a core module"));
        }
    };
    let Some(function) = instance.get_func(&mut *store, name) else { return Ok(missing("the entry point is no function")) };
    let results = invoke(function, store, args, results).await?;
    Ok(match (result_is_exit_code, results.first()) {
        (true, Some(ResultValue::I32(code))) if *code != 0 => Ended::Exited(*code),
        (true, _) => Ended::Returned(Vec::new()),
        (false, _) => Ended::Returned(results),
    })
}

async fn invoke(
    function: Func,
    store: &mut Store<Data>,
    args: &[ResultValue],
    results: usize,
) -> wasmtime::Result<Vec<ResultValue>> {
    if args.is_empty() && results == 0 {
        // As programs are called: a tenth of a microsecond less than by way of values.
        function.typed::<(), ()>(&*store)?.call_async(&mut *store, ()).await?;
        return Ok(Vec::new());
    }
    let params: Vec<Val> = args.iter().map(|&value| to_val(value)).collect();
    let mut results = vec![Val::I32(0); results];
    function.call_async(&mut *store, &params, &mut results).await?;
    Ok(results.iter().filter_map(from_val).collect())
}

pub(super) fn to_val(value: ResultValue) -> Val {
    match value {
        ResultValue::I32(value) => Val::I32(value),
        ResultValue::I64(value) => Val::I64(value),
        ResultValue::F32(bits) => Val::F32(bits),
        ResultValue::F64(bits) => Val::F64(bits),
        ResultValue::V128(bits) => Val::V128(V128::from(bits)),
    }
}

/// A number or vector; `None` for a reference, which cannot leave its store.
pub(super) fn from_val(value: &Val) -> Option<ResultValue> {
    Some(match value {
        Val::I32(value) => ResultValue::I32(*value),
        Val::I64(value) => ResultValue::I64(*value),
        Val::F32(bits) => ResultValue::F32(*bits),
        Val::F64(bits) => ResultValue::F64(*bits),
        Val::V128(vector) => ResultValue::V128(vector.as_u128()),
        _ => return None,
    })
}

/// Nothing ran: what was to be called is not there.
pub(super) fn missing(message: &str) -> Ended {
    Ended::Refused(Rejection::new(RejectReason::NotFound, message))
}
