//! Making a guest: a store, an instance in it, and the first code that runs there.

use std::{sync::Arc, time::Instant};

use ambit_core::{LimitKey, RejectReason, Rejection, escape};
use wasmtime::{Func, Instance, PoolConcurrencyLimitError, Store};

use super::{
    data::Data,
    enter::{initialize, target},
    exit, p2,
    program::{Linked, Pre},
    store::{self, note_fuel},
};
use crate::{call::Call, ended::Ended, meter::Meter};

/// What a guest is made from.
pub(super) struct Parts {
    pub(super) main: Arc<Linked>,
    /// The same on demand, for when the pool is full.
    pub(super) spare: Option<Arc<Linked>>,
    pub(super) data: Data,
    pub(super) meter: Arc<Meter>,
}

/// What a guest does first.
pub(super) enum First {
    /// A call, which is all it does.
    Call(Call),
    /// It gets ready for calls.
    Keep,
}

/// An instance and what it lives in.
pub(super) struct Made {
    pub(super) store: Store<Data>,
    pub(super) instance: Instance,
}

impl Parts {
    /// Makes the guest and does what it does first. The instance is given back if it is to be kept.
    pub(super) async fn begin(self, first: First) -> (Ended, Option<Made>) {
        if let Some(ended) = self.refused(&first) {
            return (ended, None);
        }
        let Self { main, spare, data, meter } = self;
        let mut store = match store::new(&main, data, &meter) {
            Ok(store) => store,
            Err(ended) => return (ended, None),
        };
        let mut result = attempt(&main, &mut store, &first, &meter).await;
        // The pool is full only for who has not run: whoever has holds all that it needs, its stack included.
        if let (Err(error), Some(spare)) = (&result, &spare)
            && error.is::<PoolConcurrencyLimitError>()
        {
            let data = store.into_data();
            meter.release_all();
            store = match store::new(spare, data, &meter) {
                Ok(store) => store,
                Err(ended) => return (ended, None),
            };
            result = attempt(spare, &mut store, &first, &meter).await;
        }
        note_fuel(&meter, || store.get_fuel());
        match result {
            Ok((ended, instance)) => (ended, instance.map(|instance| Made { store, instance })),
            Err(error) => (exit::ended(&error, &meter), None),
        }
    }

    /// What is known to be wrong before anything is made; counts are refused by name.
    fn refused(&self, first: &First) -> Option<Ended> {
        use LimitKey::{Memories, Tables};
        let other = match (first, &self.main.pre) {
            (First::Call(call), _) => self.main.refuses(call),
            (First::Keep, Pre::Core(_)) => None,
            (First::Keep, Pre::Component(..)) => {
                let message = "instances of components cannot be kept in this version";
                Some(Ended::Refused(Rejection::new(RejectReason::Unenforceable, message)))
            }
        };
        other.or_else(|| self.ungranted()).or_else(|| {
            let required = self.main.required.as_ref()?;
            [(Memories, required.num_memories), (Tables, required.num_tables)].into_iter().find_map(|(key, count)| {
                let count = u64::from(count);
                (count > self.meter.limits().get(key).ceiling()).then(|| Ended::limit(&self.meter, key, Some(count)))
            })
        })
    }
}

impl Parts {
    /// The second lock on the embedder's host functions: admission has refused what is not granted, but not every module
    /// that is admitted under one policy runs under that one only.
    fn ungranted(&self) -> Option<Ended> {
        let (granted, linked) = (&self.data.host.functions, &self.main);
        if let Some((import, grant)) = linked.functions.iter().find(|(_, grant)| !granted.contains(grant)) {
            let grant = escape(grant, 128);
            let message = format!("the module imports {import}: it needs the grant `{grant}`, which is not given");
            return Some(Ended::Refused(Rejection::new(RejectReason::ImportDenied, message)));
        }
        linked.slot.functions.check(granted).err().map(Ended::Refused)
    }
}

async fn attempt(
    linked: &Linked,
    store: &mut Store<Data>,
    first: &First,
    meter: &Meter,
) -> wasmtime::Result<(Ended, Option<Instance>)> {
    // In a box of its own: what a component's run takes would be copied with each run of a core module.
    let Pre::Core(pre) = &linked.pre else { return Ok((Box::pin(p2::run(linked, store, first, meter)).await?, None)) };
    let began = Instant::now();
    let instance = pre.instantiate_async(&mut *store).await?;
    meter.note_instantiate(began.elapsed());
    match first {
        First::Call(call) => {
            if call.initialize {
                initialize(instance, store).await?;
            }
            Ok((target(instance, store, &call.target).await?, None))
        }
        First::Keep => {
            if linked.initializes {
                initialize(instance, store).await?;
            } else {
                // Nothing of it may have run yet, and so it may have no stack of the pool's. It takes one now, while it can
                // still be made elsewhere if there is none, and holds it from here on.
                Func::wrap(&mut *store, || ()).call_async(&mut *store, &[], &mut []).await?;
            }
            Ok((Ended::Returned(Vec::new()), Some(instance)))
        }
    }
}
