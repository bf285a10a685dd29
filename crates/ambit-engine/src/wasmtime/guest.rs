//! A running guest: a future over a store, polled slice by slice.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use ambit_core::{RejectReason, Rejection, ResultValue};
use wasmtime::{Func, Instance, PoolConcurrencyLimitError, Store, UpdateDeadline, V128, Val};

use super::{
    data::Data,
    exit,
    p2::{self, Preview2},
    program::{Linked, Pre},
};
use crate::{
    call::{Call, Target},
    contract::Guest,
    ended::Ended,
    meter::Meter,
};

/// How often compiled code writes back what fuel it has used: what is seen of a running guest, and what is known of one
/// that was ended from outside, is at most this much too low. About a slice.
const FUEL_INTERVAL: u64 = 1_000_000;

/// A guest on a fiber of Wasmtime's.
pub(super) struct WasmtimeGuest {
    run: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

impl WasmtimeGuest {
    pub(super) fn new(main: Arc<Linked>, spare: Option<Arc<Linked>>, data: Data, meter: Arc<Meter>, call: Call) -> Self {
        Self { run: Box::pin(run(main, spare, data, meter, call)) }
    }
}

impl Guest for WasmtimeGuest {
    fn poll_slice(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.run.as_mut().poll(cx)
    }
}

/// Instantiates and calls, and says how it ended.
async fn run(main: Arc<Linked>, spare: Option<Arc<Linked>>, data: Data, meter: Arc<Meter>, call: Call) -> Ended {
    if let Some(ended) = over_count(&main, &meter) {
        return ended;
    }
    let mut store = match store(&main, data, &meter) {
        Ok(store) => store,
        Err(error) => return Ended::Failed(super::engine::message(&error)),
    };
    let result = match start(&main, &mut store, &call, &meter).await {
        Err(Start::PoolFull(_)) if spare.is_some() => {
            let linked = spare.expect("just seen");
            match self::store(&linked, store.into_data(), &meter) {
                Ok(fresh) => store = fresh,
                Err(error) => return Ended::Failed(super::engine::message(&error)),
            }
            start(&linked, &mut store, &call, &meter).await
        }
        other => other,
    };
    note_fuel(&meter, || store.get_fuel());
    match result {
        Ok(ended) => ended,
        Err(Start::PoolFull(error) | Start::Failed(error)) => exit::ended(&error, &meter),
    }
}

enum Start {
    PoolFull(wasmtime::Error),
    Failed(wasmtime::Error),
}

impl From<wasmtime::Error> for Start {
    fn from(error: wasmtime::Error) -> Self {
        if error.is::<PoolConcurrencyLimitError>() { Start::PoolFull(error) } else { Start::Failed(error) }
    }
}

/// Notes the fuel used, if the guest is metered; asking a store that is not makes an error with a backtrace.
pub(super) fn note_fuel(meter: &Meter, left: impl FnOnce() -> wasmtime::Result<u64>) {
    if let Some(allowed) = meter.limits().fuel.finite()
        && let Ok(left) = left()
    {
        meter.note_fuel(allowed - left);
    }
}

/// The counts that are known before anything is made, refused by name.
fn over_count(linked: &Linked, meter: &Meter) -> Option<Ended> {
    use ambit_core::LimitKey::{Memories, Tables};
    let required = linked.required.as_ref()?;
    [(Memories, required.num_memories), (Tables, required.num_tables)].into_iter().find_map(|(key, count)| {
        let count = u64::from(count);
        (count > meter.limits().get(key).ceiling()).then(|| Ended::limit(meter, key, Some(count)))
    })
}

fn store(linked: &Linked, data: Data, meter: &Arc<Meter>) -> wasmtime::Result<Store<Data>> {
    let mut store = Store::new(&linked.slot.engine, data);
    store.limiter(|data| &mut data.limiter);
    let fuel = meter.limits().fuel.finite();
    if let Some(fuel) = fuel {
        store.set_fuel(fuel)?;
        store.fuel_async_yield_interval(Some(FUEL_INTERVAL))?;
    }
    if linked.settings.epochs {
        store.set_epoch_deadline(1);
        if fuel.is_some() {
            let meter = Arc::clone(meter);
            store.epoch_deadline_callback(move |store| {
                note_fuel(&meter, || store.get_fuel());
                Ok(UpdateDeadline::Yield(1))
            });
        } else {
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        }
    }
    Ok(store)
}

async fn start(linked: &Linked, store: &mut Store<Data>, call: &Call, meter: &Arc<Meter>) -> Result<Ended, Start> {
    match &linked.pre {
        Pre::Core(pre) => {
            let began = Instant::now();
            let instance = pre.instantiate_async(&mut *store).await?;
            meter.note_instantiate(began.elapsed());
            Ok(enter(instance, store, call).await?)
        }
        Pre::Component(_, command) => {
            let limits = meter.limits();
            meter.host_calls_are_unknown();
            store.set_hostcall_fuel(saturating(limits.host_buffers.ceiling()));
            store.set_max_component_handles(saturating(limits.handles.ceiling()));
            let preview2 = Preview2::new(&store.data().host);
            store.data_mut().p2 = Some(Box::new(preview2));
            Ok(p2::run(command.as_ref(), store, meter).await?)
        }
    }
}

async fn enter(instance: Instance, store: &mut Store<Data>, call: &Call) -> wasmtime::Result<Ended> {
    let Call { initialize, target } = call;
    let Target::Function { name, args, result_is_exit_code } = target else {
        return Ok(missing("a component's entry point was asked of a core module"));
    };
    if *initialize {
        let Some(initialize) = instance.get_func(&mut *store, "_initialize") else {
            return Ok(missing("`_initialize` is no function"));
        };
        initialize.call_async(&mut *store, &[], &mut []).await?;
    }
    let Some(function) = instance.get_func(&mut *store, name) else { return Ok(missing("the entry point is no function")) };
    let results = invoke(function, store, args).await?;
    Ok(match (*result_is_exit_code, results.first()) {
        (true, Some(ResultValue::I32(code))) if *code != 0 => Ended::Exited(*code),
        (true, _) => Ended::Returned(Vec::new()),
        (false, _) => Ended::Returned(results),
    })
}

async fn invoke(function: Func, store: &mut Store<Data>, args: &[ResultValue]) -> wasmtime::Result<Vec<ResultValue>> {
    let params: Vec<Val> = args.iter().map(|&value| to_val(value)).collect();
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    function.call_async(&mut *store, &params, &mut results).await?;
    // References cannot leave a store; their results are not shown.
    Ok(results.iter().filter_map(from_val).collect())
}

fn to_val(value: ResultValue) -> Val {
    match value {
        ResultValue::I32(value) => Val::I32(value),
        ResultValue::I64(value) => Val::I64(value),
        ResultValue::F32(bits) => Val::F32(bits),
        ResultValue::F64(bits) => Val::F64(bits),
        ResultValue::V128(bits) => Val::V128(V128::from(bits)),
    }
}

fn from_val(value: &Val) -> Option<ResultValue> {
    Some(match value {
        Val::I32(value) => ResultValue::I32(*value),
        Val::I64(value) => ResultValue::I64(*value),
        Val::F32(bits) => ResultValue::F32(*bits),
        Val::F64(bits) => ResultValue::F64(*bits),
        Val::V128(vector) => ResultValue::V128(vector.as_u128()),
        _ => return None,
    })
}

fn missing(message: &str) -> Ended {
    Ended::Refused(Rejection::new(RejectReason::NotFound, message))
}

fn saturating(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
