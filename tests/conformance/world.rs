//! What a script acts on: a store, the instances in it, and what is linked.

use std::collections::HashMap;

use ambit_core::{FeatureSet, Profile};
use ambit_engine::{Settings, wasmtime::configuration};
use wasmtime::{Engine, Error, Instance, Linker, Module, Result, Store, UpdateDeadline, Val};
use wast::{WastArg, WastInvoke, token::Id};

use crate::{executor::block_on, spectest, value};

/// How a call or an instantiation ended.
pub(crate) enum Ended {
    Returned(Vec<Val>),
    Failed(Error),
}

/// Everything a script has made so far.
pub(crate) struct World {
    pub store: Store<()>,
    linker: Linker<()>,
    definitions: HashMap<Option<String>, Module>,
    instances: HashMap<String, Instance>,
    /// The instance that a directive without a name means.
    current: Option<Instance>,
}

/// An engine as a guest is given it that shares a process and asked for nothing but features.
pub(crate) fn engine(features: FeatureSet) -> Engine {
    let settings = Settings { features, ..Settings::shared_process(&Profile::Default.policy()) };
    Engine::new(&configuration(&settings)).expect("an engine that is in use")
}

impl World {
    pub(crate) fn new(features: FeatureSet) -> Self {
        let engine = engine(features);
        let mut store = Store::new(&engine, ());
        // A slice is always over: every place where code can give the thread back does.
        store.set_epoch_deadline(0);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(0)));
        let mut linker = Linker::new(&engine);
        // Scripts register names anew.
        linker.allow_shadowing(true);
        spectest::link(&mut linker, &mut store, features).expect("`spectest` needs nothing that is not enabled");
        Self { store, linker, definitions: HashMap::new(), instances: HashMap::new(), current: None }
    }

    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Module> {
        Module::new(self.linker.engine(), bytes)
    }

    /// Keeps a module for `instantiate_definition`.
    pub(crate) fn define(&mut self, name: Option<Id<'_>>, module: Module) {
        self.definitions.insert(None, module.clone());
        self.definitions.insert(owned(name), module);
    }

    pub(crate) fn definition(&self, name: Option<Id<'_>>) -> Result<Module, String> {
        self.definitions.get(&owned(name)).cloned().ok_or_else(|| format!("no module is defined as {name:?}"))
    }

    /// Instantiates a module that nothing else will refer to.
    pub(crate) fn try_instantiate(&mut self, module: &Module) -> Result<Instance> {
        block_on(self.linker.instantiate_async(&mut self.store, module))
    }

    /// Instantiates a module that the directives after it mean.
    pub(crate) fn instantiate(&mut self, module: &Module, name: Option<Id<'_>>) -> Result<(), String> {
        // If it fails, they fail too, instead of calling the one before.
        self.current = None;
        let instance = self.try_instantiate(module).map_err(|error| format!("cannot be instantiated: {error:#}"))?;
        self.current = Some(instance);
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), instance);
        }
        Ok(())
    }

    pub(crate) fn register(&mut self, name: &str, instance: Option<Id<'_>>) -> Result<(), String> {
        let instance = self.instance(instance)?;
        self.linker.instance(&mut self.store, name, instance).map_err(|error| format!("cannot be registered: {error:#}"))?;
        Ok(())
    }

    pub(crate) fn get(&mut self, instance: Option<Id<'_>>, name: &str) -> Result<Vec<Val>, String> {
        let instance = self.instance(instance)?;
        let global = instance.get_global(&mut self.store, name).ok_or_else(|| format!("there is no global `{name}`"))?;
        Ok(vec![global.get(&mut self.store)])
    }

    pub(crate) fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Ended, String> {
        let instance = self.instance(invoke.module)?;
        let name = invoke.name;
        let function = instance.get_func(&mut self.store, name).ok_or_else(|| format!("there is no function `{name}`"))?;
        let mut arguments = Vec::new();
        for argument in &invoke.args {
            let WastArg::Core(argument) = argument else { return Err(format!("{argument:?} is no core value")) };
            arguments.push(value::of(argument, &mut self.store)?);
        }
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        Ok(match block_on(function.call_async(&mut self.store, &arguments, &mut results)) {
            Ok(()) => Ended::Returned(results),
            Err(error) => Ended::Failed(error),
        })
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, String> {
        match name {
            None => self.current.ok_or_else(|| "there is no instance".into()),
            Some(name) => self.instances.get(name.name()).copied().ok_or_else(|| format!("no instance is named {}", name.name())),
        }
    }
}

fn owned(name: Option<Id<'_>>) -> Option<String> {
    name.map(|name| name.name().to_owned())
}
