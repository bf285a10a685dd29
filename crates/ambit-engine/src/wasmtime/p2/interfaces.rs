//! The embedder's interfaces, linked to components.

use std::{collections::BTreeSet, sync::Arc};

use wasmtime::{
    Engine, StoreContextMut,
    component::{Component, Linker, Val, types::ComponentItem},
};

use super::{
    super::{data::Data, link::stop, store::note_fuel},
    values::{from_val, to_val},
};
use crate::{
    functions::{HostFunctions, InterfaceMember},
    host::Stop,
};

/// Links all of them. What a policy does not grant, admission has refused, and so does the beginning of a guest.
pub(super) fn link(linker: &mut Linker<Data>, functions: &HostFunctions) -> wasmtime::Result<()> {
    let interfaces: BTreeSet<&str> = functions.members().iter().map(|member| member.import.module.as_str()).collect();
    for interface in interfaces {
        let mut instance = linker.instance(interface)?;
        for member in functions.members().iter().filter(|member| member.import.module == interface) {
            let called = Arc::clone(member);
            instance.func_new_async(&member.import.name, move |store: StoreContextMut<'_, Data>, _, params, results| {
                let called = Arc::clone(&called);
                Box::new(async move {
                    // A guest that waits may be dropped, and its store with it: what it used is noted before.
                    note_fuel(&store.data().host.meter, || store.get_fuel());
                    call(&called, params, results).await
                })
            })?;
        }
    }
    Ok(())
}

/// Calls a function with what the guest gave, and gives the guest what it returned.
async fn call(called: &InterfaceMember, params: &[Val], results: &mut [Val]) -> wasmtime::Result<()> {
    let args = params.iter().map(|param| from_val(param.clone())).collect::<Option<Vec<_>>>();
    let args = args.ok_or_else(|| stop(Stop::Failed(format!("the host function {} got a handle", called.import))))?;
    let returned = (called.body)(args).await;
    let returned = returned.map_err(|error| stop(Stop::Trap(format!("the host function {} failed: {error}", called.import))))?;
    called.check(returned.as_ref()).map_err(|wrong| stop(Stop::Failed(wrong)))?;
    for (result, value) in results.iter_mut().zip(&returned) {
        *result = to_val(value);
    }
    Ok(())
}

/// The functions of the embedder's that a component imports.
pub(in super::super) fn imported(component: &Component, engine: &Engine, functions: &HostFunctions) -> Vec<Arc<InterfaceMember>> {
    let ty = component.component_type();
    let is_imported = |member: &&Arc<InterfaceMember>| match ty.get_import(engine, &member.import.module) {
        Some(item) => match item.ty {
            ComponentItem::ComponentInstance(instance) => instance.get_export(engine, &member.import.name).is_some(),
            _ => false,
        },
        None => false,
    };
    functions.members().iter().filter(is_imported).cloned().collect()
}
