//! Wasmtime, as a script uses it.

use std::collections::HashMap;

use ambit_admit::AdmitRules;
use ambit_core::{FeatureSet, Profile, TrapKind};
use ambit_engine::{Settings, wasmtime::configuration};
use wasmtime::{Engine, Instance, Linker, Module, Result, Store, ThrownException, Trap, UpdateDeadline, Val};
use wast::{WastArg, WastInvoke, core::WastRetCore, token::Id};

use crate::{
    admission::{self, Taken},
    executor::block_on,
    machine::{Ended, Failed, Machine, owned},
    pattern, spectest, value,
};

/// Everything a script has made so far.
pub(crate) struct World {
    store: Store<()>,
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

impl Machine for World {
    type Module = Module;
    type Value = Val;

    fn new(features: FeatureSet, _text: &str) -> Self {
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

    fn compile(&self, bytes: &[u8]) -> Result<Module, String> {
        Module::new(self.linker.engine(), bytes).map_err(|error| format!("{error:#}"))
    }

    fn takes(bytes: &[u8], module: &Module, rules: &AdmitRules) -> Result<Taken, String> {
        admission::takes(bytes, module, rules)
    }

    fn define(&mut self, name: Option<Id<'_>>, module: Module) {
        self.definitions.insert(None, module.clone());
        self.definitions.insert(owned(name), module);
    }

    fn definition(&self, name: Option<Id<'_>>) -> Result<Module, String> {
        self.definitions.get(&owned(name)).cloned().ok_or_else(|| format!("no module is defined as {name:?}"))
    }

    fn try_instantiate(&mut self, module: &Module) -> Result<(), Failed> {
        self.make(module).map(drop).map_err(|error| failed(&error))
    }

    fn instantiate(&mut self, module: &Module, name: Option<Id<'_>>) -> Result<(), String> {
        // If it fails, they fail too, instead of calling the one before.
        self.current = None;
        let instance = self.make(module).map_err(|error| format!("cannot be instantiated: {error:#}"))?;
        self.current = Some(instance);
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), instance);
        }
        Ok(())
    }

    fn register(&mut self, name: &str, instance: Option<Id<'_>>) -> Result<(), String> {
        let instance = self.instance(instance)?;
        self.linker.instance(&mut self.store, name, instance).map_err(|error| format!("cannot be registered: {error:#}"))?;
        Ok(())
    }

    fn get(&mut self, instance: Option<Id<'_>>, name: &str) -> Result<Vec<Val>, String> {
        let instance = self.instance(instance)?;
        let global = instance.get_global(&mut self.store, name).ok_or_else(|| format!("there is no global `{name}`"))?;
        Ok(vec![global.get(&mut self.store)])
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Ended<Val>, String> {
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
            Err(error) => Ended::Failed(failed(&error)),
        })
    }

    fn matches(&mut self, value: &Val, pattern: &WastRetCore<'_>) -> Result<bool, String> {
        pattern::matches(value, pattern, &mut self.store).map_err(|error| format!("{error:#}"))
    }

    fn take_exception(&mut self) -> bool {
        self.store.take_pending_exception().is_some()
    }
}

impl World {
    fn make(&mut self, module: &Module) -> Result<Instance> {
        block_on(self.linker.instantiate_async(&mut self.store, module))
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, String> {
        match name {
            None => self.current.ok_or_else(|| "there is no instance".into()),
            Some(name) => self.instances.get(name.name()).copied().ok_or_else(|| format!("no instance is named {}", name.name())),
        }
    }
}

fn failed(error: &wasmtime::Error) -> Failed {
    if error.is::<ThrownException>() {
        return Failed::Threw;
    }
    let kind = match error.downcast_ref::<Trap>() {
        None => return Failed::Otherwise(format!("{error:#}")),
        Some(Trap::StackOverflow) => return Failed::Exhausted,
        Some(Trap::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(Trap::MemoryOutOfBounds) => TrapKind::MemoryOutOfBounds,
        Some(Trap::TableOutOfBounds) => TrapKind::TableOutOfBounds,
        Some(Trap::ArrayOutOfBounds) => TrapKind::ArrayOutOfBounds,
        Some(Trap::IndirectCallToNull) => TrapKind::IndirectCallToNull,
        Some(Trap::BadSignature) => TrapKind::BadSignature,
        Some(Trap::IntegerOverflow) => TrapKind::IntegerOverflow,
        Some(Trap::IntegerDivisionByZero) => TrapKind::IntegerDivisionByZero,
        Some(Trap::BadConversionToInteger) => TrapKind::BadConversionToInteger,
        Some(Trap::NullReference) => TrapKind::NullReference,
        Some(Trap::CastFailure) => TrapKind::CastFailure,
        Some(_) => TrapKind::Other,
    };
    Failed::Trapped(kind)
}
