//! Wasmi, as a script uses it.

use std::collections::HashMap;

use ambit_admit::AdmitRules;
use ambit_core::{FeatureSet, Metering, Profile, RejectReason, TrapKind};
use ambit_engine::{Settings, wasmi::configuration};
use wasmi::{
    Engine, Error, Extern, ExternRef, F32, F64, Func, FuncType, Global, Instance, Linker, Memory, MemoryType, Module, Mutability,
    Nullable, Ref, RefType, ResumableCall, Store, Table, TableType, TrapCode, V128, Val, ValType,
    errors::{ErrorKind, InstantiationError},
};
use wast::{
    WastArg, WastInvoke,
    core::{AbstractHeapType, HeapType, WastArgCore, WastRetCore},
    token::Id,
};

use crate::{
    admission::Taken,
    executor,
    machine::{Ended, Failed, Machine, owned},
    pattern::{is_f32, is_f64, is_v128},
    spectest::{self, FUNCTIONS, NAME},
};

/// Everything a script has made so far.
pub(crate) struct Interpreter {
    store: Store<()>,
    linker: Linker<()>,
    /// Whether fuel is counted, so that a call gives the thread back wherever it can.
    metered: bool,
    definitions: HashMap<Option<String>, Module>,
    instances: HashMap<String, Instance>,
    /// The instance that a directive without a name means.
    current: Option<Instance>,
}

impl Machine for Interpreter {
    type Module = Module;
    type Value = Val;

    fn new(features: FeatureSet, text: &str) -> Self {
        // Where a table grows it is not metered: see `ambit_engine::wasmi`.
        let metered = !text.contains("table.grow");
        let metering = if metered { Metering::Epochs } else { Metering::Kernel };
        let engine = Engine::new(&configuration(&Settings { features, ..Settings::of(&Profile::Default.policy(), metering) }));
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        // Scripts register names anew.
        linker.allow_shadowing(true);
        link(&mut linker, &mut store, features).expect("`spectest` needs nothing that is not enabled");
        Self { store, linker, metered, definitions: HashMap::new(), instances: HashMap::new(), current: None }
    }

    fn compile(&self, bytes: &[u8]) -> Result<Module, String> {
        Module::new(self.linker.engine(), bytes).map_err(|error| error.to_string())
    }

    /// Which imports are unknown is for Wasmtime's run of the same script to show.
    fn takes(bytes: &[u8], _module: &Module, rules: &AdmitRules) -> Result<Taken, String> {
        match ambit_admit::admit(bytes, rules) {
            Ok(_) => Ok(Taken::Admitted),
            Err(rejection) if rejection.reason == RejectReason::ImportDenied => Ok(Taken::ImportDenied),
            Err(rejection) => Err(format!("admission refuses a valid module: {rejection}")),
        }
    }

    fn define(&mut self, name: Option<Id<'_>>, module: Module) {
        self.definitions.insert(None, module.clone());
        self.definitions.insert(owned(name), module);
    }

    fn definition(&self, name: Option<Id<'_>>) -> Result<Module, String> {
        self.definitions.get(&owned(name)).cloned().ok_or_else(|| format!("no module is defined as {name:?}"))
    }

    fn try_instantiate(&mut self, module: &Module) -> Result<(), Failed> {
        self.make(module).map(drop)
    }

    fn instantiate(&mut self, module: &Module, name: Option<Id<'_>>) -> Result<(), String> {
        // If it fails, they fail too, instead of calling the one before.
        self.current = None;
        let instance = self.make(module).map_err(|failed| format!("cannot be instantiated: {failed}"))?;
        self.current = Some(instance);
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), instance);
        }
        Ok(())
    }

    fn register(&mut self, name: &str, instance: Option<Id<'_>>) -> Result<(), String> {
        let instance = self.instance(instance)?;
        self.linker.instance(&mut self.store, name, instance).map(drop).map_err(|error| format!("cannot be registered: {error}"))
    }

    fn get(&mut self, instance: Option<Id<'_>>, name: &str) -> Result<Vec<Val>, String> {
        let instance = self.instance(instance)?;
        let global = instance.get_global(&self.store, name).ok_or_else(|| format!("there is no global `{name}`"))?;
        Ok(vec![global.get(&self.store)])
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Ended<Val>, String> {
        let instance = self.instance(invoke.module)?;
        let name = invoke.name;
        let function = instance.get_func(&self.store, name).ok_or_else(|| format!("there is no function `{name}`"))?;
        let mut arguments = Vec::new();
        for argument in &invoke.args {
            let WastArg::Core(argument) = argument else { return Err(format!("{argument:?} is no core value")) };
            arguments.push(self.value(argument)?);
        }
        Ok(match self.call(function, &arguments) {
            Ok(results) => Ended::Returned(results),
            Err(error) => Ended::Failed(failed(&error)),
        })
    }

    fn matches(&mut self, value: &Val, pattern: &WastRetCore<'_>) -> Result<bool, String> {
        use WastRetCore as P;
        Ok(match (value, pattern) {
            (value, P::Either(patterns)) => {
                for pattern in patterns {
                    if self.matches(value, pattern)? {
                        return Ok(true);
                    }
                }
                false
            }
            (Val::I32(value), P::I32(expected)) => value == expected,
            (Val::I64(value), P::I64(expected)) => value == expected,
            (Val::F32(value), P::F32(expected)) => is_f32(value.to_bits(), expected),
            (Val::F64(value), P::F64(expected)) => is_f64(value.to_bits(), expected),
            (Val::V128(value), P::V128(expected)) => is_v128(value.as_u128().to_le_bytes(), expected),
            (Val::FuncRef(Nullable::Null) | Val::ExternRef(Nullable::Null), P::RefNull(None)) => true,
            (Val::FuncRef(Nullable::Null), P::RefNull(Some(ty))) => matches!(null(ty)?, Val::FuncRef(_)),
            (Val::ExternRef(Nullable::Null), P::RefNull(Some(ty))) => matches!(null(ty)?, Val::ExternRef(_)),
            // Which function it is, the engine does not tell.
            (Val::FuncRef(Nullable::Val(_)), P::RefFunc(_)) => true,
            (Val::ExternRef(Nullable::Val(_)), P::RefExtern(None)) => true,
            (Val::ExternRef(Nullable::Val(reference)), P::RefExtern(Some(number))) => {
                reference.data(&self.store).downcast_ref::<u32>() == Some(number)
            }
            _ => false,
        })
    }

    /// It has none.
    fn take_exception(&mut self) -> bool {
        false
    }
}

impl Interpreter {
    /// Start functions run as Wasmi runs them, without a stop.
    fn make(&mut self, module: &Module) -> Result<Instance, Failed> {
        self.fuel(u64::MAX);
        self.linker.instantiate_and_start(&mut self.store, module).map_err(|error| failed(&error))
    }

    /// Calls a function that gives the thread back wherever it can.
    fn call(&mut self, function: Func, arguments: &[Val]) -> Result<Vec<Val>, Error> {
        let results = function.ty(&self.store).results().len();
        let mut results = vec![Val::I32(0); results];
        self.fuel(0);
        let mut step = function.call_resumable(&mut self.store, arguments, &mut results)?;
        loop {
            step = match step {
                ResumableCall::Finished => return Ok(results),
                ResumableCall::OutOfFuel(call) => {
                    executor::gave_back();
                    self.fuel(call.required_fuel());
                    call.resume(&mut self.store, &mut results)?
                }
                ResumableCall::HostTrap(call) => return Err(call.into_host_error()),
            };
        }
    }

    fn fuel(&mut self, fuel: u64) {
        if self.metered {
            self.store.set_fuel(fuel).expect("fuel is counted");
        }
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, String> {
        match name {
            None => self.current.ok_or_else(|| "there is no instance".into()),
            Some(name) => self.instances.get(name.name()).copied().ok_or_else(|| format!("no instance is named {}", name.name())),
        }
    }

    /// The value of an argument. What the host refers to is a number, boxed in the store.
    fn value(&mut self, argument: &WastArgCore<'_>) -> Result<Val, String> {
        Ok(match argument {
            WastArgCore::I32(value) => Val::I32(*value),
            WastArgCore::I64(value) => Val::I64(*value),
            WastArgCore::F32(value) => Val::F32(F32::from_bits(value.bits)),
            WastArgCore::F64(value) => Val::F64(F64::from_bits(value.bits)),
            WastArgCore::V128(value) => Val::V128(V128::from(u128::from_le_bytes(value.to_le_bytes()))),
            WastArgCore::RefNull(ty) => null(ty)?,
            WastArgCore::RefExtern(number) => Val::ExternRef(ExternRef::new(&mut self.store, *number).into()),
            WastArgCore::RefHost(_) => return Err("there are no references of that kind".into()),
        })
    }
}

fn null(ty: &HeapType<'_>) -> Result<Val, String> {
    match ty {
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Func | AbstractHeapType::NoFunc } => {
            Ok(Val::FuncRef(Nullable::Null))
        }
        HeapType::Abstract { shared: false, ty: AbstractHeapType::Extern | AbstractHeapType::NoExtern } => {
            Ok(Val::ExternRef(Nullable::Null))
        }
        other => Err(format!("there is no null of {other:?}")),
    }
}

fn failed(error: &Error) -> Failed {
    let kind = match error.as_trap_code() {
        Some(TrapCode::StackOverflow) => return Failed::Exhausted,
        Some(TrapCode::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(TrapCode::MemoryOutOfBounds) => TrapKind::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => TrapKind::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull) => TrapKind::IndirectCallToNull,
        Some(TrapCode::BadSignature) => TrapKind::BadSignature,
        Some(TrapCode::IntegerOverflow) => TrapKind::IntegerOverflow,
        Some(TrapCode::IntegerDivisionByZero) => TrapKind::IntegerDivisionByZero,
        Some(TrapCode::BadConversionToInteger) => TrapKind::BadConversionToInteger,
        Some(TrapCode::OutOfFuel | TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => TrapKind::Other,
        None => match error.kind() {
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => TrapKind::TableOutOfBounds,
            _ => return Failed::Otherwise(error.to_string()),
        },
    };
    Failed::Trapped(kind)
}

/// Links all of `spectest` but the shared memory, which no guest can have.
fn link(linker: &mut Linker<()>, store: &mut Store<()>, features: FeatureSet) -> Result<(), Error> {
    for (name, params) in FUNCTIONS {
        let ty = |letter| match letter {
            b'i' => ValType::I32,
            b'I' => ValType::I64,
            b'f' => ValType::F32,
            _ => ValType::F64,
        };
        linker.func_new(NAME, name, FuncType::new(params.bytes().map(ty), []), |_, _, _| Ok(()))?;
    }
    let globals = [
        ("global_i32", Val::I32(666)),
        ("global_i64", Val::I64(666)),
        ("global_f32", Val::F32(F32::from_bits(666.6_f32.to_bits()))),
        ("global_f64", Val::F64(F64::from_bits(666.6_f64.to_bits()))),
    ];
    for (name, value) in globals {
        let global = Global::new(&mut *store, value, Mutability::Const);
        linker.define(NAME, name, Extern::Global(global))?;
    }
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(NAME, "memory", Extern::Memory(memory))?;
    let table = Table::new(&mut *store, TableType::new(RefType::Func, 10, Some(20)), Ref::Func(Nullable::Null))?;
    linker.define(NAME, "table", Extern::Table(table))?;
    if spectest::has_table64(features) {
        let table = Table::new(&mut *store, TableType::new64(RefType::Func, 10, Some(20)), Ref::Func(Nullable::Null))?;
        linker.define(NAME, "table64", Extern::Table(table))?;
    }
    Ok(())
}
