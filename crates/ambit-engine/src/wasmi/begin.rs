//! Making a guest: a store, an instance in it, and the first code that runs there.

use std::{sync::Arc, time::Instant};

use ambit_core::{LimitKey, RejectReason, Rejection, escape};
use wasmi::{Error, Instance, Store};

use super::{
    data::Data,
    enter::{procedure, target},
    exit, fuel,
    program::Linked,
};
use crate::{call::Call, ended::Ended, meter::Meter};

/// What a guest is made from.
pub(super) struct Parts {
    pub(super) linked: Arc<Linked>,
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
        let Self { linked, data, meter } = self;
        let mut store = Store::new(linked.module.engine(), data);
        store.limiter(|data| &mut data.limiter);
        let result = attempt(&linked, &mut store, &first, &meter).await;
        fuel::note(&store);
        match result {
            Ok((ended, instance)) => (ended, instance.map(|instance| Made { store, instance })),
            Err(error) => (exit::ended(&error, &meter), None),
        }
    }

    /// What is known to be wrong before anything is made; counts are refused by name.
    fn refused(&self, first: &First) -> Option<Ended> {
        let other = match first {
            First::Call(call) => self.linked.refuses(call),
            First::Keep => None,
        };
        other.or_else(|| self.ungranted()).or_else(|| {
            let Linked { memories, tables, .. } = *self.linked;
            [(LimitKey::Memories, memories), (LimitKey::Tables, tables)].into_iter().find_map(|(key, count)| {
                (count > self.meter.limits().get(key).ceiling()).then(|| Ended::limit(&self.meter, key, Some(count)))
            })
        })
    }

    /// The second lock on the embedder's host functions: admission has refused what is not granted, but not every module
    /// that is admitted under one policy runs under that one only.
    fn ungranted(&self) -> Option<Ended> {
        let (granted, linked) = (&self.data.host.functions, &self.linked);
        if let Some((import, grant)) = linked.imported.iter().find(|(_, grant)| !granted.contains(grant)) {
            let grant = escape(grant, 128);
            let message = format!("the module imports {import}: it needs the grant `{grant}`, which is not given");
            return Some(Ended::Refused(Rejection::new(RejectReason::ImportDenied, message)));
        }
        linked.functions.check(granted).err().map(Ended::Refused)
    }
}

async fn attempt(
    linked: &Linked,
    store: &mut Store<Data>,
    first: &First,
    meter: &Meter,
) -> Result<(Ended, Option<Instance>), Error> {
    let began = Instant::now();
    fuel::refill(store)?;
    // It has no start function any more.
    let instance = linked.linker.instantiate_and_start(&mut *store, &linked.module)?;
    store.data_mut().instance = Some(instance);
    if let Some(start) = &linked.start {
        procedure(instance, store, start).await?;
    }
    meter.note_instantiate(began.elapsed());
    match first {
        First::Call(call) => {
            if call.initialize {
                procedure(instance, store, "_initialize").await?;
            }
            Ok((target(instance, store, &call.target).await?, None))
        }
        First::Keep => {
            if linked.initializes {
                procedure(instance, store, "_initialize").await?;
            }
            Ok((Ended::Returned(Vec::new()), Some(instance)))
        }
    }
}
